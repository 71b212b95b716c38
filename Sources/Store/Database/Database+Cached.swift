import CSQLite
import GRDB

/// Statements that run in every round, compiled once per connection: compiling one costs several
/// times what running it does.
extension Database {
  /// Runs one statement that gives no rows. The arguments are bound where they are: nothing is copied.
  ///
  /// - Throws: `DatabaseError` of SQLite; of `SQLITE_MISUSE` for another number of arguments.
  func run(_ sql: String, _ arguments: [any StatementValue] = []) throws {
    let compiled = try cachedStatement(sql: sql)
    try withExtendedLifetime(compiled) {
      let statement = compiled.sqliteStatement
      guard sqlite3_bind_parameter_count(statement) == arguments.count else {
        throw DatabaseError(resultCode: .SQLITE_MISUSE)
      }
      defer {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
      }
      try bind(arguments[...], to: statement, from: 1)
    }
  }

  /// Binds one value after the other, each inside the life of those before, and runs the statement.
  private func bind(
    _ arguments: ArraySlice<any StatementValue>, to statement: OpaquePointer, from position: Int32
  ) throws {
    guard let first = arguments.first else { return try check(sqlite3_step(statement)) }
    try first.withBinding(to: statement, at: position) { code in
      try check(code)
      try bind(arguments.dropFirst(), to: statement, from: position + 1)
    }
  }

  private func check(_ code: Int32) throws {
    guard code != SQLITE_OK, code != SQLITE_DONE else { return }
    throw DatabaseError(resultCode: ResultCode(rawValue: code))
  }

  /// The first row of one statement; nil when there is none.
  func firstRow(
    _ sql: String, _ arguments: StatementArguments = StatementArguments()
  ) throws -> Row? {
    try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }

  /// All rows of one statement.
  func allRows(
    _ sql: String, _ arguments: StatementArguments = StatementArguments()
  ) throws -> [Row] {
    try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
  }

  /// A number that changes whenever the file's content does, by this connection or another one. To be
  /// asked inside a transaction or right after one. Nil when SQLite does not say.
  var contentVersion: UInt32? {
    var version: UInt32 = 0
    let code = sqlite3_file_control(sqliteConnection, "main", SQLITE_FCNTL_DATA_VERSION, &version)
    return code == SQLITE_OK ? version : nil
  }
}

/// A value as an argument of a statement.
protocol StatementValue {
  /// Binds the value to a position, counted from 1, and calls `body`, with SQLite's result code, while the
  /// bound bytes are where SQLite was told.
  func withBinding(
    to statement: OpaquePointer, at position: Int32, _ body: (Int32) throws -> Void) throws
}

extension Int64: StatementValue {
  func withBinding(
    to statement: OpaquePointer, at position: Int32, _ body: (Int32) throws -> Void
  ) throws {
    try body(sqlite3_bind_int64(statement, position, self))
  }
}

extension Double: StatementValue {
  func withBinding(
    to statement: OpaquePointer, at position: Int32, _ body: (Int32) throws -> Void
  ) throws {
    try body(sqlite3_bind_double(statement, position, self))
  }
}

extension String: StatementValue {
  func withBinding(
    to statement: OpaquePointer, at position: Int32, _ body: (Int32) throws -> Void
  ) throws {
    var text = self
    try text.withUTF8 { bytes in
      // A nil pointer would be NULL; an empty text is copied.
      guard let start = bytes.baseAddress else {
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        return try body(sqlite3_bind_text(statement, position, "", 0, copied))
      }
      try start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
        try body(
          sqlite3_bind_text64(
            statement, position, $0, UInt64(bytes.count), nil, UInt8(SQLITE_UTF8)))
      }
    }
  }
}

extension UnsafeRawBufferPointer: StatementValue {
  func withBinding(
    to statement: OpaquePointer, at position: Int32, _ body: (Int32) throws -> Void
  ) throws {
    // A nil pointer would be NULL.
    guard count > 0, let baseAddress else {
      return try body(sqlite3_bind_zeroblob(statement, position, 0))
    }
    try body(sqlite3_bind_blob64(statement, position, baseAddress, UInt64(count), nil))
  }
}

extension [UInt8]: StatementValue {
  func withBinding(
    to statement: OpaquePointer, at position: Int32, _ body: (Int32) throws -> Void
  ) throws {
    try withUnsafeBytes { try $0.withBinding(to: statement, at: position, body) }
  }
}

extension Optional: StatementValue where Wrapped: StatementValue {
  func withBinding(
    to statement: OpaquePointer, at position: Int32, _ body: (Int32) throws -> Void
  ) throws {
    switch self {
    case .some(let value): try value.withBinding(to: statement, at: position, body)
    case .none: try body(sqlite3_bind_null(statement, position))
    }
  }
}
