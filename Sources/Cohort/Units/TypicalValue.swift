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
  ///
  /// With `tenths` a plausible median is looked at again: a lactate of 13 is what a dying patient has in
  /// mmol/L, and not what nearly all patients of a hospital have. Nine values in ten lie above twice the
  /// upper bound, or nine in ten below the lower one, and a unit that differs by a factor of 4 or more
  /// brings the median into the reference interval and the nearer tenth within a factor of 2 of it.
  ///
  /// - Parameter tenths: the 10th and the 90th hundredth of the values.
  public func judge(
    typical median: Double, tenths: ClosedRange<Double>? = nil, unit: String
  ) -> TypicalValue {
    guard let toCanonical = conversion(from: UnitName.normalised(unit)) else { return .plausible }
    let value = toCanonical.apply(median)
    let mistakes = UnitConversion.knownFactors(feature: key, unit: unit)
    guard !isPossible(value) || !isNearMedian(value) else {
      return tenths.flatMap { shifted(median, $0, toCanonical, mistakes) }
        .map(TypicalValue.anotherUnit) ?? .plausible
    }
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

  /// The mistake of a distribution that lies beside the reference interval as a whole, though its median is
  /// not beyond all patients; nil when there is none.
  ///
  /// Even among the sickest some values of what everybody has are nearly normal. So it is asked only of
  /// variables with a lower bound: markers of inflammation or damage, as C-reactive protein or troponin,
  /// are left alone.
  private func shifted(
    _ median: Double, _ tenths: ClosedRange<Double>, _ toCanonical: UnitConversion,
    _ mistakes: [UnitMistake]
  ) -> UnitMistake? {
    guard let reference = referenceRange, reference.lowerBound > 0, tenths.lowerBound > 0 else {
      return nil
    }
    let isHigh = toCanonical.apply(tenths.lowerBound) > 2 * reference.upperBound
    let isLow = toCanonical.apply(tenths.upperBound) < reference.lowerBound
    guard isHigh || isLow else { return nil }
    let near = isHigh ? tenths.lowerBound : tenths.upperBound
    return mistakes.first { mistake in
      let factor = mistake.conversion.factor
      guard mistake.conversion.offset == 0, isHigh ? factor <= 0.25 : factor >= 4 else {
        return false
      }
      func meant(_ value: Double) -> Double { toCanonical.apply(mistake.conversion.apply(value)) }
      return reference.contains(meant(median)) && isNearReference(meant(near), within: 2)
    }
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
