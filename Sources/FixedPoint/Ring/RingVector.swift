/// A vector over Z_2^32 or Z_2^64.
public enum RingVector: Sendable, Hashable {
  case bits32([UInt32])
  case bits64([UInt64])

  /// A vector of `count` zeros.
  public init(zeros count: Int, width: RingWidth) {
    switch width {
    case .bits32: self = .bits32([UInt32](repeating: 0, count: count))
    case .bits64: self = .bits64([UInt64](repeating: 0, count: count))
    }
  }

  /// The ring elements of signed integers; nil when one of them is outside −2^(w−1) … 2^(w−1)−1.
  public init?(signed values: [Int64], width: RingWidth) {
    switch width {
    case .bits32:
      var elements: [UInt32] = []
      elements.reserveCapacity(values.count)
      for value in values {
        guard let small = Int32(exactly: value) else { return nil }
        elements.append(UInt32(bitPattern: small))
      }
      self = .bits32(elements)
    case .bits64:
      self = .bits64(values.map { UInt64(bitPattern: $0) })
    }
  }

  /// How many elements there are.
  public var count: Int {
    switch self {
    case .bits32(let elements): elements.count
    case .bits64(let elements): elements.count
    }
  }

  public var width: RingWidth {
    switch self {
    case .bits32: .bits32
    case .bits64: .bits64
    }
  }

  /// The elements as signed integers, in two's complement.
  public var signed: [Int64] {
    switch self {
    case .bits32(let elements): elements.map { Int64(Int32(bitPattern: $0)) }
    case .bits64(let elements): elements.map { Int64(bitPattern: $0) }
    }
  }

  /// Adds element by element modulo 2^w. Returns false, and changes nothing, when width or length
  /// differ.
  @discardableResult
  public mutating func add(_ other: RingVector) -> Bool {
    switch (self, other) {
    case (.bits32(var left), .bits32(let right)) where left.count == right.count:
      self = .bits32([])  // keeps `left` uniquely referenced, so that it is changed in place
      for index in left.indices { left[index] &+= right[index] }
      self = .bits32(left)
      return true
    case (.bits64(var left), .bits64(let right)) where left.count == right.count:
      self = .bits64([])
      for index in left.indices { left[index] &+= right[index] }
      self = .bits64(left)
      return true
    default:
      return false
    }
  }
}
