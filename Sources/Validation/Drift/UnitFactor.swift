/// A unit a hospital may have recorded by mistake: a value x in the expected unit reads
/// factor · x + offset in the recorded one.
public struct UnitFactor: Sendable, Codable, Equatable {
  /// The feature concerned; nil for any feature in the expected unit.
  public let feature: String?
  /// The unit the values would be in, as the report should name it.
  public let recordedUnit: String
  /// The unit the study expects.
  public let expectedUnit: String
  /// How many times larger the number is in the recorded unit; > 0.
  public let factor: Double
  /// What is added; 0 except for temperatures.
  public let offset: Double

  /// Creates a factor, for example creatinine recorded in umol/L instead of mg/dL: 88.4.
  public init(
    feature: String? = nil, recordedUnit: String, expectedUnit: String, factor: Double,
    offset: Double = 0
  ) {
    self.feature = feature
    self.recordedUnit = recordedUnit
    self.expectedUnit = expectedUnit
    self.factor = factor
    self.offset = offset
  }
}

/// A hospital whose values of a feature look recorded in another unit than the others'.
public struct UnitMismatch: Sendable, Codable, Equatable {
  /// The conversion that explains the difference.
  public let factor: UnitFactor
  /// The hospital's median.
  public let median: Double
  /// The typical median of the other hospitals.
  public let medianElsewhere: Double

  /// The mistake that best explains one hospital's quartiles beside the other hospitals'; nil when
  /// none does.
  ///
  /// The median has to be within `tolerance` of what the conversion predicts, the outer quartiles
  /// within twice that (all on the log scale for a pure factor), and the conversion has to explain at
  /// least three quarters of the log ratio, so that a merely sicker population is not called a unit.
  ///
  /// - Parameters:
  ///   - current: the hospital's quartiles.
  ///   - elsewhere: the other hospitals' typical quartiles.
  ///   - feature: the feature's name.
  ///   - unit: the unit the study expects; nil when unknown, then every conversion is a candidate.
  ///   - candidates: the conversions to try.
  ///   - tolerance: 0.25 by default: medians of hospitals differ by that much without any mistake.
  public static func detect(
    current: FeatureSummary.Quartiles, elsewhere: FeatureSummary.Quartiles, feature: String,
    unit: String?, candidates: [UnitFactor], tolerance: Double = 0.25
  ) -> UnitMismatch? {
    var best: (misfit: Double, factor: UnitFactor)?
    for candidate in candidates {
      guard candidate.factor > 0, candidate.factor.isFinite,
        candidate.feature == nil || candidate.feature == feature,
        unit.map({ normalised($0) == normalised(candidate.expectedUnit) }) ?? true
      else { continue }
      let unexplained = logRatio(current.median, elsewhere.median)
      guard
        let misfit = logRatio(
          current.median, candidate.factor * elsewhere.median + candidate.offset),
        let unexplained, misfit.magnitude <= tolerance,
        misfit.magnitude <= unexplained.magnitude / 4,
        [(current.lower, elsewhere.lower), (current.upper, elsewhere.upper)].allSatisfy({
          guard let ratio = logRatio($0.0, candidate.factor * $0.1 + candidate.offset) else {
            return true
          }
          return ratio.magnitude <= 2 * tolerance
        })
      else { continue }
      if best.map({ misfit.magnitude < $0.misfit }) ?? true {
        best = (misfit.magnitude, candidate)
      }
    }
    return best.map {
      UnitMismatch(factor: $0.factor, median: current.median, medianElsewhere: elsewhere.median)
    }
  }

  /// Unit names without case, brackets, spaces and the micro sign's variants.
  static func normalised(_ unit: String) -> String {
    var text = ""
    for character in unit.lowercased() where !"[]{} ".contains(character) {
      text.append(character == "µ" || character == "μ" ? "u" : character)
    }
    return text
  }
}
