import Cryptography
import X509

/// The serial number of a certificate: what revocation is recorded under.
public struct CertificateSerial: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Lower-case hexadecimal, two digits a byte, no leading zero bytes: one spelling per number.
  public let text: String

  init(_ certificate: Certificate) {
    text = Hexadecimal.encode(certificate.serialNumber.bytes.drop { $0 == 0 })
  }

  /// Reads back what `text` wrote, for a ledger that keeps serials as text.
  public init?(text: String) {
    let digits = Array(text.utf8)
    guard (2...40).contains(digits.count), digits.count.isMultiple(of: 2),
      !text.hasPrefix("00"),
      digits.allSatisfy({
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      })
    else { return nil }
    self.text = text
  }

  public var description: String { text }
}
