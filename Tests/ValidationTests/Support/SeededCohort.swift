import Testing

@testable import Validation

/// SplitMix64 as uniform doubles in [0, 1): u = (x >> 11) · 2⁻⁵³.
struct SeededUniform {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func next() -> Double { Double(bits() >> 11) * 0x1p-53 }

  /// An integer in 0..<bound; the tiny modulo bias does not matter to a test.
  mutating func integer(below bound: Int) -> Int { Int(bits() % UInt64(bound)) }
}

/// Predicted risks of two models and outcomes; the same recipe gives the numbers in Python.
///
/// Per patient three draws a, b, c: p = (⌊1000 a²⌋ + 5)/1010, q = ⌊100 (p/2 + c/2)⌋/100,
/// y = b < 0.6 p + 0.1. Ties occur in both models; p is miscalibrated on purpose.
struct SeededCohort {
  var first: [Double] = []
  var second: [Double] = []
  var outcomes: [Bool] = []

  init(count: Int, seed: UInt64) {
    var uniform = SeededUniform(seed: seed)
    for _ in 0..<count {
      let a = uniform.next()
      let b = uniform.next()
      let c = uniform.next()
      let p = ((1000 * a * a).rounded(.down) + 5) / 1010
      first.append(p)
      second.append((100 * (0.5 * p + 0.5 * c)).rounded(.down) / 100)
      outcomes.append(b < 0.6 * p + 0.1)
    }
  }

  /// The cohort the reference numbers in these tests belong to: 400 patients, seed 20240601.
  static let reference = SeededCohort(count: 400, seed: 20_240_601)

  /// Nine patients worked by hand: events .9 .8 .7 .4, others .6 .5 .4 .2 .1.
  static let nine = (
    scores: [0.9, 0.8, 0.7, 0.4, 0.6, 0.5, 0.4, 0.2, 0.1],
    outcomes: [true, true, true, true, false, false, false, false, false]
  )
}

/// Whether two numbers agree to an absolute and relative tolerance.
func close(_ left: Double?, _ right: Double, _ tolerance: Double = 1e-12) -> Bool {
  guard let left else { return false }
  return (left - right).magnitude <= tolerance * max(1, right.magnitude)
}
