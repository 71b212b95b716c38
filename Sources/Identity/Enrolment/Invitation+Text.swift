import CanonicalBytes
import Crypto
import Foundation

extension Invitation {
  /// Names the format and its version; "1" is no base32 digit, so the prefix cannot be mistaken for
  /// content.
  static let prefix = "wr1"
  private static let checksumByteCount = 4

  /// The invitation as one word of lower-case letters and digits, about 230 characters: a double
  /// click selects it, a mail client does not break it apart, and case does not matter.
  ///
  ///     text    = "wr1" base32(length payload checksum)         RFC 4648 §6 alphabet, no padding
  ///     length  = count of payload bytes, 16 bits, little-endian
  ///     checksum = first 4 bytes of SHA-256("wr1" length payload)
  ///
  /// It holds the secret: show it to the operator, never log it.
  public func revealedText() -> String {
    let payload = encodedPayload()
    var framed = ByteWriter()
    framed.integer(UInt16(payload.count))
    framed.raw(payload)
    framed.raw(Self.checksum(framed.bytes))
    return Self.prefix + Base32.text(framed.bytes)
  }

  /// Reads what somebody pasted. Spaces, line breaks and capital letters are forgiven.
  ///
  /// - Throws: `invitation-unrecognised`, `invitation-version`, `invitation-character` (with its
  ///   position), `invitation-truncated`, `invitation-checksum`, `invitation-malformed`.
  public init(text: String) throws(IdentityError) {
    guard text.utf8.count <= 4096 else { throw IdentityError(.invitationUnrecognised) }
    let word = text.lowercased().filter { !$0.isWhitespace && $0 != "\u{200B}" }
    guard word.hasPrefix(Self.prefix) else {
      let sameFamily = word.hasPrefix("wr") && word.dropFirst(2).first?.isNumber == true
      throw IdentityError(sameFamily ? .invitationVersion : .invitationUnrecognised)
    }
    let framed: [UInt8]
    switch Base32.bytes(word.dropFirst(Self.prefix.count).utf8) {
    case .bytes(let bytes): framed = bytes
    case .invalidCharacter(let offset):
      throw IdentityError(
        .invitationCharacter, at: "character \(offset + Self.prefix.count + 1)")
    case .invalidLength: throw IdentityError(.invitationTruncated)
    }
    try self.init(payload: Self.payload(of: framed))
  }

  private static func payload(of framed: [UInt8]) throws(IdentityError) -> [UInt8] {
    var reader = ByteReader(framed)
    guard let length = try? Int(reader.integer(UInt16.self)),
      reader.remaining >= length + checksumByteCount
    else { throw IdentityError(.invitationTruncated) }
    guard let payload = try? reader.raw(length), let found = try? reader.raw(checksumByteCount),
      reader.remaining == 0, found == checksum(Array(framed.prefix(2 + length)))
    else { throw IdentityError(.invitationChecksum) }
    return payload
  }

  private static func checksum(_ framed: [UInt8]) -> [UInt8] {
    Array(SHA256.hash(data: Array(prefix.utf8) + framed).prefix(checksumByteCount))
  }

  private func encodedPayload() -> [UInt8] {
    var writer = ByteWriter()
    writer.string(principal.uri)
    writer.string(host.description)
    writer.integer(enrolmentPort)
    writer.integer(servicePort)
    // The initialiser has checked the range.
    writer.integer(InvitationRecord.seconds(expiry) ?? 0)
    writer.raw(pin.bytes)
    writer.raw(secret.revealed())
    return writer.bytes
  }

  private init(payload: [UInt8]) throws(IdentityError) {
    var reader = ByteReader(payload)
    let principal: Principal
    let host: ServerHost
    let enrolmentPort: UInt16
    let servicePort: UInt16
    let seconds: Int64
    let pinBytes: [UInt8]
    let secretBytes: [UInt8]
    do {
      principal = try Principal(uri: reader.string(limit: 256))
      host = try ServerHost(reader.string(limit: 253))
      enrolmentPort = try reader.integer()
      servicePort = try reader.integer()
      seconds = try reader.integer()
      pinBytes = try reader.raw(AuthorityPin.byteCount)
      secretBytes = try reader.raw(InvitationSecret.byteCount)
      try reader.finish()
    } catch {
      throw IdentityError(.invitationMalformed)
    }
    guard let pin = AuthorityPin(bytes: pinBytes), let secret = InvitationSecret(bytes: secretBytes)
    else { throw IdentityError(.invitationMalformed) }
    try self.init(
      principal: principal, host: host, enrolmentPort: enrolmentPort, servicePort: servicePort,
      pin: pin, expiry: Date(timeIntervalSince1970: TimeInterval(seconds)), secret: secret)
  }
}
