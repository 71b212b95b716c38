import GRDB

/// Round and epoch numbers between the protocol's unsigned and the database's signed integers.
enum RoundNumber {
  /// The number as SQLite holds it; `invalidValue` from 2^63 on.
  static func stored(_ round: UInt64) throws(StoreError) -> Int64 {
    guard let number = Int64(exactly: round) else {
      throw StoreError(.invalidValue, "a round number is too large to be stored")
    }
    return number
  }
}

extension Row {
  func round(_ column: String) throws -> UInt64 {
    guard let number = UInt64(exactly: try integer(column)) else {
      throw StoreError(.corrupted, "a stored round number is negative")
    }
    return number
  }

  func epoch(_ column: String) throws -> UInt32 {
    guard let number = UInt32(exactly: try integer(column)) else {
      throw StoreError(.corrupted, "a stored epoch number is out of range")
    }
    return number
  }
}
