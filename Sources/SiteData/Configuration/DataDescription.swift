import Cohort

/// What a hospital says about its file: where it is, how it is written, what its columns are.
public struct DataDescription: Sendable, Hashable {
  public enum ColumnType: String, Sendable, Hashable, CaseIterable {
    case number, category, flag, text, date
  }

  /// One column the hospital offers to studies.
  public struct Column: Sendable, Hashable {
    public var name: String
    public var type: ColumnType
    /// The unit the values are recorded in.
    public var unit: String?
    /// Texts that mean "not measured", beside the standard ones.
    public var missingCodes: [String]
    /// The words that occur, when the hospital lists them.
    public var levels: [String]?
    /// The hospital's words for other words, as `m: male`; empty when there are none.
    public var levelNames: [String: String]
    /// Numbers outside are reported by the site check, in the recorded unit.
    public var range: ClosedRange<Double>?

    public init(
      _ name: String, type: ColumnType, unit: String? = nil, missingCodes: [String] = [],
      levels: [String]? = nil, levelNames: [String: String] = [:],
      range: ClosedRange<Double>? = nil
    ) {
      self.name = name
      self.type = type
      self.unit = unit
      self.missingCodes = missingCodes
      self.levels = levels
      self.levelNames = levelNames
      self.range = range
    }
  }

  /// Path of the file; a relative one starts at the settings file's folder.
  public var file: String
  public var delimiter: UInt8
  /// Whether the first record holds the column names. Without one, `columns` are the file's
  /// columns from left to right.
  public var hasHeader: Bool
  public var encoding: TextEncoding
  /// Whether numbers are written with a decimal comma.
  public var hasDecimalComma: Bool
  /// Texts that mean "not measured" in every column, beside the standard ones.
  public var missingCodes: [String]
  /// The columns offered to studies. Empty, with a header: every column is offered, as text
  /// without a unit.
  public var columns: [Column]
  /// The column with the patient's identifier.
  public var patientColumn: String?

  public init(
    file: String, delimiter: UInt8 = UInt8(ascii: ","), hasHeader: Bool = true,
    encoding: TextEncoding = .utf8, hasDecimalComma: Bool = false, missingCodes: [String] = [],
    columns: [Column] = [], patientColumn: String? = nil
  ) {
    self.file = file
    self.delimiter = delimiter
    self.hasHeader = hasHeader
    self.encoding = encoding
    self.hasDecimalComma = hasDecimalComma
    self.missingCodes = missingCodes
    self.columns = columns
    self.patientColumn = patientColumn
  }

  /// The declared column of a name.
  public func column(_ name: String) -> Column? {
    columns.first { $0.name == name }
  }
}
