import Testing

@testable import Cohort

@Suite struct UnitConversionTests {
  @Test(arguments: [
    ("creatinine", "umol/L", "mg/dL", 88.4, 1.0, 1e-4),
    ("creatinine", "µmol/l", "mg/dl", 176.8, 2.0, 1e-4),
    ("glucose", "mmol/L", "mg/dL", 5.5, 99.088, 1e-9),
    ("chol", "mmol/L", "mg/dL", 5.0, 193.35, 1e-9),
    ("triglycerides", "mmol/L", "mg/dL", 1.0, 88.57, 1e-9),
    ("urea_nitrogen", "mmol/L", "mg/dL", 5.0, 14.005, 1e-9),
    ("bilirubin", "umol/L", "mg/dL", 17.104, 1.0, 1e-4),
    ("haemoglobin", "g/L", "g/dL", 134.0, 13.4, 1e-9),
    ("haemoglobin", "mmol/L", "g/dL", 8.0, 12.8912, 1e-9),
    ("lactate", "mg/dL", "mmol/L", 18.0, 1.998, 1e-9),
    ("temperature", "°F", "°C", 98.6, 37.0, 1e-9),
    ("temperature", "K", "Cel", 310.15, 37.0, 1e-9),
    ("pco2", "kPa", "mmHg", 5.3, 39.753286, 1e-9),
    ("spo2", "fraction", "%", 0.97, 97.0, 1e-9),
    ("weight", "lb", "kg", 220.462, 99.9998, 1e-3),
    ("height", "in", "cm", 70.0, 177.8, 1e-9),
    ("anything", "g/L", "mg/dL", 1.0, 100.0, 1e-9),
    ("creatinine", "mmol/L", "mg/dL", 0.0884, 1.0, 1e-4),
    ("wbc", "x10^9/L", "10*3/uL", 7.1, 7.1, 0.0),
    ("hba1c", "mmol/mol", "%", 48.0, 6.54304, 1e-9),
  ])
  func knownValues(
    feature: String, from: String, to: String, value: Double, expected: Double, tolerance: Double
  ) throws {
    let conversion = try UnitConversion.from(from, to: to, feature: feature)
    #expect(abs(conversion.apply(value) - expected) <= tolerance)
    let back = try UnitConversion.from(to, to: from, feature: feature)
    #expect(abs(back.apply(conversion.apply(value)) - value) <= 1e-9 * max(1, abs(value)))
  }

