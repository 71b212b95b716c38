extension FixedPointEncoding {
  /// Encoded integers and how many of them had to be clipped.
  public struct Encoded: Sendable, Hashable {
    /// Lattice units, each within ±B.
    public let values: [Int64]
    /// Coordinates that were cut to ±B; reported through the sum, never by itself.
    public let saturatedCount: Int

    @usableFromInline
    init(values: [Int64], saturatedCount: Int) {
      self.values = values
      self.saturatedCount = saturatedCount
    }
  }

  /// Rounds to the nearest lattice point, ties to even, then clips to ±B.
  ///
  /// Deterministic, so it is the rounding to use under differential privacy. Throws `notFinite` with
  /// the position of the first value that is NaN or infinite.
  public func encodeNearest(_ reals: [Double]) throws(FixedPointError) -> Encoded {
    try encode(reals) { $0.rounded(.toNearestOrEven) }
  }

  /// Rounds up with the probability of the fraction, else down, then clips to ±B: unbiased within
  /// the bound (error of one value at most one lattice unit).
  ///
  /// One 64-bit word of `generator` is drawn per value, whatever the value, so the amount of
  /// randomness used reveals nothing. The generator has to be a cryptographic one where the rounding
  /// must not be predictable.
  @inlinable
  public func encodeStochastic<Generator: RandomNumberGenerator>(
    _ reals: [Double], using generator: inout Generator
  ) throws(FixedPointError) -> Encoded {
    try encode(reals) { scaled in
      let floor = scaled.rounded(.down)
      // Fifty-three uniform bits: exact as a double in [0, 1).
      let uniform = Double(generator.next() >> 11) * 0x1p-53
      return uniform < scaled - floor ? floor + 1 : floor
    }
  }

  @inlinable
  func encode(
    _ reals: [Double], rounding round: (Double) -> Double
  ) throws(FixedPointError) -> Encoded {
    let scale = 1 / unit
    var values: [Int64] = []
    values.reserveCapacity(reals.count)
    var saturatedCount = 0
    for (index, real) in reals.enumerated() {
      guard real.isFinite else { throw FixedPointError(.notFinite, index: index) }
      let (value, clipped) = clip(round(real * scale))
      values.append(value)
      if clipped { saturatedCount += 1 }
    }
    return Encoded(values: values, saturatedCount: saturatedCount)
  }

  /// Cuts a rounded, possibly infinite (by scaling) number to ±B.
  @usableFromInline
  func clip(_ rounded: Double) -> (value: Int64, clipped: Bool) {
    // Int64(exactly:) is nil beyond ±2^63, which is beyond every bound.
    guard let value = Int64(exactly: rounded) else {
      return (rounded < 0 ? -bound : bound, true)
    }
    if value > bound { return (bound, true) }
    if value < -bound { return (-bound, true) }
    return (value, false)
  }

  /// Checks integers that are already in lattice units (counts, quantised statistics) against ±B
  /// and makes ring elements of them. Throws `outOfBound` with the position.
  public func ringVector(_ values: [Int64]) throws(FixedPointError) -> RingVector {
    for (index, value) in values.enumerated() where value > bound || value < -bound {
      throw FixedPointError(.outOfBound, index: index)
    }
    guard let vector = RingVector(signed: values, width: width) else {
      throw FixedPointError(.outOfBound)
    }
    return vector
  }

  /// The real numbers of a summed vector: each element is read as Int64, converted to Float64 and
  /// multiplied by 2^−f, in this order, so that every machine gets the same bits.
  public func decode(_ total: RingVector) -> [Double] {
    let unit = unit
    return total.signed.map { Double($0) * unit }
  }
}
