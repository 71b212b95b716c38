import CanonicalBytes

/// Reads named fields of a summary from a peer's bytes and refuses what no cohort can have.
///
/// Every method throws `malformed` when the bytes are not canonical and `implausible` when they are
/// but the value is out of range; nothing traps.
struct FieldReader {
  /// The largest count a summary may state: beyond any cohort, and safe to add and multiply by small
  /// numbers in 64 bits.
  static let countLimit = 1 << 40

  var bytes: ByteReader

  init(_ bytes: ByteReader) {
    self.bytes = bytes
  }

  /// Runs one canonical read and names the field when it fails.
  mutating func read<T>(
    _ field: String, _ body: (inout ByteReader) throws(DecodingFault) -> T
  ) throws(ValidationError) -> T {
    do {
      return try body(&bytes)
    } catch {
      throw ValidationError(
        .malformed, "not the canonical encoding of this field", field: field, index: error.offset)
    }
  }

  /// Refuses the field read last.
  func implausible(_ message: String, _ field: String) -> ValidationError {
    ValidationError(.implausible, message, field: field, index: bytes.offset)
  }

  /// Refuses the value unless a condition between fields holds.
  func require(
    _ condition: Bool, _ message: String, _ field: String
  ) throws(ValidationError) {
    guard condition else { throw implausible(message, field) }
  }

  /// The format version, which must be one that this code writes.
  @discardableResult
  mutating func version(_ expected: UInt16...) throws(ValidationError) -> UInt16 {
    let found = try read("version") { (reader) throws(DecodingFault) in
      try reader.integer(UInt16.self)
    }
    guard expected.contains(found) else {
      throw ValidationError(.malformed, "a format version not known here", field: "version")
    }
    return found
  }

  /// A count in 0...limit.
  mutating func count(
    _ field: String, limit: Int = countLimit
  ) throws(ValidationError) -> Int {
    let value = try read(field) { (reader) throws(DecodingFault) in
      try reader.integer(Int64.self)
    }
    guard value >= 0, value <= Int64(limit) else {
      throw implausible("a count must not be negative or beyond its limit", field)
    }
    return Int(value)
  }

  /// A finite number in a range.
  mutating func number(
    _ field: String, in range: ClosedRange<Double> = -1e300...1e300
  ) throws(ValidationError) -> Double {
    let value = try read(field) { (reader) throws(DecodingFault) in try reader.double() }
    guard range.contains(value) else {
      throw implausible("a number must be finite and in its range", field)
    }
    return value
  }

  /// A string of at most `limit` UTF-8 bytes.
  mutating func text(_ field: String, limit: Int = 256) throws(ValidationError) -> String {
    try read(field) { (reader) throws(DecodingFault) in try reader.string(limit: limit) }
  }

  /// Whether an optional value follows.
  mutating func isPresent(_ field: String) throws(ValidationError) -> Bool {
    try read(field) { (reader) throws(DecodingFault) in try reader.boolean() }
  }

  /// An optional finite number in a range.
  mutating func optionalNumber(
    _ field: String, in range: ClosedRange<Double> = -1e300...1e300
  ) throws(ValidationError) -> Double? {
    try isPresent(field) ? try number(field, in: range) : nil
  }

  /// An optional count.
  mutating func optionalCount(_ field: String) throws(ValidationError) -> Int? {
    try isPresent(field) ? try count(field) : nil
  }

  /// The number of elements of a list, bounded by a limit and by what the message can still hold.
  mutating func length(
    _ field: String, limit: Int, minimumBytes: Int
  ) throws(ValidationError) -> Int {
    let value = Int(
      try read(field) { (reader) throws(DecodingFault) in try reader.integer(UInt32.self) })
    guard value <= limit, value <= bytes.remaining / max(1, minimumBytes) else {
      throw ValidationError(
        .malformed, "a list is longer than its limit or than the message", field: field,
        index: bytes.offset)
    }
    return value
  }

  /// An estimate: its value and, when known, its standard error.
  mutating func estimate(_ field: String) throws(ValidationError) -> Estimate {
    let value = try number(field, in: -1e9...1e9)
    let error = try optionalNumber(field, in: 0...1e9)
    guard let estimate = Estimate(value: value, standardError: error) else {
      throw implausible("not an estimate", field)
    }
    return estimate
  }

  /// Refuses trailing bytes.
  func finish() throws(ValidationError) {
    guard bytes.remaining == 0 else {
      throw ValidationError(
        .malformed, "bytes are left after the value", field: "end", index: bytes.offset)
    }
  }
}

extension ByteWriter {
  /// Appends an estimate as `FieldReader.estimate` reads it.
  mutating func estimate(_ estimate: Estimate) {
    double(estimate.value)
    optional(estimate.standardError) { $0.double($1) }
  }
}
