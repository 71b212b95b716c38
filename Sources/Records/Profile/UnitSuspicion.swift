import Cohort

/// A proposal, never a change: values of a variable look as if they were recorded in another unit
/// than the one they name.
public struct UnitSuspicion: Sendable, Hashable {
  public let variable: String
  /// The unit the records name, or the recipe's when they name none.
  public let declaredUnit: String
  /// The unit that would explain them.
  public let likelyUnit: String
  /// All values rather than a part of them.
  public let concernsAll: Bool
  /// Share of the values that the likely unit explains better.
  public let share: Double

  /// What to tell the data steward.
  public var words: String {
    let part = concernsAll ? "values" : "\(Int((share * 100).rounded())) % of the values"
    return "\(variable): \(part) declared as \(declaredUnit) look recorded in \(likelyUnit)"
      + "; confirm with the laboratory, then name the unit in the mapping"
  }

  /// Looks at the distribution of a dictionary variable's values as they were recorded.
  ///
  /// `declared` is the unit that the records name, or the recipe's; nil is the dictionary's.
  ///
  /// At least half of a share in per cent are suspect when they are fractions; all values when another unit explains their median, as
  /// ``Cohort/ClinicalVariable/judge(typical:unit:)`` says; a part of them when at least 2 % lie
  /// outside the hard or warn range and one known mistake brings them inside the reference interval.
  public static func find(
    _ name: String, clinical key: String, declared: String?, _ sketch: ValueSketch
  ) -> UnitSuspicion? {
    guard let variable = ClinicalVariable.named(key), variable.referenceRange != nil,
      sketch.count >= 20, let median = sketch.quantile(0.5), median > 0
    else { return nil }
    let unit = declared ?? variable.unit
    let fractions = sketch.share { ClinicalVariable.fractions.contains($0) }
    if let mistake = variable.isFraction(share: fractions, unit: unit) {
      return UnitSuspicion(
        variable: name, declaredUnit: unit, likelyUnit: mistake.recordedUnit,
        concernsAll: fractions > 0.9, share: fractions)
    }
    var tenths: ClosedRange<Double>?
    if let low = sketch.quantile(0.1), let high = sketch.quantile(0.9), low <= high {
      tenths = low...high
    }
    if case .anotherUnit(let mistake) = variable.judge(
      typical: median, tenths: tenths, unit: unit)
    {
      return UnitSuspicion(
        variable: name, declaredUnit: unit, likelyUnit: mistake.recordedUnit, concernsAll: true,
        share: 1)
    }
    guard let range = variable.warnRange ?? variable.hardRange,
      let toCanonical = try? UnitConversion.from(unit, to: variable.unit, feature: key)
    else { return nil }
    let shares = UnitConversion.knownFactors(feature: key, unit: unit).map { mistake in
      let share = sketch.share { value in
        guard value > 0, !range.contains(toCanonical.apply(value)) else { return false }
        let meant = toCanonical.apply(mistake.conversion.apply(value))
        return variable.isNearReference(meant, within: 1.1)
      }
      return (unit: mistake.recordedUnit, share: share)
    }
    guard let best = shares.max(by: { $0.share < $1.share }), best.share >= 0.02 else { return nil }
    return UnitSuspicion(
      variable: name, declaredUnit: unit, likelyUnit: best.unit, concernsAll: false,
      share: best.share)
  }
}
