import Testing

@testable import FixedPoint

@Suite struct EncodingTests {
  /// A small generator (SplitMix64) so that the tests need no cryptography.
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
  }

  @Test(
    "Largest per-site bounds of the 32-bit ring",
    arguments: [
      (3, 715_827_882), (10, 214_748_364), (50, 42_949_672), (100, 21_474_836),
      (200, 10_737_418),
    ])
  func largestBounds(siteCount: Int, bound: Int64) throws {
    #expect(FixedPointEncoding.largestBound(width: .bits32, siteCount: siteCount) == bound)
    _ = try FixedPointEncoding(
      width: .bits32, fractionBits: 20, bound: bound, siteCount: siteCount)
    #expect(throws: FixedPointError(.overflowPossible)) {
      try FixedPointEncoding(
        width: .bits32, fractionBits: 20, bound: bound + 1, siteCount: siteCount)
    }
  }

  @Test("m·B + 40σ < 2^(w−1) is checked without rounding or overflow")
  func overflowBound() {
    #expect(
      FixedPointEncoding.fits(
        width: .bits32, bound: 2_147_483_647 - 40, siteCount: 1, noiseDeviation: 1))
    #expect(
      !FixedPointEncoding.fits(
        width: .bits32, bound: 2_147_483_647 - 39, siteCount: 1, noiseDeviation: 1))
    #expect(
      FixedPointEncoding.fits(
        width: .bits64, bound: .max / 4, siteCount: 4, noiseDeviation: 0))
    #expect(
      !FixedPointEncoding.fits(
        width: .bits64, bound: .max / 2, siteCount: 3, noiseDeviation: 0))
    #expect(
      !FixedPointEncoding.fits(width: .bits64, bound: 1, siteCount: 1, noiseDeviation: 1e30))
    #expect(throws: FixedPointError(.invalidParameter)) {
      try FixedPointEncoding(width: .bits32, fractionBits: 63, bound: 1, siteCount: 1)
    }
    #expect(throws: FixedPointError(.invalidParameter)) {
      try FixedPointEncoding(
        width: .bits32, fractionBits: 1, bound: 1, siteCount: 1, noiseDeviation: .nan)
    }
  }

  @Test("Nearest rounding, clipping and the saturation count")
  func nearest() throws {
    let encoding = try FixedPointEncoding(
      width: .bits32, fractionBits: 2, bound: 10, siteCount: 3)
    let encoded = try encoding.encodeNearest(
      [0, 0.24, 0.125, 0.375, -0.125, 2.5, 2.6, 2.7, -100, 1e300, -1e300])
    #expect(encoded.values == [0, 1, 0, 2, 0, 10, 10, 10, -10, 10, -10])
    // 2.6 rounds onto the bound itself and is not clipped.
    #expect(encoded.saturatedCount == 4)
    #expect(throws: FixedPointError(.notFinite, index: 1)) {
      try encoding.encodeNearest([1, .nan])
    }
    #expect(throws: FixedPointError(.notFinite, index: 0)) {
      try encoding.encodeNearest([.infinity])
    }
  }

  @Test("Stochastic rounding lands on a neighbour and is unbiased")
  func stochastic() throws {
    let encoding = try FixedPointEncoding(
      width: .bits32, fractionBits: 0, bound: 100, siteCount: 3)
    // Seed 77. The mean of 4,000 draws of a Bernoulli fraction has a standard deviation of at most
    // 0.0079; the tolerance of 0.05 is 6.3 of them: false alarm below 10^-8 in all.
    var generator = Generator(state: 77)
    for value in [0.25, -0.25, 3.9, -7.5, 12] {
      let encoded = try encoding.encodeStochastic(
        [Double](repeating: value, count: 4_000), using: &generator)
      let lower = Int64(value.rounded(.down))
      let upper = Int64(value.rounded(.up))
      #expect(encoded.values.allSatisfy { $0 == lower || $0 == upper })
      let mean = Double(encoded.values.reduce(0, +)) / 4_000
      #expect(abs(mean - value) < 0.05)
    }
  }

  @Test("The sum of encoded sites decodes to the sum of the numbers", arguments: RingWidth.allCases)
  func sums(width: RingWidth) throws {
    let encoding = try FixedPointEncoding(
      width: width, fractionBits: 16, bound: 1 << 24, siteCount: 5)
    // Seed 5; multiples of 2^-16, so the sum is exact.
    var generator = Generator(state: 5)
    var total = RingVector(zeros: 40, width: width)
    var expected = [Double](repeating: 0, count: 40)
    for _ in 0..<5 {
      let reals = (0..<40).map { _ in
        Double(Int64.random(in: -(1 << 24)...(1 << 24), using: &generator)) / 65_536
      }
      for index in 0..<40 { expected[index] += reals[index] }
      let encoded = try encoding.encodeNearest(reals)
      #expect(encoded.saturatedCount == 0)
      let added = total.add(try encoding.ringVector(encoded.values))
      #expect(added)
    }
    #expect(encoding.decode(total) == expected)
  }

  @Test("Ring vectors: bytes and integers come back, wrong lengths and values are refused")
  func ringVectors() throws {
    let values: [Int64] = [0, 1, -1, Int64(Int32.max), Int64(Int32.min)]
    for width in RingWidth.allCases {
      let vector = try #require(RingVector(signed: values, width: width))
      #expect(vector.signed == values)
      #expect(vector.bytes.count == 5 * width.byteCount)
      #expect(RingVector(vector.bytes, width: width) == vector)
      #expect(RingVector(Array(vector.bytes.dropLast()), width: width) == nil)
      var other = vector
      let added = other.add(RingVector(zeros: 4, width: width))
      #expect(!added)
      #expect(other == vector)
    }
    #expect(RingVector(signed: [Int64(Int32.max) + 1], width: .bits32) == nil)
    #expect(RingVector(signed: [-2], width: .bits32)?.bytes == [0xfe, 0xff, 0xff, 0xff])
    let encoding = try FixedPointEncoding(
      width: .bits32, fractionBits: 0, bound: 9, siteCount: 3)
    #expect(throws: FixedPointError(.outOfBound)) { try encoding.ringVector([9, -10]) }
  }
}
