import CanonicalBytes
import Cryptography

/// A fault of the protocol: what happened and whom it names. Equality is on the code and the names,
/// since who is named is half of a verdict. Carries no value of a vector and no secret.
public struct SecureAggregationError: Error, Sendable, Equatable, CustomStringConvertible {
  public let code: FaultCode
  /// Site indices, ascending; 0 is the aggregator.
  public let named: [UInt16]
  /// The two sides of a mismatch (`queryMismatch`, `chainMismatch`): what the reporting site derived
  /// itself and what it was sent.
  public let sides: Sides?

  /// Digests of what two parties hold; digests are public.
  public struct Sides: Sendable, Hashable {
    public let own: Digest
    public let received: Digest

    public init(own: Digest, received: Digest) {
      self.own = own
      self.received = received
    }
  }

  public init(_ code: FaultCode, naming named: [UInt16] = [], sides: Sides? = nil) {
    self.code = code
    self.named = Array(Set(named)).sorted()
    self.sides = sides
  }

  init(_ fault: DecodingFault, naming named: [UInt16]) {
    let code: FaultCode =
      switch fault.code {
      case .truncated: .truncated
      case .tooLong: .tooLong
      case .trailingBytes: .trailingBytes
      case .notCanonical: .notCanonical
      }
    self.init(code, naming: named)
  }

  /// A constant sentence for the code.
  public var message: String { code.message }

  /// The fault for people: with the parties' names in the place of their numbers.
  ///
  /// - Parameters:
  ///   - reporter: who derived its own side of a mismatch, for example "the site".
  ///   - name: the name of a party, 0 for the aggregator.
  public func sentence(reporter: String, name: (UInt16) -> String) -> String {
    var text = "\(code.name), \(message)"
    if !named.isEmpty { text += " [\(named.map(name).joined(separator: ", "))]" }
    if let sides {
      text +=
        "; \(reporter) derived \(sides.own.hex.prefix(16))…, the aggregator sent"
        + " \(sides.received.hex.prefix(16))…"
    }
    return text
  }

  public var description: String {
    var text = "\(code.name): \(message)"
    if !named.isEmpty {
      let names = named.map { $0 == 0 ? "aggregator" : "site \($0)" }
      text += " (\(names.joined(separator: ", ")))"
    }
    if let sides { text += "; own \(sides.own.hex), received \(sides.received.hex)" }
    return text
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.code == right.code && left.named == right.named
  }
}
