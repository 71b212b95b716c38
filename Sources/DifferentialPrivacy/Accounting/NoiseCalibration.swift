import PortableNumerics

/// The smallest noise that keeps a whole study within (ε, δ).
public enum NoiseCalibration {
  /// Which accountant the promise is made by.
  public enum Accountant: String, Sendable, CaseIterable {
    /// Privacy loss distributions, exact for Gaussian releases.
    case privacyLoss = "pld"
    /// Rényi differential privacy at the default orders.
    case renyi = "rdp"
  }

  /// The smallest noise multiplier with ε(z) ≤ ε, to a relative 1e-6 and never on the wrong side.
  ///
  /// - Parameters:
  ///   - epsilon: the target ε > 0.
  ///   - delta: δ in (0, 1].
  ///   - accountant: which accountant has to confirm it.
  ///   - event: the study with noise multiplier z; its ε may not increase with z.
  /// - Returns: 0 when no noise is needed.
  /// - Throws: `outOfRange`; `unattainable` when no noise up to 2^60 is enough; whatever the event
  ///   throws.
  public static func noiseMultiplier(
    epsilon: Double, delta: Double, accountant: Accountant = .privacyLoss,
    event: (Double) throws(DifferentialPrivacyError) -> PrivacyEvent
  ) throws(DifferentialPrivacyError) -> Double {
    try GaussianPrivacy.checkDelta(delta)
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    func renyi(_ noise: Double) throws(DifferentialPrivacyError) -> Double {
      try event(noise).renyiCurve().epsilon(delta: delta)
    }
    // A patient who hardly ever takes part may be within δ without any noise; the search for a noise
    // that is too small would then not end.
    func isFree() -> Bool {
      do {
        let none = try event(0)
        let spent =
          accountant == .renyi
          ? try none.renyiCurve().epsilon(delta: delta)
          : try PrivacyLossAccountant(none).epsilon(delta: delta)
        return spent <= epsilon
      } catch {
        return false
      }
    }
    if isFree() { return 0 }
    if accountant == .renyi { return try smallest(target: epsilon, spent: renyi) }
    // Rényi accounting, where it applies, then a coarse grid: each gives a start slightly too high.
    var start = 1.0
    if let found = try? smallest(target: epsilon, precision: 1e-3, spent: renyi), found > 0 {
      start = found
    }
    start = try smallest(target: epsilon, from: start, ratio: 0.85, precision: 1e-4) {
      (noise) throws(DifferentialPrivacyError) in
      try PrivacyLossAccountant(try event(noise), gridStep: 2e-3).epsilon(delta: delta)
    }
    if start == 0 { return 0 }
    return try smallest(target: epsilon, from: start, ratio: 0.998) {
      (noise) throws(DifferentialPrivacyError) in
      try PrivacyLossAccountant(try event(noise)).epsilon(delta: delta)
    }
  }

  /// The smallest x at which a decreasing `spent` is at most `target`.
  ///
  /// - Parameters:
  ///   - start: a first guess, > 0.
  ///   - ratio: the first step down from a guess that is enough; steps grow.
  ///   - precision: stop when `spent` is this close below the target, relative.
  static func smallest(
    target: Double, from start: Double = 1, ratio: Double = 0.5, precision: Double = 1e-6,
    spent: (Double) throws(DifferentialPrivacyError) -> Double
  ) throws(DifferentialPrivacyError) -> Double {
    var enough = start
    var tooLittle = start
    var factor = ratio
    func excess(_ x: Double) throws(DifferentialPrivacyError) -> Double {
      let value = try spent(x)
      return value <= target && value == 0 ? -.infinity : Portable.log(value / target)
    }
    var atEnough = try excess(enough)
    var atLittle = atEnough
    if atEnough <= 0 {
      repeat {
        (enough, atEnough) = (tooLittle, atLittle)
        tooLittle *= factor
        if tooLittle < start * 1e-12 { return try spent(0) <= target ? 0 : enough }
        factor = max(0.5, factor * factor)
        atLittle = try excess(tooLittle)
      } while atLittle <= 0
    } else {
      repeat {
        (tooLittle, atLittle) = (enough, atEnough)
        enough /= factor
        guard enough < 0x1p60 else {
          throw DifferentialPrivacyError(
            .unattainable, "no finite noise keeps this promise", field: "epsilon")
        }
        factor = max(0.5, factor * factor)
        atEnough = try excess(enough)
      } while atEnough > 0
    }
    // False position in log–log, where ε(z) is nearly straight; the value of an end that stays is
    // halved (Illinois), so that both ends move.
    var confirmed = atEnough
    for _ in 0..<80 where confirmed < -precision && enough > tooLittle * (1 + 1e-9) {
      var share = 0.5
      if atLittle.isFinite, atEnough.isFinite, atLittle > atEnough {
        share = min(max(atLittle / (atLittle - atEnough), 0.01), 0.99)
      }
      let next = tooLittle * Portable.exp(share * Portable.log(enough / tooLittle))
      if !(next > tooLittle && next < enough) { break }
      let value = try excess(next)
      if value <= 0 {
        (enough, atEnough, confirmed) = (next, value, value)
        atLittle *= 0.5
      } else {
        (tooLittle, atLittle) = (next, value)
        atEnough *= 0.5
      }
    }
    return enough
  }
}
