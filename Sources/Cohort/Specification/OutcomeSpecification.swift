import CanonicalBytes

/// What the study predicts: an event read from one column, and the values of that column where models may
/// learn them too.
///
/// A row whose outcome is missing or unreadable, or no possible value, leaves the cohort, in a flow step of
/// its own.
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
  /// What models may learn instead of the event; nil for the event alone.
  public var values: OutcomeValues?
  /// Unit of a number; a site whose column has another one converts it. Nil for the unit of the column.
  public var unit: String?

  public init(
    column: String, positive: Rule, name: String, values: OutcomeValues? = nil, unit: String? = nil
  ) {
    self.column = column
    self.positive = positive
    self.name = name
    self.values = values
    self.unit = unit
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
    writer.optional(values) { $1.write(to: &$0) }
    writer.optional(unit) { $0.string($1) }
  }

  /// The outcome of a cell's canonical text: nil when missing, unreadable or no possible value.
  func value(of text: String?) -> (event: UInt8, value: Double)? {
    guard let text else { return nil }
    if case .comparison = positive, CellText.number(text) == nil { return nil }
    let event: UInt8 = positive.holds(word: text) ? 1 : 0
    guard let values else { return (event, Double(event)) }
    guard let value = values.value(of: text) else { return nil }
    return (event, value)
  }
}
