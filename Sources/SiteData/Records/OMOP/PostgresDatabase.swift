import CPostgres
import Glibc

/// A PostgreSQL database through libpq, in one read-only transaction, row by row.
///
/// The connection string is libpq's own (`host=… dbname=… user=…` or a `postgresql://` address);
/// passwords belong into `PGPASSFILE`. No text of the server reaches a message: it may quote data.
///
/// No wait is without end: see ``Patience``.
final class PostgresDatabase: TableDatabase {
  let name: String
  private let schema: String
  private let connection: OpaquePointer
  private let patience: Patience
  /// The server fell silent: nothing may wait for it any more.
  private var isSilent = false

  /// How long a server may keep this program waiting.
  struct Patience {
    /// To let it in, in seconds; libpq waits at least 2. The connection string may say otherwise.
    var connectSeconds = 15
    /// For the next row of a query, the first included, in seconds. A query is not bounded as a
    /// whole: how long a table takes depends on the reader, too.
    var rowSeconds = 900
  }

  /// `name` stands in messages, since a connection string may hold a secret.
  init(
    connection text: String, schema: String, name: String, patience: Patience = Patience()
  ) throws(SiteDataError) {
    self.name = name
    self.patience = patience
    guard schema.isPlainIdentifier else {
      throw SiteDataError(
        .database, file: name, message: "the schema's name is not a plain name",
        advice: "use letters, digits and underscores")
    }
    self.schema = schema
    guard let connection = Self.connect(text, patience) else {
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
    try run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
  }

  deinit { PQfinish(connection) }

  /// Opens a connection. What stands before `dbname` are defaults: the connection string is expanded
  /// in its place, and the later of two values holds. A peer that vanished is noticed after 90
  /// seconds without an answer to keep-alives, or to what was sent.
  private static func connect(_ text: String, _ patience: Patience) -> OpaquePointer? {
    let settings = [
      ("connect_timeout", String(patience.connectSeconds)), ("keepalives_idle", "30"),
      ("keepalives_interval", "10"), ("keepalives_count", "6"), ("tcp_user_timeout", "90000"),
      ("dbname", text),
    ]
    var keys: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.0)) } + [nil]
    var values: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.1)) } + [nil]
    defer { for pointer in keys + values { free(UnsafeMutablePointer(mutating: pointer)) } }
    return PQconnectdbParams(&keys, &values, 1)
  }

  /// Runs a statement without rows.
  private func run(_ sql: String) throws(SiteDataError) {
    guard PQsendQuery(connection, sql) == 1 else { throw lost() }
    var isDone = true
    while let result = try nextResult() {
      isDone = isDone && PQresultStatus(result) == PGRES_COMMAND_OK
      PQclear(result)
    }
    guard isDone else { throw lost() }
  }

  /// The next result of the query that was sent; nil behind the last. Throws when the server stays
  /// silent for too long.
  private func nextResult() throws(SiteDataError) -> OpaquePointer? {
    guard !isSilent else { throw lost() }
    while PQisBusy(connection) == 1 {
      let socket = PQsocket(connection)
      guard socket >= 0 else { throw lost() }
      var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      let ready = poll(&descriptor, 1, Int32(clamping: patience.rowSeconds * 1000))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else {
        isSilent = true
        throw lost()
      }
      guard PQconsumeInput(connection) == 1 else { throw lost() }
    }
    return PQgetResult(connection)
  }

  /// Passes over what is left of a query.
  private func drain() {
    while !isSilent, let rest = try? nextResult() { PQclear(rest) }
  }

  /// Ends the query that is running.
  private func cancel() {
    guard !isSilent, let cancel = PQgetCancel(connection) else { return }
    var message = [CChar](repeating: 0, count: 256)
    PQcancel(cancel, &message, 256)
    PQfreeCancel(cancel)
    drain()
  }

  private func lost() -> SiteDataError {
    if isSilent {
      return SiteDataError(
        .connectionLost, file: name,
        message: "the database server sent nothing for \(patience.rowSeconds) seconds",
        advice: "nothing was written; ask its administrator what holds the query up")
    }
    return PQstatus(connection) == CONNECTION_BAD
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
      try run("SET LOCAL search_path TO \(schema)")
    }
    guard PQsendQuery(connection, sql) == 1, PQsetSingleRowMode(connection) == 1 else {
      throw lost()
    }
    return Cursor(self)
  }

  func exactNumber(_ column: String) -> String { "\(column)::text" }
  func text(_ column: String) -> String { "\(column)::text" }

  func isNoInteger(_ column: String, of table: String) throws(SiteDataError) -> String? {
    ["smallint", "integer", "bigint"].contains(try type(of: column, table)) ? "" : nil
  }

  func isTime(_ column: String, of table: String) throws(SiteDataError) -> Bool {
    let type = try type(of: column, table)
    return type == "date" || type.hasPrefix("timestamp")
  }

  /// The type of a column behind `t.`, in the server's words; empty when there is no such column.
  private func type(of column: String, _ table: String) throws(SiteDataError) -> String {
    let cursor = try query(
      "SELECT data_type FROM information_schema.columns WHERE lower(table_schema) ="
        + " lower('\(schema)') AND lower(table_name) = '\(table)'"
        + " AND lower(column_name) = '\(column.dropFirst(2))'", qualified: false)
    var type = ""
    while try cursor.next() {
      if let cell = cursor.cell(0) { type = String(decoding: cell, as: UTF8.self) }
    }
    return type
  }

  private final class Cursor: TableCursor {
    private let database: PostgresDatabase
    private var result: OpaquePointer?
    private var isFinished = false

    init(_ database: PostgresDatabase) { self.database = database }

    deinit {
      PQclear(result)
      if !isFinished { database.cancel() }
    }

    func next() throws(SiteDataError) -> Bool {
      PQclear(result)
      result = nil
      guard !isFinished else { return false }
      guard let row = try database.nextResult() else {
        isFinished = true
        return false
      }
      result = row
      switch PQresultStatus(row) {
      case PGRES_SINGLE_TUPLE: return true
      case PGRES_TUPLES_OK:
        database.drain()
        isFinished = true
        return false
      default:
        let error = database.lost()
        database.drain()
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
