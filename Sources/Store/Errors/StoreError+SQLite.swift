import GRDB

extension StoreError {
  /// Translates any error of the database layer, once, at the rim.
  ///
  /// SQLite's own message is left out: it may quote values. The result code is kept.
  init(translating error: any Error, file: String, operation: String) {
    switch error {
    case let error as StoreError:
      self = error.located(file: file, operation: operation)
    case let error as DatabaseError:
      self.init(
        Code(sqlite: error), file: file, operation: operation,
        databaseCode: error.extendedResultCode.rawValue)
    case is RowDecodingError:
      self.init(
        .corrupted, "a stored value is not of the type that was written", file: file,
        operation: operation)
    default:
      self.init(.other, file: file, operation: operation)
    }
  }
}

extension StoreError.Code {
  /// The code for an SQLite result.
  init(sqlite error: DatabaseError) {
    switch error.extendedResultCode {
    case .SQLITE_IOERR_CORRUPTFS, .SQLITE_IOERR_DATA, .SQLITE_IOERR_SHORT_READ:
      self = .corrupted
      return
    case .SQLITE_IOERR_SHMSIZE:
      // The shared-memory file could not be grown: the disk has no room for it.
      self = .diskFull
      return
    case .SQLITE_CONSTRAINT_NOTNULL, .SQLITE_CONSTRAINT_CHECK, .SQLITE_CONSTRAINT_DATATYPE:
      self = .invalidValue
      return
    case .SQLITE_CONSTRAINT_FOREIGNKEY:
      self = .notFound
      return
    default: break
    }
    switch error.resultCode {
    case .SQLITE_FULL: self = .diskFull
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: self = .readOnly
    case .SQLITE_CANTOPEN: self = .cannotOpen
    case .SQLITE_IOERR, .SQLITE_NOLFS: self = .inputOutput
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: self = .locked
    // The store's statements are fixed and right for its schema: one that no longer compiles means
    // that the schema in the file is damaged.
    case .SQLITE_CORRUPT, .SQLITE_FORMAT, .SQLITE_ERROR, .SQLITE_EMPTY: self = .corrupted
    case .SQLITE_NOTADB: self = .notAStore
    case .SQLITE_CONSTRAINT: self = .conflict
    case .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE: self = .invalidValue
    default: self = .other
    }
  }
}
