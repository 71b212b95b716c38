import CanonicalBytes

/// One predictor of a study: where it comes from, what it is and which codes mean "missing".
public struct FeatureSpecification: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// A measurement. Values are converted to `unit`; one outside `hardRange` becomes missing and
    /// is counted. `resolution` is the recording precision in `unit`, the grid of the quantile
    /// search.
    case number(unit: String?, hardRange: ClosedRange<Double>?, resolution: Double?)
    /// A word out of a vocabulary. With `levels`, any other word counts as "other"; without, the
    /// words found in the data are the vocabulary.
    case category(levels: [String]?)
    /// Yes or no.
    case flag
  }

  /// The name in the study and in reports.
  public var name: String
  /// The column of the data; the name unless the study says otherwise.
  public var column: String
  public var kind: Kind
  /// Texts that mean "not measured" beside the site's own codes, compared as
  /// `CellText.canonical` writes them, so that `0` also covers `0.0`.
  public var missingCodes: [String]

  public init(_ name: String, column: String? = nil, kind: Kind, missingCodes: [String] = []) {
    self.name = name
    self.column = column ?? name
    self.kind = kind
    self.missingCodes = missingCodes
  }

  /// The study's unit of a number; nil for other kinds and for numbers without a unit.
  public var unit: String? {
    if case .number(let unit, _, _) = kind { unit } else { nil }
  }

  /// Whether this is a number.
  public var isNumber: Bool {
    if case .number = kind { true } else { false }
  }

  /// Whether this is a category.
  public var isCategory: Bool {
    if case .category = kind { true } else { false }
  }

  /// Whether this is a flag.
  public var isFlag: Bool { kind == .flag }

  /// Appends the canonical bytes.
  public func write(to writer: inout ByteWriter) {
    writer.string(name)
    writer.string(column)
    switch kind {
    case .number(let unit, let range, let resolution):
      writer.integer(UInt8(1))
      writer.optional(unit) { $0.string($1) }
      writer.optional(range) {
        $0.double($1.lowerBound)
        $0.double($1.upperBound)
      }
      writer.optional(resolution) { $0.double($1) }
    case .category(let levels):
      writer.integer(UInt8(2))
      writer.optional(levels) { writer, levels in
        writer.array(levels) { $0.string($1) }
      }
    case .flag:
      writer.integer(UInt8(3))
    }
    writer.array(missingCodes) { $0.string($1) }
  }
}