  @Test func everyRuleOfTheTableGoesThereAndBack() throws {
    for variable in ClinicalVariable.all {
      #expect(ClinicalVariable.named(variable.label) != nil, "\(variable.key)")
      for rule in variable.rules {
        let there = try UnitConversion.from(rule.unit, to: variable.unit, feature: variable.key)
        let back = try UnitConversion.from(variable.unit, to: rule.unit, feature: variable.key)
        for value in [0.25, 1, 37, 1234.5] {
          #expect(
            abs(back.apply(there.apply(value)) - value) <= 1e-10 * value, "\(variable.key)")
        }
      }
    }
  }

  @Test func unknownPairsAreRefused() {
    #expect(throws: CohortError(.unitMismatch)) {
      try UnitConversion.from("mmol/L", to: "mg/dL", feature: "mystery")
    }
    #expect(throws: CohortError(.unitMismatch)) {
      try UnitConversion.from("kg", to: "mmHg", feature: "sbp")
    }
  }

  @Test func aMissingUnitMeansTheSame() throws {
    #expect(try UnitConversion.from(nil, to: "mg/dL", feature: "creatinine").isIdentity)
  }

  private func judged(
    _ name: String, _ unit: String, _ median: Double
  ) throws -> TypicalValue {
    try #require(ClinicalVariable.named(name)).judge(typical: median, unit: unit)
  }

  @Test func namesTheUnitMistake() throws {
    guard case .anotherUnit(let mistake) = try judged("creatinine", "mg/dL", 92) else {
      Issue.record("creatinine of 92 mg/dL is no typical value")
      return
    }
    #expect(mistake.recordedUnit == "umol/L" && mistake.declaredUnit == "mg/dL")
    #expect(abs(mistake.conversion.apply(88.4) - 1) < 1e-3)
    for (name, unit, median, recorded) in [
      ("temperature", "Cel", 98.4, "[degF]"), ("creatinine", "umol/L", 1.1, "mg/dL"),
    ] {
      guard case .anotherUnit(let found) = try judged(name, unit, median) else {
        Issue.record("\(name)")
        continue
      }
      #expect(found.recordedUnit == recorded)
    }
  }

  @Test func aSickerPopulationIsNoUnitMistake() throws {
    #expect(try judged("creatinine", "mg/dL", 1.4) == .plausible)
    #expect(try judged("creatinine", "umol/L", 180) == .plausible)
    #expect(try judged("age", "a", 80) == .plausible)
    #expect(try judged("creatinine", "mg/dL", 900) == .implausible)
    #expect(try judged("creatinine", "furlong", 900) == .plausible)
    // Troponins of an emergency department, in the unit that they are declared in.
    for (name, median) in [("tnt", 0.2), ("tnt", 2.6), ("tni", 0.2), ("tni", 2.6)] {
      #expect(try judged(name, "ng/mL", median) == .plausible, "\(name) \(median)")
    }
    #expect(try judged("bili", "mg/dL", 6) == .plausible, "a liver unit")
    guard case .anotherUnit(let mistake) = try judged("tnt", "ng/mL", 9) else {
      Issue.record("a troponin T of 9 ng/mL is no typical value")
      return
    }
    #expect(mistake.recordedUnit == "ng/L")
  }

  /// Usual lactates in mg/dL declared as mmol/L, and the other way round: the median alone could be of very
  /// sick or of very well patients, the tenths with it could not.
  @Test func usualLactates() throws {
    let lactate = try #require(ClinicalVariable.named("lact"))
    func unit(_ declared: String, _ low: Double, _ median: Double, _ high: Double) -> String? {
      #expect(lactate.judge(typical: median, unit: declared) == .plausible)
      guard
        case .anotherUnit(let found) = lactate.judge(
          typical: median, tenths: low...high, unit: declared)
      else { return nil }
      return found.recordedUnit
    }
    #expect(unit("mmol/L", 6.5, 12, 18.5) == "mg/dL")
    #expect(unit("mmol/L", 7, 14, 45) == "mg/dL")
    #expect(unit("mg/dL", 0.8, 1.9, 4) == "mmol/L")
    // A ward of shock: some values are nearly normal, and most are far above.
    #expect(unit("mmol/L", 1.4, 6, 15) == nil)
    #expect(unit("mmol/L", 3.1, 8, 16) == nil)
    #expect(unit("mmol/L", 0.7, 1.4, 3) == nil)
    #expect(unit("mg/dL", 6.5, 12, 18.5) == nil)
    // Markers that the healthy do not have, units that no distribution tells apart, a dialysis unit.
    for (name, declared, low, median, high) in [
      ("crp", "mg/dL", 1.2, 4.5, 20), ("tnt", "ng/mL", 0.1, 1, 2.6), ("bili", "mg/dL", 1.5, 6, 20),
      ("bun", "mg/dL", 45, 60, 90), ("crea", "mg/dL", 4.0, 7, 11), ("hgb", "g/dL", 7, 8.5, 10.5),
      ("alb", "g/dL", 2.0, 2.6, 3.2), ("plt", "10*9/L", 20, 60, 130), ("ca", "mg/dL", 7, 7.6, 8.3),
    ] {
      let variable = try #require(ClinicalVariable.named(name), "\(name)")
      #expect(
        variable.judge(typical: median, tenths: low...high, unit: declared) == .plausible,
        "\(name) \(declared)")
    }
  }

  /// A share declared in per cent and recorded as a fraction; small shares are no fractions.
  @Test func fractions() throws {
    for (name, median) in [("fio2", 0.5), ("fio2", 0.21), ("spo2", 0.97), ("hct", 0.4)] {
      guard case .anotherUnit(let mistake) = try judged(name, "%", median) else {
        Issue.record("\(name) \(median)")
        continue
      }
      #expect(mistake.recordedUnit == "1" && mistake.conversion.apply(0.5) == 50)
      #expect(try judged(name, "1", median) == .plausible)
    }
    #expect(try judged("fio2", "%", 50) == .plausible)
    #expect(try judged("bnd", "%", 0.5) == .plausible)
    let fio2 = try #require(ClinicalVariable.named("fio2"))
    #expect(fio2.isFraction(share: 0.5, unit: "%") != nil)
    #expect(fio2.isFraction(share: 0.49, unit: "%") == nil)
    #expect(fio2.isFraction(share: 1, unit: "1") == nil)
  }
}
