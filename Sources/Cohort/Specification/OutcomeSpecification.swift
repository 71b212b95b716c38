import CanonicalBytes

/// What the study predicts: a binary outcome read from one column.
///
/// A row whose outcome is missing or unreadable leaves the cohort, in a flow step of its own.
public struct OutcomeSpecification: Sendable, Hashable {
  /// When the outcome counts as having happened.
  public enum Rule: Sendable, Hashable {
    /// The cell is one of these words or codes; any other recorded value means "did not happen".
    case oneOf([String])
    /// The cell is a number for which the comparison holds. `in` and `present` never hold here.
    case comparison(Comparison, Double)
  }

  public var column: String
  public var positive: Rule
  /// The event in words, for example "death in hospital".
  public var name: String

  public init(column: String, positive: Rule, name: String) {
    self.column = column
    self.positive = positive
    self.name = name
  }

  /// Appends the canonical bytes.
  public func write(to writer: inout ByteWriter) {
    writer.string(column)
    writer.string(name)
    switch positive {
    case .oneOf(let values):
      writer.integer(UInt8(1))
      writer.array(values) { $0.string($1) }
    case .comparison(let comparison, let bound):
      writer.integer(UInt8(2))
      writer.string(comparison.rawValue)
      writer.double(bound)
    }
  }

  /// The outcome of a cell's canonical text: nil when missing or unreadable.
  func value(of text: String?) -> UInt8? {
    guard let text else { return nil }
    switch positive {
    case .oneOf(let values):
      return values.contains { CellText.areEqual(text, $0) } ? 1 : 0
    case .comparison(let comparison, let bound):
      guard let number = CellText.number(text) else { return nil }
      let holds =
        switch comparison {
        case .less: number < bound
        case .lessOrEqual: number <= bound
        case .equal: number == bound
        case .notEqual: number != bound
        case .greaterOrEqual: number >= bound
        case .greater: number > bound
        case .oneOf, .present: false
        }
      return holds ? 1 : 0
    }
  }
}
