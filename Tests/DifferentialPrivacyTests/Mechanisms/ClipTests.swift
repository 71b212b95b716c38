import DifferentialPrivacy
import PortableNumerics
import Testing

@Suite struct ClipTests {
  @Test(
    "A clipped vector is within the bound, keeps signs and loses less than a unit per coordinate")
  func bound() throws {
    var random = SplitMix64(seed: 20_260_101)
    for trial in 0..<400 {
      let count = Int.random(in: 1...40, using: &random)
      let reach: Int64 = 1 << Int64.random(in: 0...62, using: &random)
      let original = (0..<count).map { _ in Int64.random(in: -reach...reach, using: &random) }
      let bound = UInt64(1) << UInt64.random(in: 0...62, using: &random)
      let clip = try PatientClip(bound: bound)
      var values = original
      let changed = clip.apply(to: &values)
      #expect(clip.holds(for: values), "seed 20260101, trial \(trial)")
      #expect(changed || values == original)
      let norm = original.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      if norm < Double(bound) * (1 - 1e-9) { #expect(!changed || reach > 1 << 49) }
      if changed {
        let factor = Double(bound) / norm
        for (before, after) in zip(original, values) {
          #expect(after == 0 || (after < 0) == (before < 0))
          #expect(after.magnitude <= before.magnitude || factor > 0.999_999)
          // One unit for the cut, ⌈‖v‖⌉ and the shift of long numbers a relative 2^−46 or 1/‖v‖ more.
          let exact = Double(before) * factor
          #expect(
            (Double(after) - exact).magnitude
              <= 1.001 + exact.magnitude * (1 / norm + 0x1p-40), "trial \(trial)")
        }
      }
    }
  }

  @Test("The most negative integer does not trap")
  func extremes() throws {
    let clip = try PatientClip(bound: 1_000)
    var values: [Int64] = [.min, .max, .min, 0]
    #expect(clip.apply(to: &values))
    #expect(clip.holds(for: values))
    var empty: [Int64] = []
    #expect(!clip.apply(to: &empty))
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try PatientClip(bound: .max)
    }
  }

  @Test("Rounding after clipping widens the bound by the root of the dimension")
  func afterRounding() throws {
    #expect(
      try PatientClip.boundAfterRounding(bound: 1_000, coordinateCount: 100, wholeTotal: false)
        == 1_005)
    #expect(
      try PatientClip.boundAfterRounding(bound: 1_000, coordinateCount: 101, wholeTotal: true)
        == 1_011)
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try PatientClip.boundAfterRounding(bound: 1 << 62, coordinateCount: 4, wholeTotal: true)
    }
  }

  @Test("The adaptive bound finds the quantile of a distribution of norms")
  func adaptive() throws {
    var random = SplitMix64(seed: 7)
    let norms = (0..<4_000).map { _ in -Portable.log(1 - Double.random(in: 0..<1, using: &random)) }
    for quantile in [0.3, 0.5, 0.9] {
      let clip = try AdaptiveClip(quantile: quantile, range: 1e-6...1e6)
      var bound = 100.0
      for _ in 0..<400 {
        // The fraction as it is published, with noise of its own.
        let within = Double(norms.count { $0 <= bound }) / Double(norms.count)
        bound = try clip.next(
          after: bound, fractionWithin: within + Double.random(in: -0.1...0.1, using: &random))
      }
      let reached = Double(norms.count { $0 <= bound }) / Double(norms.count)
      #expect((reached - quantile).magnitude < 0.02)
    }
  }

  @Test("Absurd noisy fractions cannot move the bound out of its step or range")
  func absurdFractions() throws {
    let clip = try AdaptiveClip(quantile: 0.5, learningRate: 0.2, range: 0.5...4)
    #expect(try clip.next(after: 2, fractionWithin: -5) == 2 * Portable.exp(0.1))
    #expect(try clip.next(after: 2, fractionWithin: 5) == 2 * Portable.exp(-0.1))
    #expect(try clip.next(after: 2, fractionWithin: 0.5) == 2)
    #expect(try clip.next(after: 3.9, fractionWithin: -.infinity) == 4)
    #expect(try clip.next(after: 0.51, fractionWithin: .greatestFiniteMagnitude) == 0.5)
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try clip.next(after: .nan, fractionWithin: 0.5)
    }
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try clip.next(after: 2, fractionWithin: .nan)
    }
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try AdaptiveClip(quantile: 1, range: 1...2)
    }
  }
}
