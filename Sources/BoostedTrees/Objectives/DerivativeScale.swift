import PortableNumerics

/// The rule that turns a patient's derivatives into integers, so that every sum is exact.
///
/// A derivative x (clipped to its bound) becomes x · 2^k + u rounded to the nearest integer, ties to
/// even, where u in [−½, ½) is made from a keyed hash of the patient and the tree: the expected
/// integer is x · 2^k, also for the small derivatives of a rare outcome, and every site that holds
/// the patient makes the same one.
/// Gradient and hessian share a 64-bit word, gradient · 2^32 + hessian, so that one addition adds
/// both; the low half is read as a signed number.
///
/// Bound: with at most N patients, N · (bound · 2^k + 1) < 2^31 for both halves, so no sum over
/// patients leaves its half.
public struct DerivativeScale: Sendable, Hashable, Codable {
  /// A gradient unit is 2^−gradientExponent.
  public let gradientExponent: Int
  /// A hessian unit is 2^−hessianExponent.
  public let hessianExponent: Int
  /// Bounds of one patient's derivatives.
  public let bounds: DerivativeBounds
  /// Most patients over all sites.
  public let patientLimit: Int

  /// The finest units that the bound allows, at most 2^−20.
  ///
  /// Throws `invalidSettings` when there is none: more than 2^26 patients, or bounds that are not
  /// positive and finite.
  public init(
    bounds: DerivativeBounds, patientLimit: Int
  ) throws(BoostedTreesError) {
    guard bounds.gradient > 0, bounds.gradient < 0x1p60, bounds.hessian > 0,
      bounds.hessian < 0x1p60, (1...(1 << 26)).contains(patientLimit)
    else { throw BoostedTreesError(.invalidSettings) }
    self.bounds = bounds
    self.patientLimit = patientLimit
    gradientExponent = Self.exponent(bound: bounds.gradient, patientLimit: patientLimit)
    hessianExponent = Self.exponent(bound: bounds.hessian, patientLimit: patientLimit)
  }

  private static func exponent(bound: Double, patientLimit: Int) -> Int {
    var exponent = 20
    while Double(patientLimit) * (bound * power(exponent) + 1) >= 0x1p31, exponent > -100 {
      exponent -= 1
    }
    return exponent
  }

  /// 2^exponent, exactly.
  private static func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }

  /// Integer units in a gradient of 1.
  var gradientFactor: Double { Self.power(gradientExponent) }
  /// Integer units in a hessian of 1.
  var hessianFactor: Double { Self.power(hessianExponent) }
  /// A gradient unit.
  var gradientUnit: Double { Self.power(-gradientExponent) }
  /// A hessian unit.
  var hessianUnit: Double { Self.power(-hessianExponent) }
  /// Largest magnitude of one patient's gradient, in units.
  var gradientLimit: Double { bounds.gradient * gradientFactor + 1 }
  /// Largest hessian of one patient, in units.
  var hessianLimit: Double { bounds.hessian * hessianFactor + 1 }

  /// The words of consecutive patients.
  ///
  /// - Parameters:
  ///   - keys: the patients' keyed hashes.
  ///   - seed: the tree's seed.
  @inline(__always)
  func write(
    count: Int, derivatives: DerivativeRows, keys: UnsafePointer<UInt64>, seed: UInt64,
    into words: UnsafeMutablePointer<Int64>
  ) {
    let gradientBound = bounds.gradient
    let hessianBound = bounds.hessian
    let gradientFactor = self.gradientFactor
    let hessianFactor = self.hessianFactor
    for row in 0..<count {
      let hash = SplitMix64.mix(keys[row] ^ seed)
      // 32 bits each, as the upper bits of a number in [1, 2), less 1½.
      let first = Double(bitPattern: 0x3FF0_0000_0000_0000 | ((hash &>> 32) &<< 20)) - 1.5
      let second = Double(bitPattern: 0x3FF0_0000_0000_0000 | ((hash &<< 32) &>> 12)) - 1.5
      // A NaN becomes a bound: `max` and `min` of Swift would keep it.
      let x = derivatives.gradient[row]
      let y = derivatives.hessian[row]
      let g = x > -gradientBound ? (x < gradientBound ? x : gradientBound) : -gradientBound
      let h = y > 0 ? (y < hessianBound ? y : hessianBound) : 0
      // Adding 1.5 · 2^52 rounds to the nearest integer and leaves it in the low bits.
      let gradient = (g * gradientFactor + first + Self.shift).bitPattern &- Self.shift.bitPattern
      let hessian = (h * hessianFactor + second + Self.shift).bitPattern &- Self.shift.bitPattern
      words[row] = Int64(bitPattern: (gradient &<< 32) &+ hessian)
    }
  }

  private static var shift: Double { 6_755_399_441_055_744 }
}
