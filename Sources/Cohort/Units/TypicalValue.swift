/// What a hospital's own typical value of a known variable says about the unit it is declared in.
///
/// One rule for a file's column and for records, by the reference interval alone. Between hospitals
/// the comparison is with the others' quartiles instead, see `Validation.UnitMismatch`.
public enum TypicalValue: Sendable, Hashable {
  /// It can be one of hospital patients, or nothing is known to compare it with.
  case plausible
  /// It cannot, and it could if the values were recorded in another unit.
  case anotherUnit(UnitMistake)
  /// It cannot, and no known unit explains it.
  case implausible
}

extension ClinicalVariable {
  /// Judges the median of values declared in `unit`, a unit that has a conversion to the variable's.
  ///
  /// A median is plausible inside the hard and warn ranges, no less than a third of the reference
  /// interval's lower bound, and no more than 10 times its upper bound: to be far above it is what sick
  /// patients do. Substances without a lower bound, as troponin, are found in the sick at hundreds of
  /// times the upper bound, so theirs is 300 times.
  ///
  /// Another unit explains what is not plausible when it brings the median within a factor of 2 of
  /// the reference interval or, where there is none, inside the warn range. A share declared in per
  /// cent whose median lies in 0.15...1 is a fraction (``isFraction(share:unit:)``).
  public func judge(typical median: Double, unit: String) -> TypicalValue {
    guard let toCanonical = conversion(from: UnitName.normalised(unit)) else { return .plausible }
    let value = toCanonical.apply(median)
    guard !isPossible(value) || !isNearMedian(value) else { return .plausible }
    let mistakes = UnitConversion.knownFactors(feature: key, unit: unit)
    if Self.fractions.contains(median), let fraction = fraction(mistakes, unit: unit) {
      return .anotherUnit(fraction)
    }
    let explanation = mistakes.first { mistake in
      let meant = toCanonical.apply(mistake.conversion.apply(median))
      return referenceRange == nil
        ? warnRange?.contains(meant) ?? false : meant > 0 && isNearReference(meant, within: 2)
    }
    return explanation.map(TypicalValue.anotherUnit) ?? .implausible
  }

  /// Where values of a share in per cent lie that were recorded as a fraction.
  public static let fractions = 0.15...1.0

  /// The mistake of values declared in `unit`, per cent, of which `share` lie in ``fractions``: at
  /// least half of them, of a variable that in per cent is never so small. Nil for any other.
  public func isFraction(share: Double, unit: String) -> UnitMistake? {
    guard share >= 0.5 else { return nil }
    return fraction(UnitConversion.knownFactors(feature: key, unit: unit), unit: unit)
  }

  private func fraction(_ mistakes: [UnitMistake], unit: String) -> UnitMistake? {
    guard UnitName.areEqual(unit, "%"), let reference = referenceRange, reference.lowerBound >= 5
    else { return nil }
    return mistakes.first { UnitName.areEqual($0.recordedUnit, "1") }
  }

  private func isPossible(_ value: Double) -> Bool {
    (hardRange?.contains(value) ?? true) && (warnRange?.contains(value) ?? true)
  }

  /// Whether a median can be one of a hospital's patients by the reference interval alone.
  private func isNearMedian(_ value: Double) -> Bool {
    guard let reference = referenceRange, reference.upperBound > 0 else { return true }
    if value > (reference.lowerBound > 0 ? 10 : 300) * reference.upperBound { return false }
    return reference.lowerBound <= 0 || value >= reference.lowerBound / 3
  }

  /// Whether a value in the canonical unit is inside the reference interval, stretched by a factor
  /// on both sides; true where no interval is known.
  public func isNearReference(_ value: Double, within factor: Double) -> Bool {
    guard let reference = referenceRange, reference.upperBound > 0 else { return true }
    if value > factor * reference.upperBound { return false }
    return reference.lowerBound <= 0 || value >= reference.lowerBound / factor
  }
}
