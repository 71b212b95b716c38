import Foundation
import GRDB

/// Reading columns without trust: a damaged file can hold any type in any column, and a read that
/// does not fit throws `StoreError.Code.corrupted`.
extension Row {
  func text(_ column: String) throws -> String { try decode(String.self, forColumn: column) }

  func textIfPresent(_ column: String) throws -> String? {
    try decode(String?.self, forColumn: column)
  }

  func integer(_ column: String) throws -> Int64 { try decode(Int64.self, forColumn: column) }

  func integerIfPresent(_ column: String) throws -> Int64? {
    try decode(Int64?.self, forColumn: column)
  }

  func real(_ column: String) throws -> Double { try decode(Double.self, forColumn: column) }

  func realIfPresent(_ column: String) throws -> Double? {
    try decode(Double?.self, forColumn: column)
  }

  func bytes(_ column: String) throws -> [UInt8] {
    Array(try decode(Data.self, forColumn: column))
  }

  func bytesIfPresent(_ column: String) throws -> [UInt8]? {
    try decode(Data?.self, forColumn: column).map { Array($0) }
  }

  /// A value of an enumeration stored by its raw text.
  func choice<Value: RawRepresentable>(
    _ column: String, as type: Value.Type = Value.self
  ) throws -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: try text(column)) else {
      throw StoreError(.corrupted, "a stored word is not one that this program knows")
    }
    return value
  }

  /// A list of names stored as a JSON array of strings.
  func names(_ column: String) throws -> [String] {
    guard let names = try? JSONDecoder().decode([String].self, from: Data(text(column).utf8))
    else { throw StoreError(.corrupted, "a stored list of names cannot be read") }
    return names
  }
}

extension Array where Element == UInt8 {
  /// The bytes as SQLite takes them.
  var blob: Data { Data(self) }
}

extension Array where Element == String {
  /// The names as a JSON array, the form in which they are stored.
  func namesText() throws -> String {
    let isPlain = allSatisfy { name in
      name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C && $0 != 0x2F }
    }
    // What JSON writes as it stands needs no encoder.
    if isPlain { return "[" + map { "\"\($0)\"" }.joined(separator: ",") + "]" }
    return String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
  }
}
