/// The rows of one query, one at a time: memory is one row.
protocol TableCursor: AnyObject {
  /// Moves to the next row; false after the last.
  func next() throws(SiteDataError) -> Bool
  /// The text of a cell of the current row, valid until the next call; nil for null.
  func cell(_ column: Int) -> UnsafeBufferPointer<UInt8>?
}

/// A database with an OMOP schema, open for reading only.
protocol TableDatabase: AnyObject {
  var name: String { get }
  /// Names of a table's columns in lower case; empty when there is no such table.
  func columns(of table: String) throws(SiteDataError) -> Set<String>
  /// The rows of a query.
  func query(_ sql: String) throws(SiteDataError) -> any TableCursor
  /// A number column as text that reads back as the same double.
  func exactNumber(_ column: String) -> String
  /// A column as text.
  func text(_ column: String) -> String
  /// A condition that holds where a column of a table is no whole number; empty when it always is,
  /// nil when the column as a whole is of another type. A column stands behind `t.`.
  func isNoInteger(_ column: String, of table: String) throws(SiteDataError) -> String?
  /// Whether a column holds nothing but times or dates, which the database can compare.
  func isTime(_ column: String, of table: String) throws(SiteDataError) -> Bool
}
