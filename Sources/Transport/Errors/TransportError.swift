/// Why a connection, a call or a frame failed. Equality is on the code.
///
/// The description is one line a person can act on: `message: subject: detail`. It never holds a
/// secret, a key or a value of a patient.
public struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The registered codes; the raw values are the ones on the wire.
  public enum Code: String, Sendable, CaseIterable {
    /// No connection could be made to the address.
    case notReachable = "not-reachable"
    /// The other side refused this side's certificate.
    case certificateRefused = "certificate-refused"
    /// This side refused the other side's certificate.
    case peerCertificateRefused = "peer-certificate-refused"
    /// An older connection of the same member is alive.
    case duplicateIdentity = "duplicate-identity"
    /// The caller's role may not call this method.
    case permissionDenied = "permission-denied"
    /// Nothing was heard from the peer for the dead-peer time.
    case peerSilent = "peer-silent"
    /// The peer did not take what was sent within the deadline.
    case peerStalled = "peer-stalled"
    /// More is waiting to be sent than the queue may hold.
    case queueFull = "queue-full"
    /// The body of a frame is over its limit.
    case bodyTooLarge = "body-too-large"
    /// A payload is over its limit.
    case payloadTooLarge = "payload-too-large"
    /// The stream ended inside a payload.
    case payloadTruncated = "payload-truncated"
    /// A chunk without an announced payload, out of order, empty or beyond the announced length.
    case chunkUnexpected = "chunk-unexpected"
    /// A message that is not one of the protocol, or not at this point.
    case messageMalformed = "message-malformed"
    /// The two sides speak different versions of the protocol.
    case protocolVersion = "protocol-version"
    /// A payload could not be written to or read from the spool folder.
    case spoolFailed = "spool-failed"
    /// The member was revoked.
    case revoked = "revoked"
    /// The aggregator is shutting down.
    case shuttingDown = "shutting-down"
    /// The connection was closed, by this side or in order by the other.
    case closed = "closed"
    /// The network ended the connection without a goodbye.
    case connectionLost = "connection-lost"
    /// The call was refused for the reason given.
    case refused = "refused"
    /// What was asked for does not exist.
    case notFound = "not-found"
    /// The call took longer than its deadline.
    case deadlineExceeded = "deadline-exceeded"
    /// Two tasks read the frames of one connection at the same time.
    case concurrentReaders = "concurrent-readers"
    /// Key, certificate or address settings that cannot be used.
    case settingsInvalid = "settings-invalid"
    /// A fault of the other side's program.
    case internalFailure = "internal-failure"
  }

  /// What went wrong.
  public let code: Code
  /// Who or what it is about: a member, an address, a study, a file. May be empty.
  public let subject: String
  /// More words, from this side or, for `refused`, from the other. May be empty.
  public let detail: String

  /// Makes an error.
  public init(_ code: Code, subject: String = "", detail: String = "") {
    self.code = code
    self.subject = subject
    self.detail = detail
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  /// The constant text of the code.
  public var message: String {
    switch code {
    case .notReachable: "aggregator not reachable"
    case .certificateRefused: "certificate refused"
    case .peerCertificateRefused: "the other side's certificate is not acceptable"
    case .duplicateIdentity: "another agent is connected with the same identity"
    case .permissionDenied: "this role may not call this method"
    case .peerSilent: "no sign of life"
    case .peerStalled: "does not take what is sent to it"
    case .queueFull: "too much is waiting to be sent"
    case .bodyTooLarge: "frame body is over the limit"
    case .payloadTooLarge: "payload is over the limit"
    case .payloadTruncated: "the connection ended inside a payload"
    case .chunkUnexpected: "payload chunk out of place"
    case .messageMalformed: "malformed message"
    case .protocolVersion: "the two sides speak different versions of the protocol"
    case .spoolFailed: "spool file failed"
    case .revoked: "revoked"
    case .shuttingDown: "the aggregator is shutting down"
    case .closed: "the connection is closed"
    case .connectionLost: "the connection was lost"
    case .refused: "refused"
    case .notFound: "not found"
    case .deadlineExceeded: "no answer within the deadline"
    case .concurrentReaders: "two readers on one connection"
    case .settingsInvalid: "settings cannot be used"
    case .internalFailure: "internal failure"
    }
  }

  public var description: String {
    [message, subject, detail].filter { !$0.isEmpty }.joined(separator: ": ")
  }

  /// A code received from a peer; one that is not registered is `refused`.
  init(wireCode: String, reason: String) {
    let code = Code(rawValue: wireCode) ?? .refused
    let cleaned = String(reason.unicodeScalars.filter { $0.value >= 32 }.prefix(1024))
    let prefix = TransportError(code).message
    var detail = cleaned
    if detail.hasPrefix(prefix) {
      detail = String(detail.dropFirst(prefix.count))
      if detail.hasPrefix(": ") { detail = String(detail.dropFirst(2)) }
    }
    self.init(code, detail: detail)
  }
}
