/// A unit that a site may have recorded by mistake instead of the one it declares.
public struct UnitMistake: Sendable, Hashable {
  /// The variable concerned, in words, as "Creatinine".
  public let variable: String
  /// The unit the values seem to be in.
  public let recordedUnit: String
  /// The unit they are declared to be in.
  public let declaredUnit: String
  /// From the recorded to the declared unit.
  public let conversion: UnitConversion

  /// How many times too large the declared values are: 88.4 for creatinine recorded in µmol/L and
  /// declared as mg/dL; nil where an offset makes the ratio vary (temperature).
  public var ratio: Double? {
    conversion.offset == 0 ? 1 / conversion.factor : nil
  }

  /// The finding in plain words.
  public var words: String {
    "\(variable) looks recorded in \(recordedUnit) but declared as \(declaredUnit)"
  }
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
        variable: variable.label, recordedUnit: recorded, declaredUnit: declared,
        conversion: change)
    }
  }

  /// The known mistake that would bring a site's typical value to that of the other sites: the
  /// ratio of the two must be outside 1/1.6…1.6 before the conversion and inside 1/1.4…1.4 after
  /// it. Of several the best fit; nil when none fits.
  public static func likelyMistake(
    feature: String, unit: String?, typical: Double, elsewhere: Double
  ) -> UnitMistake? {
    guard typical.isFinite, elsewhere.isFinite, typical > 0, elsewhere > 0 else { return nil }
    func misfit(_ value: Double) -> Double {
      value > 0 ? max(value / elsewhere, elsewhere / value) : .infinity
    }
    guard misfit(typical) > 1.6 else { return nil }
    return knownFactors(feature: feature, unit: unit)
      .map { ($0, misfit($0.conversion.apply(typical))) }
      .filter { $0.1 < 1.4 }
      .min { $0.1 < $1.1 }?.0
  }
}
