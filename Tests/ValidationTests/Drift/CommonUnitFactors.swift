@testable import Validation

extension UnitFactor {
  /// The same mistake the other way round.
  var inverse: UnitFactor {
    UnitFactor(
      feature: feature, recordedUnit: expectedUnit, expectedUnit: recordedUnit, factor: 1 / factor,
      offset: -offset / factor)
  }

  /// The mistakes seen most often in pooled hospital data, both ways round.
  static let common: [UnitFactor] = {
    let factors = [
      UnitFactor(recordedUnit: "umol/L", expectedUnit: "mg/dL", factor: 88.4),  // creatinine
      UnitFactor(recordedUnit: "umol/L", expectedUnit: "mg/dL", factor: 17.104),  // bilirubin
      UnitFactor(recordedUnit: "mg/dL", expectedUnit: "mmol/L", factor: 18.016),  // glucose
      UnitFactor(recordedUnit: "mg/dL", expectedUnit: "mmol/L", factor: 38.67),  // cholesterol
      UnitFactor(recordedUnit: "mg/dL", expectedUnit: "mmol/L", factor: 9.008),  // lactate
      UnitFactor(recordedUnit: "mg/dL", expectedUnit: "mmol/L", factor: 2.801),  // urea nitrogen
      UnitFactor(recordedUnit: "mg/dL", expectedUnit: "mmol/L", factor: 4.008),  // calcium
      UnitFactor(recordedUnit: "mm[Hg]", expectedUnit: "kPa", factor: 7.50062),
      UnitFactor(recordedUnit: "g/L", expectedUnit: "g/dL", factor: 10),
      UnitFactor(recordedUnit: "mg/L", expectedUnit: "mg/dL", factor: 10),
      UnitFactor(recordedUnit: "umol/L", expectedUnit: "mmol/L", factor: 1000),
      UnitFactor(recordedUnit: "[lb_av]", expectedUnit: "kg", factor: 2.20462),
      UnitFactor(recordedUnit: "cm", expectedUnit: "[in_i]", factor: 2.54),
      UnitFactor(recordedUnit: "cm", expectedUnit: "m", factor: 100),
      UnitFactor(recordedUnit: "[degF]", expectedUnit: "Cel", factor: 1.8, offset: 32),
    ]
    return factors + factors.map(\.inverse)
  }()
}
