import CanonicalBytes
import FixedPoint

/// The opened sum of one query.
///
/// It shares the memory of the sum that was opened: a long sum is not held a second time in a wider
/// type.
public struct Total: Sendable {
  private var elements: RingVector
  /// How many leading elements are not of the query: 1 for the constant coordinate of a secure sum.
  private var start: Int
  /// Names of the sites that are in the sum, in roster order.
  public var participants: [String]

  /// - Parameter values: one signed integer per coordinate of the query's vector.
  public init(values: [Int64], participants: [String]) {
    elements = .bits64(values.map { UInt64(bitPattern: $0) })
    start = 0
    self.participants = participants
  }

  /// - Parameter sum: a secure sum, with its constant coordinate first.
  public init(sum: RingVector, participants: [String]) {
    elements = sum
    start = min(1, sum.count)
    self.participants = participants
  }

  /// How many coordinates there are.
  public var count: Int { elements.count - start }

  /// One signed integer per coordinate of the query's vector. A copy: take it once.
  public var values: [Int64] {
    get { values(in: 0..<count) }
    set { self = Total(values: newValue, participants: participants) }
  }

  /// Lends the values for the time of the call: without a copy where the sum's own memory has them.
  func withValues<Result, Failure>(
    _ body: (UnsafeBufferPointer<Int64>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard case .bits64(let words) = elements else {
      return try values.withUnsafeBufferPointer(body)
    }
    return try words.withUnsafeBufferPointer { (words) throws(Failure) in
      // The same 64 bits, read as signed.
      try UnsafeBufferPointer(rebasing: words[start...])
        .withMemoryRebound(to: Int64.self, body)
    }
  }

  /// Lends the values' canonical bytes, eight each, least significant byte first, in pieces: without a copy
  /// where the sum's own memory has them.
  func withPieces(_ body: (UnsafeRawBufferPointer) -> Void) {
    #if _endian(little)
      if case .bits64(let words) = elements {
        words.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[(8 * start)...])) }
        return
      }
    #endif
    var position = 0
    while position < count {
      let end = min(position + 8_192, count)
      var piece = ByteWriter(reservingCapacity: 8 * (end - position))
      piece.integers(values(in: position..<end))
      piece.bytes.withUnsafeBytes(body)
      position = end
    }
  }

  /// The values of some coordinates, which are within `0..<count`.
  func values(in range: Range<Int>) -> [Int64] {
    let range = range.lowerBound + start..<range.upperBound + start
    return switch elements {
    case .bits32(let words): words[range].map { Int64(Int32(bitPattern: $0)) }
    case .bits64(let words):
      [Int64](unsafeUninitializedCapacity: range.count) { target, count in
        words.withUnsafeBytes { words in
          UnsafeMutableRawBufferPointer(target).copyMemory(
            from: UnsafeRawBufferPointer(
              rebasing: words[(8 * range.lowerBound)..<(8 * range.upperBound)]))
        }
        count = range.count
      }
    }
  }
}

extension Total: Hashable {
  /// Whether values and participants are the same, whatever the width of the sums was.
  public static func == (left: Total, right: Total) -> Bool {
    left.participants == right.participants && left.values == right.values
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(participants)
    hasher.combine(values)
  }
}
