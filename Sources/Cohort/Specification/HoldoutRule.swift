import CanonicalBytes

/// Which patients are kept aside for validation; always whole patients, never single rows.
public enum HoldoutRule: Sendable, Hashable {
  /// A keyed hash of the patient's identifier decides, so that the same patient falls on the same
  /// side at every site and in every study with this key. See `HoldoutAssignment`.
  case hash(fraction: Double, key: String)
  /// A patient with any row of the cohort at or after `from` (an ISO 8601 date or a number) is held out.
  case time(column: String, from: String)
  /// A patient with any row of the cohort whose column has the value is held out.
  case column(name: String, holdoutValue: String)

  /// The column the rule reads; nil for the hash.
  public var column: String? {
    switch self {
    case .hash: nil
    case .time(let column, _): column
    case .column(let name, _): name
    }
  }

  /// Appends the canonical bytes.
  public func write(to writer: inout ByteWriter) {
    switch self {
    case .hash(let fraction, let key):
      writer.integer(UInt8(1))
      writer.double(fraction)
      writer.string(key)
    case .time(let column, let from):
      writer.integer(UInt8(2))
      writer.string(column)
      writer.string(from)
    case .column(let name, let value):
      writer.integer(UInt8(3))
      writer.string(name)
      writer.string(value)
    }
  }
}
