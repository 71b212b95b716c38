import CSQLite

/// A SQLite file, opened for reading only, through SQLite's own C interface: a cursor that hands out
/// the bytes of a cell without copying them.
final class SQLiteDatabase: TableDatabase {
  let name: String
  private let handle: OpaquePointer

  init(path: String) throws(SiteDataError) {
    var opened: OpaquePointer?
    let status = sqlite3_open_v2(
      path, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
    guard status == SQLITE_OK, let opened else {
      sqlite3_close_v2(opened)
      throw SiteDataError(
        .unreadableFile, file: path, message: "the database cannot be opened",
        advice: "check the path and the file's permissions")
    }
    name = path
    handle = opened
    sqlite3_busy_timeout(handle, 5000)
  }

  deinit { sqlite3_close_v2(handle) }

  func columns(of table: String) throws(SiteDataError) -> Set<String> {
    // The table's name is one of ours, never a text from outside.
    let cursor = try query("SELECT name FROM pragma_table_info('\(table)')")
    var names: Set<String> = []
    while try cursor.next() {
      if let cell = cursor.cell(0) {
        names.insert(String(decoding: cell, as: UTF8.self).lowercased())
      }
    }
    return names
  }

  func query(_ sql: String) throws(SiteDataError) -> any TableCursor {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
      throw SiteDataError(
        .database, file: name, message: "the database refuses a query",
        advice: "check that it is an OMOP common data model 5.3 or 5.4")
    }
    return Cursor(statement, self)
  }

  func exactNumber(_ column: String) -> String {
    "CASE typeof(\(column)) WHEN 'real' THEN printf('%!.17g', \(column)) ELSE \(column) END"
  }

  func text(_ column: String) -> String { column }

  // Any column of SQLite may hold any type.
  func isNoInteger(_ column: String, of table: String) -> String? {
    "typeof(\(column)) NOT IN ('integer', 'null')"
  }
  func isTime(_ column: String, of table: String) -> Bool { false }

  private final class Cursor: TableCursor {
    private let statement: OpaquePointer
    /// Keeps the connection open.
    private let database: SQLiteDatabase

    init(_ statement: OpaquePointer, _ database: SQLiteDatabase) {
      self.statement = statement
      self.database = database
    }

    deinit { sqlite3_finalize(statement) }

    func next() throws(SiteDataError) -> Bool {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: return true
      case SQLITE_DONE: return false
      default:
        throw SiteDataError(
          .database, file: database.name, message: "reading stopped in the middle",
          advice: "check the file with `PRAGMA integrity_check`")
      }
    }

    func cell(_ column: Int) -> UnsafeBufferPointer<UInt8>? {
      guard let text = sqlite3_column_text(statement, Int32(column)) else { return nil }
      return UnsafeBufferPointer(
        start: text, count: Int(sqlite3_column_bytes(statement, Int32(column))))
    }
  }
}
