/// Why a site's data or settings cannot be read, where, and what to do. Equality is on the code.
///
/// Names files, rows, lines and columns; never a value.
public struct SiteDataError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The file does not exist or cannot be opened or read.
    case unreadableFile = "unreadable-file"
    /// The file is not in the declared encoding.
    case wrongEncoding = "wrong-encoding"
    /// A quoted field never ends.
    case unclosedQuote = "unclosed-quote"
    /// Text follows a closing quote.
    case textAfterQuote = "text-after-quote"
    /// A record, or the number of columns, is beyond its limit.
    case recordTooLarge = "record-too-large"
    /// The file has no header or no data.
    case emptyFile = "empty-file"
    /// A row has another number of fields than the header.
    case raggedRow = "ragged-row"
    /// A name stands twice in the header or in the declared columns.
    case duplicateColumn = "duplicate-column"
    /// A column that is needed is not in the file or not declared.
    case missingColumn = "missing-column"
    /// A unit that cannot be converted to the study's.
    case unitMismatch = "unit-mismatch"
    /// A record of an event source cannot be read.
    case badRecord = "bad-record"
    /// More records cannot be read than the site's policy allows.
    case tooManyBadRecords = "too-many-bad-records"
    /// A database cannot be reached or refuses a query.
    case database
    /// The connection was lost while records were read.
    case connectionLost = "connection-lost"
    /// The study's cohort cannot be built from this data for another reason.
    case unsuitable
  }

  public let code: Code
  public let file: String
  /// Data row from 1, header not counted; nil when the fault is not in a row.
  public let row: Int?
  /// Line of the file from 1; nil when unknown.
  public let line: Int?
  /// Column from 1; nil when the fault concerns no single column.
  public let column: Int?
  /// The column's name, where known.
  public let columnName: String?
  /// What is wrong.
  public let message: String
  /// What to do about it.
  public let advice: String

  public init(
    _ code: Code, file: String, row: Int? = nil, line: Int? = nil, column: Int? = nil,
    columnName: String? = nil, message: String, advice: String
  ) {
    self.code = code
    self.file = file
    self.row = row
    self.line = line
    self.column = column
    self.columnName = columnName
    self.message = message
    self.advice = advice
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  /// `file, row r (line l), column c (name): message; advice`.
  public var description: String {
    var place = file
    if let row { place += ", row \(row)" }
    if let line { place += row == nil ? ", line \(line)" : " (line \(line))" }
    if let column { place += ", column \(column)" }
    if let columnName { place += column == nil ? ", column `\(columnName)`" : " (`\(columnName)`)" }
    return advice.isEmpty ? "\(place): \(message)" : "\(place): \(message); \(advice)"
  }
}
