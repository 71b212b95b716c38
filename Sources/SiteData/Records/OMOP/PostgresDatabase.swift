import CPostgres

/// A PostgreSQL database through libpq, in one read-only transaction, row by row.
///
/// The connection string is libpq's own (`host=… dbname=… user=…` or a `postgresql://` address);
/// passwords belong into `PGPASSFILE`. No text of the server reaches a message: it may quote data.
final class PostgresDatabase: TableDatabase {
  let name: String
  private let schema: String
  private let connection: OpaquePointer

  /// `name` stands in messages, since a connection string may hold a secret.
  init(connection text: String, schema: String, name: String) throws(SiteDataError) {
    self.name = name
    guard schema.isPlainIdentifier else {
      throw SiteDataError(
        .database, file: name, message: "the schema's name is not a plain name",
        advice: "use letters, digits and underscores")
    }
    self.schema = schema
    guard let connection = PQconnectdb(text) else {
      throw SiteDataError(
        .database, file: name, message: "there is no memory for a connection", advice: "try again")
    }
    self.connection = connection
    guard PQstatus(connection) == CONNECTION_OK else {
      // `deinit` runs, and closes the connection.
      throw SiteDataError(
        .database, file: name, message: "the database server cannot be reached",
        advice: "check the connection string, the server and the password file")
    }
    let began = PQexec(connection, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    let status = PQresultStatus(began)
    PQclear(began)
    guard status == PGRES_COMMAND_OK else { throw lost() }
  }

  deinit { PQfinish(connection) }

  fileprivate func lost() -> SiteDataError {
    PQstatus(connection) == CONNECTION_BAD
      ? SiteDataError(
        .connectionLost, file: name, message: "the connection was lost while records were read",
        advice: "nothing was written; run the command again")
      : SiteDataError(
        .database, file: name, message: "the database refuses a query",
        advice: "check the schema, the user's right to read it, and the OMOP version")
  }

  func columns(of table: String) throws(SiteDataError) -> Set<String> {
    let cursor = try query(
      "SELECT lower(column_name) FROM information_schema.columns WHERE lower(table_schema) ="
        + " lower('\(schema)') AND lower(table_name) = '\(table)'", qualified: false)
    var names: Set<String> = []
    while try cursor.next() {
      if let cell = cursor.cell(0) { names.insert(String(decoding: cell, as: UTF8.self)) }
    }
    return names
  }

  func query(_ sql: String) throws(SiteDataError) -> any TableCursor {
    try query(sql, qualified: true)
  }

  private func query(_ sql: String, qualified: Bool) throws(SiteDataError) -> any TableCursor {
    if qualified {
      let path = PQexec(connection, "SET LOCAL search_path TO \(schema)")
      let status = PQresultStatus(path)
      PQclear(path)
      guard status == PGRES_COMMAND_OK else { throw lost() }
    }
    guard PQsendQuery(connection, sql) == 1, PQsetSingleRowMode(connection) == 1 else {
      throw lost()
    }
    return Cursor(self)
  }

  func exactNumber(_ column: String) -> String { "\(column)::text" }
  func text(_ column: String) -> String { "\(column)::text" }

  private final class Cursor: TableCursor {
    private let database: PostgresDatabase
    private var result: OpaquePointer?
    private var isFinished = false

    init(_ database: PostgresDatabase) { self.database = database }

    deinit {
      PQclear(result)
      guard !isFinished else { return }
      if let cancel = PQgetCancel(database.connection) {
        var message = [CChar](repeating: 0, count: 256)
        PQcancel(cancel, &message, 256)
        PQfreeCancel(cancel)
      }
      while let rest = PQgetResult(database.connection) { PQclear(rest) }
    }

    func next() throws(SiteDataError) -> Bool {
      PQclear(result)
      result = nil
      guard !isFinished else { return false }
      guard let row = PQgetResult(database.connection) else {
        isFinished = true
        return false
      }
      result = row
      switch PQresultStatus(row) {
      case PGRES_SINGLE_TUPLE: return true
      case PGRES_TUPLES_OK:
        while let rest = PQgetResult(database.connection) { PQclear(rest) }
        isFinished = true
        return false
      default:
        let error = database.lost()
        while let rest = PQgetResult(database.connection) { PQclear(rest) }
        isFinished = true
        throw error
      }
    }

    func cell(_ column: Int) -> UnsafeBufferPointer<UInt8>? {
      guard let result, PQgetisnull(result, 0, Int32(column)) == 0,
        let text = PQgetvalue(result, 0, Int32(column))
      else { return nil }
      let count = Int(PQgetlength(result, 0, Int32(column)))
      return UnsafeRawBufferPointer(start: text, count: count).bindMemory(to: UInt8.self)
    }
  }
}

extension String {
  /// Letters, digits and underscores, beginning with a letter: fit to stand in a query as it is.
  var isPlainIdentifier: Bool {
    guard let first = utf8.first, utf8.count <= 63 else { return false }
    let isLetter = { (byte: UInt8) in (65...90).contains(byte) || (97...122).contains(byte) }
    return (isLetter(first) || first == 95)
      && utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 95 }
  }
}
