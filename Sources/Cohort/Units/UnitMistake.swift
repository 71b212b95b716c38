/// A unit that a site may have recorded by mistake instead of the one it declares.
public struct UnitMistake: Sendable, Hashable {
  /// The unit the values seem to be in.
  public let recordedUnit: String
  /// The unit they are declared to be in.
  public let declaredUnit: String
  /// From the recorded to the declared unit.
  public let conversion: UnitConversion
}

extension UnitConversion {
  /// The unit mistakes that are known for a feature whose values are declared in `unit` (the
  /// variable's canonical unit when nil); empty for features that are not in the table.
  ///
  /// Units that differ by less than a factor of 1.5 are left out: no distribution tells them
  /// apart.
  public static func knownFactors(feature: String, unit: String?) -> [UnitMistake] {
    guard let variable = ClinicalVariable.named(feature) else { return [] }
    let declared = unit ?? variable.unit
    guard let toCanonical = variable.conversion(from: UnitName.normalised(declared)) else {
      return []
    }
    let candidates =
      [(variable.unit, UnitConversion.identity)]
      + variable.rules.map { ($0.unit, UnitConversion(factor: $0.factor, offset: $0.offset)) }
    return candidates.compactMap { recorded, conversion in
      guard !UnitName.areEqual(recorded, declared) else { return nil }
      let change = conversion.then(toCanonical.inverse)
      guard change.offset != 0 || change.factor > 1.5 || change.factor < 1 / 1.5 else { return nil }
      return UnitMistake(
        recordedUnit: recorded, declaredUnit: declared,
        conversion: change)
    }
  }
}
