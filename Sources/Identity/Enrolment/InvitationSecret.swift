import CanonicalBytes
import Crypto
import Cryptography

/// The 256 random bits that make an invitation valid. Whoever has them may join once in the name the
/// invitation is for.
///
/// Lives in memory that is cleared when the last copy goes; no description, dump or coder shows it.
public struct InvitationSecret: Sendable, CustomStringConvertible, CustomReflectable {
  /// 256 bits, in bytes.
  public static let byteCount = 32
  private let key: SymmetricKey

  /// Draws a new secret from the system's generator.
  public init() {
    key = SymmetricKey(size: .bits256)
  }

  /// - Returns: nil unless there are 32 bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    key = SymmetricKey(data: bytes)
  }

  /// The secret itself, for the invitation's text and the message that redeems it.
  public func revealed() -> [UInt8] {
    key.withUnsafeBytes { Array($0) }
  }

  /// What the aggregator keeps: SHA-256 over a domain name and the secret. With 256 random bits in
  /// it no salt or slow hash is needed.
  public var hash: [UInt8] { digest("wardround/v1/invitation-secret") }

  /// The public name of the invitation, from the same secret under another domain name.
  var invitationID: InvitationID {
    InvitationID(unchecked: Array(digest("wardround/v1/invitation-id").prefix(16)))
  }

  private func digest(_ domain: String) -> [UInt8] {
    var writer = ByteWriter()
    writer.string(domain)
    var hash = SHA256()
    hash.update(data: writer.bytes)
    key.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return Array(hash.finalize())
  }

  public var description: String { "<secret>" }

  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The public name of an invitation: 16 bytes that say nothing about its secret.
public struct InvitationID: Sendable, Hashable, Codable, CustomStringConvertible {
  /// 128 bits, in bytes.
  public static let byteCount = 16
  /// The 16 bytes of the id.
  public let bytes: [UInt8]

  init(unchecked bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// - Returns: nil unless there are 16 bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// 32 hexadecimal digits.
  public var description: String { Hexadecimal.encode(bytes) }
}
