extension RandomNumberGenerator {
  /// A double in [0, 1): the top 53 bits of one output, times 2^−53.
  ///
  /// The standard library's own draws may change between versions; these do not.
  @inlinable
  public mutating func uniformDouble() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// An integer in 0 ..< bound, without bias (Lemire 2019, multiply and reject).
  ///
  /// - Parameter bound: > 0.
  @inlinable
  public mutating func uniformInteger(below bound: Int) -> Int {
    precondition(bound > 0, "the caller draws from a non-empty range")
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let threshold = (0 &- range) % range
      while product.low < threshold { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// A standard normal number by Marsaglia's polar method with the portable logarithm.
  @inlinable
  public mutating func normalDouble() -> Double {
    while true {
      let u = 2 * uniformDouble() - 1
      let v = 2 * uniformDouble() - 1
      let square = u * u + v * v
      if square < 1 && square > 0 {
        return u * (-2 * Portable.log(square) / square).squareRoot()
      }
    }
  }

  /// Puts the elements into a uniformly random order (Fisher and Yates).
  @inlinable
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    var index = elements.count - 1
    while index > 0 {
      elements.swapAt(index, uniformInteger(below: index + 1))
      index -= 1
    }
  }
}
