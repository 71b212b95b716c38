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
  /// A median is plausible inside the warn range and within a factor of 3 of the reference interval;
  /// another unit explains it when it brings the median within a factor of 2 of that interval or,
  /// where there is none, inside the warn range.
  public func judge(typical median: Double, unit: String) -> TypicalValue {
    guard let toCanonical = conversion(from: UnitName.normalised(unit)) else { return .plausible }
    let value = toCanonical.apply(median)
    let isUsual = warnRange?.contains(value) ?? true
    guard !isUsual || !isNearReference(value, within: 3) else { return .plausible }
    let explanation = UnitConversion.knownFactors(feature: key, unit: unit).first { mistake in
      let meant = toCanonical.apply(mistake.conversion.apply(median))
      return referenceRange == nil
        ? warnRange?.contains(meant) ?? false : meant > 0 && isNearReference(meant, within: 2)
    }
    return explanation.map(TypicalValue.anotherUnit) ?? .implausible
  }

  /// Whether a value in the canonical unit is inside the reference interval, stretched by a factor
  /// on both sides; true where no interval is known.
  public func isNearReference(_ value: Double, within factor: Double) -> Bool {
    guard let reference = referenceRange, reference.upperBound > 0 else { return true }
    if value > factor * reference.upperBound { return false }
    return reference.lowerBound <= 0 || value >= reference.lowerBound / factor
  }
}
