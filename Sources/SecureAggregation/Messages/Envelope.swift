import CanonicalBytes
import Cryptography

/// The frame of every message: what it belongs to, who says it, and the signature over all of it
/// (protocol/README.md §3).
public struct Envelope: Sendable, Hashable {
  static let magic: [UInt8] = [0x57, 0x53, 0x53, 0x31]
  static let version: UInt8 = 1
  static let suite: UInt8 = 1
  /// Bytes before the body.
  static let headerByteCount = 57
  /// Bytes of a message with an empty body.
  static let smallestByteCount = headerByteCount + Signature.byteCount
  /// The largest message, in bytes: the transport's frame limit.
  public static let byteLimit = 524_288

  public let kind: MessageKind
  /// H_M.
  public let manifest: Digest
  public let epoch: UInt32
  public let round: UInt64
  /// 0 is the aggregator.
  public let sender: UInt16
  public let body: [UInt8]
  public let signature: Signature

  /// Signs a message and returns its bytes.
  package static func sealed(
    _ kind: MessageKind, manifest: Digest, epoch: UInt32, round: UInt64, sender: UInt16,
    body: [UInt8], key: SigningKey
  ) -> [UInt8] {
    var writer = ByteWriter(reservingCapacity: smallestByteCount + body.count)
    writer.raw(magic)
    writer.integer(version)
    writer.integer(suite)
    writer.integer(kind.rawValue)
    writer.raw(manifest.bytes)
    writer.integer(epoch)
    writer.integer(round)
    writer.integer(sender)
    writer.blob(body)
    let digest = Blake2b.hash(Labels.signature, writer.bytes)
    writer.raw(key.signature(for: digest.bytes).bytes)
    return writer.bytes
  }

  /// Reads the frame: steps 1–5 of §3. Throws with `claimed` named.
  package init(parsing bytes: [UInt8], naming claimed: [UInt16]) throws(SecureAggregationError) {
    guard bytes.count <= Self.byteLimit else {
      throw SecureAggregationError(.tooLong, naming: claimed)
    }
    guard bytes.count >= Self.smallestByteCount else {
      throw SecureAggregationError(.truncated, naming: claimed)
    }
    do {
      var reader = ByteReader(bytes)
      guard try reader.raw(4) == Self.magic else {
        throw SecureAggregationError(.notCanonical, naming: claimed)
      }
      let version = try reader.integer(UInt8.self)
      let suite = try reader.integer(UInt8.self)
      guard version == Self.version, suite == Self.suite else {
        throw SecureAggregationError(.wrongSuite, naming: claimed)
      }
      guard let kind = MessageKind(rawValue: try reader.integer(UInt8.self)) else {
        throw SecureAggregationError(.unknownKind, naming: claimed)
      }
      self.kind = kind
      manifest = try reader.digest()
      epoch = try reader.integer()
      round = try reader.integer()
      sender = try reader.integer()
      body = try reader.blob(limit: .max)
      signature = try reader.signature()
      try reader.finish()
    } catch let fault as DecodingFault {
      throw SecureAggregationError(fault, naming: claimed)
    } catch let fault as SecureAggregationError {
      throw fault
    } catch {
      throw SecureAggregationError(.notCanonical, naming: claimed)
    }
  }

  /// Reads and checks a message that came from the authenticated `peer` (0: the aggregator): steps
  /// 1–8 of §3, in their order.
  static func opened(
    _ bytes: [UInt8], from peer: UInt16, manifest: SignedManifest
  ) throws(SecureAggregationError) -> Envelope {
    let envelope = try Envelope(parsing: bytes, naming: [peer])
    guard envelope.manifest == manifest.digest else {
      throw SecureAggregationError(.wrongManifest, naming: [peer])
    }
    let fits =
      switch envelope.kind.direction {
      case .fromAggregator: envelope.sender == 0
      case .fromSite: envelope.sender != 0
      case .either: true
      }
    guard fits, envelope.sender == peer, let key = manifest.key(of: envelope.sender) else {
      throw SecureAggregationError(.senderUnknown)
    }
    guard envelope.isSigned(by: key, message: bytes) else {
      throw SecureAggregationError(.signatureInvalid, naming: [peer])
    }
    return envelope
  }

  /// Whether the signature at the end of `message` is the key's over everything before it.
  func isSigned(by key: VerifyingKey, message: [UInt8]) -> Bool {
    guard message.count >= Signature.byteCount else { return false }
    let digest = Blake2b.hash(
      Labels.signature, Array(message[..<(message.count - Signature.byteCount)]))
    return key.isValid(signature, for: digest.bytes)
  }

  /// The kind, epoch and round of a message, unchecked: for a transport that has to route it.
  public static func unchecked(_ bytes: [UInt8]) -> (
    kind: MessageKind, epoch: UInt32, round: UInt64
  )? {
    guard let envelope = try? Envelope(parsing: bytes, naming: []) else { return nil }
    return (envelope.kind, envelope.epoch, envelope.round)
  }
}
