/// Texts numbered in the order in which they were first seen.
///
/// Open addressing over one arena of bytes: a look-up touches no `String` and no heap. Memory is the
/// distinct texts, 24 bytes and their own length each. The hash is not keyed: the texts come from
/// the hospital's own records, and a clash costs time, never correctness.
public struct Interner: Sendable {
  /// Numbers are below this.
  public static let maximumCount = Int(Int32.max) / 2

  private var arena: [UInt8] = []
  private var ends: [Int] = []
  private var hashes: [UInt64] = []
  private var slots: [Int32]
  private var mask: Int

  public init() {
    slots = [Int32](repeating: -1, count: 64)
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
    hashes.append(hash)
    insert(number, hash)
    return number
  }

  /// The number of a text, given to it now when it is new; nil when there are too many texts.
  public mutating func index(_ text: String) -> Int32? {
    var text = text
    return text.withUTF8 { index($0) }
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

  private func find(_ bytes: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int32? {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let number = slots[slot]
      if number < 0 { return nil }
      if hashes[Int(number)] == hash, equals(Int(number), bytes) { return number }
      slot = (slot + 1) & mask
    }
  }

  private func equals(_ position: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = position == 0 ? 0 : ends[position - 1]
    let length = ends[position] - start
    guard length == bytes.count else { return false }
    return arena.withUnsafeBufferPointer { arena in
      for offset in 0..<length where arena[start + offset] != bytes[offset] { return false }
      return true
    }
  }

  private mutating func insert(_ number: Int32, _ hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = number
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    mask = slots.count - 1
    for (number, hash) in hashes.enumerated() { insert(Int32(number), hash) }
  }

  /// Eight bytes at a time through one 64 × 64 bit multiplication.
  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var state = UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
    let raw = UnsafeRawBufferPointer(bytes)
    var position = 0
    while position + 8 <= raw.count {
      state = mixed(state ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    if position < raw.count {
      var tail: UInt64 = 0
      for offset in position..<raw.count { tail = tail << 8 | UInt64(raw[offset]) }
      state = mixed(state ^ tail)
    }
    return state
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }
}
