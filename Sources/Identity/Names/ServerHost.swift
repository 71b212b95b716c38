import Foundation
import SwiftASN1
import X509

/// A host that the aggregator is called by: a DNS name or an IP address, without a port.
public enum ServerHost: Sendable, Hashable, CustomStringConvertible {
  /// Lower case, without a trailing dot.
  case dnsName(String)
  /// 4 or 16 bytes in network order.
  case address([UInt8])

  /// - Throws: `malformed-host`.
  public init(_ text: String) throws(IdentityError) {
    if let bytes = Self.parse(text, family: AF_INET, byteCount: 4)
      ?? Self.parse(text, family: AF_INET6, byteCount: 16)
    {
      self = .address(bytes)
    } else if Self.isDNSName(text) {
      self = .dnsName(text.lowercased())
    } else {
      throw IdentityError(.malformedHost)
    }
  }

  public var description: String {
    switch self {
    case .dnsName(let name): return name
    case .address(let bytes):
      var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      let family = bytes.count == 4 ? AF_INET : AF_INET6
      guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// The host as a subject alternative name.
  var generalName: GeneralName {
    switch self {
    case .dnsName(let name): .dnsName(name)
    case .address(let bytes): .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
    }
  }

  /// Whether a certificate is for this host. Exact match only: the authority writes no wildcards.
  func isNamed(by certificate: Certificate) -> Bool {
    guard let names = (try? certificate.extensions.subjectAlternativeNames) ?? nil else {
      return false
    }
    return names.contains { name in
      switch (name, self) {
      case (.dnsName(let found), .dnsName(let wanted)): found.lowercased() == wanted
      case (.ipAddress(let found), .address(let wanted)): found.bytes.elementsEqual(wanted)
      default: false
      }
    }
  }

  private static func parse(_ text: String, family: Int32, byteCount: Int) -> [UInt8]? {
    guard !text.utf8.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
  }

  /// Letters-digits-hyphen labels (RFC 1123 §2.1), at most 253 bytes; the last label is not a number,
  /// so that a mistyped address does not pass as a name.
  private static func isDNSName(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let hyphen = UInt8(ascii: "-")
    for label in labels {
      guard (1...63).contains(label.count), label.first != hyphen, label.last != hyphen,
        label.allSatisfy({ isLetter($0) || isDigit($0) || $0 == hyphen })
      else { return false }
    }
    return labels.last?.contains { !isDigit($0) } ?? false
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
