import PortableNumerics

/// What noisy counts say of the patients before the first step of trees.
public struct PrivateCounts: Sendable, Hashable {
  /// Patients by feature and bin (bin 0 for missing), ≥ 0.
  public var bins: [[Double]]
  /// Patients, ≥ 1, and of them those with the outcome.
  public var patientCount: Double
  public var eventCount: Double

  public init(bins: [[Double]], patientCount: Double, eventCount: Double) {
    self.bins = bins
    self.patientCount = patientCount
    self.eventCount = eventCount
  }

  /// Log-odds of the prevalence, which is kept within 0.1 % and 99.9 %.
  var baseMargin: Double {
    Portable.logit(min(max(eventCount / max(patientCount, 1), 1e-3), 1 - 1e-3))
  }

  /// The prevalence p̄ that this means.
  var prevalence: Double { Portable.sigmoid(baseMargin) }

  /// p̄(1 − p̄).
  var meanHessian: Double { prevalence * (1 - prevalence) }

  /// Throws `shapeMismatch` for counts that do not fit the bins, `noPatients`.
  func validate(features: [FeatureBins]) throws(BoostedTreesError) {
    guard bins.count == features.count,
      zip(bins, features).allSatisfy({
        $0.count == $1.binCount && $0.allSatisfy { $0 >= 0 && $0 < 0x1p40 }
      })
    else { throw BoostedTreesError(.shapeMismatch) }
    guard patientCount >= 1, patientCount < 0x1p40, eventCount >= 0 else {
      throw BoostedTreesError(.noPatients)
    }
  }
}

/// What is most likely of a quantity of which a noisy gradient and a hessian are known: the weight of a
/// leaf, the step of a bin.
///
/// The gradient is H·u plus noise of variance σ² + H; u is normal around 0. The posterior mean is
/// evidence/(precision + 1/prior variance).
struct NoisyWeight {
  let precision: Double
  let evidence: Double

  /// - Parameters:
  ///   - gradient: Σ(y − p), with noise.
  ///   - hessian: Σp(1 − p); at least 10⁻³ of a patient is reckoned with.
  ///   - variance: σ² of the gradient's noise, in patients.
  init(gradient: Double, hessian: Double, variance: Double) {
    let hessian = max(hessian, 1e-3)
    precision = hessian * hessian / (variance + hessian)
    evidence = gradient * hessian / (variance + hessian)
  }

  /// - Parameter penalty: 1/prior variance, ≥ 0.
  func mean(penalty: Double) -> Double { evidence / (precision + penalty) }

  /// Twice what the weight takes off the loss, as far as the noise lets it be known.
  func gain(penalty: Double) -> Double { evidence * evidence / (precision + penalty) }
}
