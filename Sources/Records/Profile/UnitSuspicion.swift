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
  /// All values are suspect when their median lies beyond twice the reference interval and one
  /// known conversion brings it within one and a half times of it; a part of them when at least
  /// 2 % lie outside the hard or warn range and one conversion brings them inside the reference
  /// interval.
  public static func find(
    _ name: String, clinical key: String, declared: String?, _ sketch: ValueSketch
  ) -> UnitSuspicion? {
    guard let variable = ClinicalVariable.named(key), let reference = variable.referenceRange,
      sketch.count >= 20, let median = sketch.quantile(0.5), median > 0
    else { return nil }
    let unit = declared ?? variable.unit
    guard let toCanonical = try? UnitConversion.from(unit, to: variable.unit, feature: key) else {
      return nil
    }
    func fits(_ value: Double, _ slack: Double) -> Bool {
      value >= reference.lowerBound / slack && value <= reference.upperBound * slack
    }
    // The units named apart, and the canonical one for values declared in another.
    let candidates =
      variable.rules.map { ($0.unit, UnitConversion(factor: $0.factor, offset: $0.offset)) }
      + [(variable.unit, UnitConversion.identity)]
    let others = candidates.filter { !UnitName.areEqual($0.0, unit) }
    if !fits(toCanonical.apply(median), 2) {
      let found = others.first { fits($0.1.apply(median), 1.5) }
      if let found {
        return UnitSuspicion(
          variable: name, declaredUnit: unit, likelyUnit: found.0, concernsAll: true, share: 1)
      }
    }
    let range = variable.warnRange ?? variable.hardRange
    guard let range else { return nil }
    let best = others.map { unit, conversion in
      (
        unit,
        sketch.share { value in
          value > 0 && !range.contains(toCanonical.apply(value))
            && fits(conversion.apply(value), 1.1)
        }
      )
    }.max { $0.1 < $1.1 }
    guard let best, best.1 >= 0.02 else { return nil }
    return UnitSuspicion(
      variable: name, declaredUnit: unit, likelyUnit: best.0, concernsAll: false, share: best.1)
  }
}
