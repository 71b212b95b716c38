/// Texts numbered in the order in which they were first seen.
///
/// Open addressing over one arena of bytes: a look-up touches no `String` and no heap. Memory is the
/// distinct texts, 19 to 32 bytes and their own length each. The hash is not keyed: the texts come
/// from the hospital's own records, and a clash costs time, never correctness.
public struct Interner: Sendable {
  /// Numbers are below this.
  public static let maximumCount = Int(Int32.max) / 2

  private var arena: [UInt8] = []
  private var ends: [Int] = []
  /// The text's hash in the high half and its number plus one in the low one; 0 is free. The hash
  /// decides the slot, too, so that growing reads no text again.
  private var slots: [UInt64]
  private var mask: Int

  public init() {
    slots = [UInt64](repeating: 0, count: 64)
    mask = 63
  }

  /// How many texts there are.
  public var count: Int { ends.count }

  /// The text with a number below `count`; empty for any other number.
  public func text(_ index: Int32) -> String {
    let position = Int(index)
    guard ends.indices.contains(position) else { return "" }
    let start = position == 0 ? 0 : ends[position - 1]
    return String(decoding: arena[start..<ends[position]], as: UTF8.self)
  }

  /// All texts in the order of their numbers.
  public var texts: [String] { (0..<Int32(count)).map { text($0) } }

  /// The number of a text, given to it now when it is new; nil when there are too many texts.
  public mutating func index(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32? {
    let hash = Self.hash(bytes)
    if let found = find(bytes, hash) { return found }
    guard ends.count < Self.maximumCount else { return nil }
    if (ends.count + 1) * 4 > slots.count * 3 { grow() }
    let number = Int32(ends.count)
    arena.append(contentsOf: bytes)
    ends.append(arena.count)
    insert(UInt64(hash) << 32 | UInt64(ends.count))
    return number
  }

  /// The number of a text, given to it now when it is new; nil when there are too many texts.
  public mutating func index(_ text: String) -> Int32? {
    var text = text
    return text.withUTF8 { index($0) }
  }

  /// Runs `body` with the bytes of the text with a number; with none for a number that is not here.
  public func withBytes<Result>(
    of index: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    let position = Int(index)
    guard ends.indices.contains(position) else {
      return body(UnsafeBufferPointer(start: nil, count: 0))
    }
    let start = position == 0 ? 0 : ends[position - 1]
    return arena.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[start..<ends[position]]))
    }
  }

  /// The numbers of another's texts, in their order, given to them now where they are new; nil when
  /// there are too many texts.
  public mutating func indices(adding other: Interner) -> [Int32]? {
    var numbers: [Int32] = []
    numbers.reserveCapacity(other.count)
    for text in 0..<Int32(other.count) {
      guard let number = other.withBytes(of: text, { index($0) }) else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The number of a text that is there; nil when it is not.
  public func existing(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32? {
    find(bytes, Self.hash(bytes))
  }

  /// The number of a text that is there; nil when it is not.
  public func existing(_ text: String) -> Int32? {
    var text = text
    return text.withUTF8 { existing($0) }
  }

  @inline(__always)
  private func find(_ bytes: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> Int32? {
    var slot = Int(hash) & mask
    while true {
      let entry = slots[slot]
      if entry == 0 { return nil }
      if UInt32(truncatingIfNeeded: entry >> 32) == hash {
        let position = Int(entry & 0xFFFF_FFFF) - 1
        if equals(position, bytes) { return Int32(truncatingIfNeeded: position) }
      }
      slot = (slot + 1) & mask
    }
  }

  @inline(__always)
  private func equals(_ position: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = position == 0 ? 0 : ends[position - 1]
    let length = ends[position] - start
    guard length == bytes.count else { return false }
    return arena.withUnsafeBufferPointer { arena in
      Self.areEqual(
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(arena)[start..<(start + length)]),
        UnsafeRawBufferPointer(bytes))
    }
  }

  /// Whether two stretches of equal length hold the same bytes, eight at a time.
  @inline(__always)
  private static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer)
    -> Bool
  {
    let count = left.count
    var position = 0
    while position + 8 <= count {
      let one = left.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      guard one == right.loadUnaligned(fromByteOffset: position, as: UInt64.self) else {
        return false
      }
      position += 8
    }
    return tail(left, position) == tail(right, position)
  }

  /// The last 0 to 7 bytes as one number: the same for the same bytes, and for them only.
  @inline(__always)
  private static func tail(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> UInt64 {
    let count = bytes.count - position
    if count >= 4 {
      let low = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
      let high = bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)
      return UInt64(high) << 32 | UInt64(low)
    }
    guard count > 0 else { return 0 }
    return UInt64(bytes[position]) << 16 | UInt64(bytes[position + count / 2]) << 8
      | UInt64(bytes[bytes.count - 1])
  }

  private mutating func insert(_ entry: UInt64) {
    var slot = Int(entry >> 32) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = entry
  }

  private mutating func grow() {
    let entries = slots
    slots = [UInt64](repeating: 0, count: entries.count * 2)
    mask = slots.count - 1
    for entry in entries where entry != 0 { insert(entry) }
  }

  /// Eight bytes at a time through one 64 × 64 bit multiplication.
  @inline(__always)
  static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
    var state = UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
    let raw = UnsafeRawBufferPointer(bytes)
    var position = 0
    while position + 8 <= raw.count {
      state = mixed(state ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    state = mixed(state ^ tail(raw, position))
    return UInt32(truncatingIfNeeded: state ^ state >> 32)
  }

  @inline(__always)
  private static func mixed(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }
}
