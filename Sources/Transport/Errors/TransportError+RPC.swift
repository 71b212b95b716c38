import Foundation
import GRPCCore
import Identity
import NIOCore
import NIOPosix

/// The words of any error, for a log or a person.
enum Words {
  static func of(_ error: any Error) -> String {
    switch error {
    case let error as TransportError: error.description
    case let error as IdentityError: String(describing: error)
    default: "unexpected failure"
    }
  }

  /// A socket error's words, without types and file names.
  static func ofSocket(_ error: any Error) -> String {
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
    if let error = error as? NIOConnectionError, let first = error.connectionErrors.first {
      return ofSocket(first.error)
    }
    if error is NIOConnectionError { return "the name does not resolve" }
    if let error = error as? ChannelError, case .connectTimeout = error { return "no answer" }
    return ""
  }
}

extension TransportError {
  /// The metadata key that carries the code.
  static let metadataKey = "wardround-code"

  /// The error as the other side of a call gets it: the code, the subject and the detail.
  var rpcError: RPCError {
    let status: RPCError.Code =
      switch code {
      case .permissionDenied, .revoked, .certificateRefused: .permissionDenied
      case .duplicateIdentity: .alreadyExists
      case .notFound: .notFound
      case .shuttingDown, .connectionLost, .closed: .unavailable
      case .internalFailure: .internalError
      case .deadlineExceeded: .deadlineExceeded
      default: .failedPrecondition
      }
    return RPCError(
      code: status, message: String(description.prefix(1024)),
      metadata: [Self.metadataKey: .string(code.rawValue)])
  }

  /// What a failed call means.
  init(_ error: RPCError) {
    for value in error.metadata[stringValues: Self.metadataKey] {
      self.init(wireCode: value, reason: error.message)
      return
    }
    let code: Code =
      switch error.code {
      case .deadlineExceeded: .deadlineExceeded
      case .permissionDenied: .permissionDenied
      case .unavailable: .connectionLost
      case .notFound: .notFound
      case .internalError, .unknown, .dataLoss, .unimplemented: .internalFailure
      case .invalidArgument, .resourceExhausted: .messageMalformed
      default: .refused
      }
    self.init(code)
  }
}

extension RPCError {
  /// Whether the other side said in our own words what is wrong.
  var carriesTransportError: Bool {
    metadata[stringValues: TransportError.metadataKey].contains { _ in true }
  }
}

extension Error {
  /// What the caller of a method gets: our own errors as they are, nothing of any other.
  var asRPCError: RPCError {
    switch self {
    case let error as RPCError: error
    case let error as TransportError: error.rpcError
    case let error as IdentityError:
      TransportError(.refused, detail: Words.of(error)).rpcError
    default: TransportError(.internalFailure).rpcError
    }
  }
}
