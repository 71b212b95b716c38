/// Reads the cells of one column as one feature, or as plain text, with all codes resolved.
struct CellReader: Sendable {
  /// Index of the column in a row's fields.
  let column: Int
  private let missing: Set<String>
  private let levelNames: [String: String]
  private let conversion: UnitConversion
  private let hardRange: ClosedRange<Double>?

  /// What a number's or flag's cell held.
  enum Reading: Sendable, Equatable {
    case value(Double)
    case missing
    case outOfRange(Double)
    case unreadable
  }

  init(
    column: Int, source: SourceColumn, missingCodes: [String] = [],
    conversion: UnitConversion = .identity, hardRange: ClosedRange<Double>? = nil
  ) {
    self.column = column
    missing = Set((source.missingCodes + missingCodes).map { CellText.canonical($0) })
    var names: [String: String] = [:]
    for (from, to) in source.levelNames { names[CellText.canonical(from)] = CellText.canonical(to) }
    levelNames = names
    self.conversion = conversion
    self.hardRange = hardRange
  }

  /// The cell's canonical text in the study's words; nil when it is missing.
  func text(_ fields: [String]) -> String? {
    let canonical = CellText.canonical(fields[column])
    if CellText.isStandardMissing(canonical) || missing.contains(canonical) { return nil }
    return levelNames[canonical] ?? canonical
  }

  /// The cell's number in the study's unit.
  func number(_ fields: [String]) -> Reading {
    guard let text = text(fields) else { return .missing }
    guard let raw = CellText.number(text) else { return .unreadable }
    let value = conversion.apply(raw)
    guard value.isFinite else { return .unreadable }
    if let hardRange, !hardRange.contains(value) { return .outOfRange(value) }
    return .value(value)
  }

  /// The cell's yes or no.
  func flag(_ fields: [String]) -> Reading {
    guard let text = text(fields) else { return .missing }
    return CellText.flag(text).map { .value($0) } ?? .unreadable
  }

  /// The cell for a criterion: a number is written in the study's unit, other texts as they are.
  func comparable(_ fields: [String]) -> String? {
    guard let text = text(fields) else { return nil }
    if conversion.isIdentity { return text }
    return CellText.number(text).map { "\(conversion.apply($0))" } ?? text
  }
}
