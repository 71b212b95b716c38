import SwiftASN1
import X509

/// The text form of keys and certificates on disk (RFC 7468).
enum PEM {
  static let privateKey = "PRIVATE KEY"
  static let certificate = "CERTIFICATE"

  static func text(_ type: String, _ derBytes: [UInt8]) -> String {
    PEMDocument(type: type, derBytes: derBytes).pemString + "\n"
  }

  /// All blocks of a file, in their order.
  ///
  /// - Throws: `file-corrupted`.
  static func blocks(_ bytes: [UInt8], at path: String) throws(IdentityError) -> [PEMDocument] {
    guard let text = String(validating: bytes, as: UTF8.self),
      let blocks = try? PEMDocument.parseMultiple(pemString: text), !blocks.isEmpty
    else { throw IdentityError(.fileCorrupted, at: path) }
    return blocks
  }

  /// The bytes of a file that holds one block of a type and nothing else.
  static func single(
    _ type: String, _ bytes: [UInt8], at path: String
  ) throws(IdentityError) -> [UInt8] {
    let blocks = try blocks(bytes, at: path)
    guard blocks.count == 1, blocks[0].discriminator == type else {
      throw IdentityError(.fileCorrupted, at: path)
    }
    return blocks[0].derBytes
  }
}

extension Certificate {
  /// The largest certificate that is looked at, in bytes; ours have about 600.
  static let derLimit = 16 * 1024

  /// - Throws: `malformed-certificate`.
  init(der: [UInt8]) throws(IdentityError) {
    guard der.count <= Self.derLimit, let certificate = try? Certificate(derEncoded: der) else {
      throw IdentityError(.malformedCertificate)
    }
    self = certificate
  }

  /// - Throws: `malformed-certificate`.
  func der() throws(IdentityError) -> [UInt8] {
    var serializer = DER.Serializer()
    do {
      try serializer.serialize(self)
    } catch {
      throw IdentityError(.malformedCertificate)
    }
    return serializer.serializedBytes
  }
}
