import Testing

@testable import Validation

@Suite struct DriftReportTests {
  /// Five hospitals of 400 patients with age, creatinine and lactate from the same distributions, but
  /// for the differences planted. Seed 5000 + index per hospital.
  static func hospitals(planted: Bool, count: Int = 5) throws -> [SiteProfile] {
    let names = ["st-anna", "lakeside", "northfield", "hillcrest", "riverside"]
    var profiles: [SiteProfile] = []
    for index in 0..<count {
      var uniform = SeededUniform(seed: 5000 + UInt64(index))
      func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + uniform.next() } }
      var ages: [Double] = []
      var creatinine: [Double] = []
      var lactate: [Double] = []
      var wards: [Int?] = []
      var risks: [Double] = []
      var outcomes: [Bool] = []
      for _ in 0..<400 {
        ages.append(61 + 12 * normal() + (planted && index == 1 ? 13 : 0))
        let level = max(0.3, 1 + 0.3 * normal())
        creatinine.append(planted && index == 0 ? 88.4 * level : level)
        let value = max(0.2, 1.8 + 0.7 * normal())
        let missing = planted && index == 2 ? 0.82 : 0.21
        lactate.append(uniform.next() < missing ? .nan : value)
        wards.append(uniform.next() < 0.3 ? 1 : 0)
        let risk = 0.05 + 0.5 * uniform.next()
        risks.append(risk)
        let excess = planted && index == 4 ? 1.7 : 1
        outcomes.append(uniform.next() < min(1, excess * risk))
      }
      func summary(_ name: String, _ values: [Double], _ cuts: [Double]) throws -> FeatureSummary {
        try FeatureSummary.numeric(feature: name, values: values, cuts: cuts, minimumCell: 5)
      }
      profiles.append(
        SiteProfile(
          site: names[index],
          features: [
            try summary("age", ages, stride(from: 30, through: 90, by: 5).map { $0 }),
            try summary("creatinine", creatinine, [0.5, 0.7, 0.9, 1, 1.1, 1.3, 1.6, 30, 80, 120]),
            try summary("lactate", lactate, [0.5, 1, 1.5, 2, 2.5, 3]),
            try FeatureSummary.categorical(
              feature: "ward", codes: wards, levels: ["medical", "surgical"], minimumCell: 5),
          ],
          performance: try HoldoutEvaluation.evaluate(
            probabilities: risks, outcome: outcomes, threshold: 0.3, minimumCell: 5)))
    }
    return profiles
  }

  static let descriptions = [
    FeatureDescription(feature: "age", unit: "a"),
    FeatureDescription(feature: "creatinine", unit: "mg/dL"),
    FeatureDescription(feature: "lactate", unit: "mmol/L"),
  ]

  @Test func plantedDifferencesAreFoundByName() throws {
    let report = DriftReport(
      profiles: try Self.hospitals(planted: true), descriptions: Self.descriptions,
      unitFactors: UnitFactor.common,
      outcomeLabel: "death")
    let found = report.findings.map { "\($0.site) \($0.subject.rawValue) \($0.feature ?? "")" }
    #expect(found.first == "st-anna unit creatinine")
    #expect(found.contains("lakeside feature age"))
    #expect(found.contains("northfield missingness lactate"))
    #expect(found.contains("riverside calibration "))
    #expect(found.contains("riverside outcome "))
    #expect(Set(found).count <= 6, "\(report.findings.map(\.sentence))")
    let sentences = report.findings.map(\.sentence)
    let unit = try #require(sentences.first)
    #expect(unit.hasPrefix("creatinine at st-anna: median 8"))
    #expect(unit.hasSuffix("times the other hospitals': recorded in umol/L instead of mg/dL?"))
    #expect(sentences.contains { $0.hasPrefix("age at lakeside: older (median 7") })
    #expect(sentences.contains { $0.hasPrefix("lactate at northfield: missing in 8") })
    #expect(
      sentences.contains { $0.hasPrefix("calibration at riverside: 1.") && $0.contains("events") })
    #expect(sentences.contains { $0.hasPrefix("death at riverside: in ") })
    #expect(
      zip(report.findings, report.findings.dropFirst()).allSatisfy { $0.severity >= $1.severity })
  }

  @Test func onlyTheOddHospitalStandsOut() throws {
    let report = DriftReport(
      profiles: try Self.hospitals(planted: true), descriptions: Self.descriptions,
      unitFactors: UnitFactor.common)
    let lactate = try #require(
      report.value(site: "hillcrest", subject: .missingness, name: "lactate"))
    #expect(!lactate.reference.contains("northfield"))
    #expect(lactate.effect.magnitude < 0.1)
    let age = try #require(report.distribution(site: "hillcrest", feature: "age"))
    #expect(!age.reference.contains("lakeside"))
    #expect(age.comparison.excessPopulationStability < 0.1)
  }

  @Test func alikeHospitalsHaveNoFindings() throws {
    let report = DriftReport(
      profiles: try Self.hospitals(planted: false), descriptions: Self.descriptions,
      unitFactors: UnitFactor.common)
    #expect(report.findings.isEmpty, "\(report.findings.map(\.sentence))")
    #expect(report.distributions.count == 5 * 5)
    #expect(report.values.count == 5 * (4 + 4))
    #expect(
      (report.distributions.map(\.adjustedPValue) + report.values.map(\.adjustedPValue))
        .allSatisfy { $0 >= 0 && $0 <= 1 })
  }

  @Test func orderOfHospitalsDoesNotChangeTheFindings() throws {
    let profiles = try Self.hospitals(planted: true)
    let plain = DriftReport.findings(
      profiles: profiles, descriptions: Self.descriptions,
      unitFactors: UnitFactor.common)
    let turned = DriftReport.findings(
      profiles: profiles.reversed(), descriptions: Self.descriptions,
      unitFactors: UnitFactor.common)
    #expect(plain.map(\.sentence) == turned.map(\.sentence))
  }

  @Test func twoHospitalsAreComparedWithEachOther() throws {
    let report = DriftReport(
      profiles: try Self.hospitals(planted: true, count: 2), descriptions: Self.descriptions,
      unitFactors: UnitFactor.common)
    #expect(report.findings.first?.sentence.hasPrefix("creatinine at st-anna: median") == true)
    #expect(report.findings.contains { $0.subject == .unit && $0.site == "lakeside" } == false)
  }

  @Test func twoHospitalsAreNotToldTwice() throws {
    let profiles = try (0..<2).map { index in
      SiteProfile(
        site: "site-\(index)",
        features: [
          try FeatureSummary.numeric(
            feature: "smoker", values: (0..<300).map { $0 % 10 < (index == 0 ? 8 : 3) ? 1 : 0 },
            cuts: [0.5], minimumCell: 5)
        ])
    }
    let findings = DriftReport.findings(profiles: profiles)
    #expect(findings.map(\.sentence) == ["smoker at site-0: yes in 80 % against 30 %"])
  }

  @Test func oneHospitalAndNoneAreFine() throws {
    let one = DriftReport(profiles: try Self.hospitals(planted: true, count: 1))
    #expect(one.findings.isEmpty && one.distributions.isEmpty && one.values.isEmpty)
    #expect(DriftReport(profiles: []).findings.isEmpty)
    let bare = DriftReport(
      profiles: ["a", "b"].map { SiteProfile(site: $0, features: []) })
    #expect(bare.findings.isEmpty)
  }

  @Test func aHospitalWithOtherBinsIsLeftOutByName() throws {
    var profiles = try Self.hospitals(planted: false, count: 3)
    let odd = try FeatureSummary.numeric(
      feature: "age", values: [50, 60, 70], cuts: [55], minimumCell: 1)
    let tiny = try FeatureSummary.numeric(
      feature: "lactate", values: [1], cuts: [0.5, 1, 1.5, 2, 2.5, 3], minimumCell: 5)
    profiles.append(SiteProfile(site: "odd", features: [odd, tiny]))
    let report = DriftReport(profiles: profiles)
    #expect(report.omitted.map(\.site) == ["odd", "odd"])
    #expect(report.distribution(site: "odd", feature: "age") == nil)
    #expect(report.distribution(site: "st-anna", feature: "age") != nil)
  }

  @Test func scoresAreComparedFromSummariesWhenThereAreAny() throws {
    let plain = try Self.hospitals(planted: false, count: 4)
    let cuts = [0.1, 0.2, 0.3, 0.4, 0.5]
    let profiles = try plain.enumerated().map { index, profile in
      var uniform = SeededUniform(seed: 900 + UInt64(index))
      let risks = (0..<300).map { _ in
        index == 2 ? 0.3 + 0.4 * uniform.next() : 0.6 * uniform.next()
      }
      return SiteProfile(
        site: profile.site, features: [],
        score: try FeatureSummary.numeric(
          feature: "score", values: risks, cuts: cuts, minimumCell: 5))
    }
    let findings = DriftReport.findings(profiles: profiles)
    #expect(findings.count == 1)
    #expect(findings.first?.subject == .score)
    #expect(findings.first?.sentence.hasPrefix("predicted risk at northfield: higher (") == true)
  }

  @Test func aChangedCategoryNamesItsLevel() throws {
    let profiles = try (0..<4).map { index in
      SiteProfile(
        site: "site-\(index)",
        features: [
          try FeatureSummary.categorical(
            feature: "ward", codes: (0..<300).map { $0 % 10 < (index == 3 ? 8 : 3) ? 1 : 0 },
            levels: ["medical", "surgical"], minimumCell: 5)
        ])
    }
    let findings = DriftReport.findings(profiles: profiles)
    #expect(findings.map(\.site) == ["site-3"])
    #expect(findings.first?.sentence == "ward at site-3: \"surgical\" in 80 % against 30 %")
  }
}

@Suite struct FlagTests {
  @Test func aFlagIsToldByTheShareOfYes() throws {
    let profiles = try (0..<4).map { index in
      SiteProfile(
        site: "site-\(index)",
        features: [
          try FeatureSummary.categorical(
            feature: "diabetes", codes: (0..<300).map { $0 % 10 < (index == 2 ? 1 : 5) ? 1 : 0 },
            levels: ["no", "yes"], minimumCell: 5)
        ])
    }
    let findings = DriftReport.findings(profiles: profiles)
    #expect(findings.map(\.sentence) == ["diabetes at site-2: yes in 10 % against 50 %"])
  }
}

@Suite struct UnitMismatchTests {
  func detect(
    _ factor: Double, offset: Double = 0, unit: String?, typical: Double, jitter: Double = 1.05
  ) -> UnitMismatch? {
    let elsewhere = FeatureSummary.Quartiles(
      lower: 0.9 * typical, median: typical, upper: 1.2 * typical)
    func moved(_ value: Double) -> Double { jitter * (factor * value + offset) }
    return UnitMismatch.detect(
      current: FeatureSummary.Quartiles(
        lower: moved(elsewhere.lower), median: moved(elsewhere.median),
        upper: moved(elsewhere.upper)),
      elsewhere: elsewhere, feature: "x", unit: unit, candidates: UnitFactor.common)
  }

  @Test func knownConversionsAreNamed() {
    #expect(detect(88.4, unit: "mg/dL", typical: 1)?.factor.recordedUnit == "umol/L")
    #expect(detect(1 / 88.4, unit: "µmol/L", typical: 90)?.factor.recordedUnit == "mg/dL")
    #expect(detect(18.016, unit: "mmol/L", typical: 6)?.factor.factor == 18.016)
    #expect(detect(9.008, unit: "mmol/L", typical: 1.5)?.factor.factor == 9.008)
    #expect(detect(38.67, unit: "mmol/L", typical: 5)?.factor.factor == 38.67)
    #expect(detect(7.50062, unit: "kPa", typical: 5)?.factor.recordedUnit == "mm[Hg]")
    #expect(
      detect(1.8, offset: 32, unit: "Cel", typical: 37, jitter: 1)?.factor.recordedUnit
        == "[degF]")
  }

  @Test func aSickerPopulationIsNoUnitMistake() {
    for ratio in [0.6, 0.8, 1, 1.2, 1.5, 1.7] {
      #expect(detect(ratio, unit: "mmol/L", typical: 2, jitter: 1) == nil)
    }
    #expect(detect(50, unit: "mg/dL", typical: 1) == nil)
    #expect(detect(88.4, unit: "mmol/L", typical: 1) == nil)
  }

  @Test func valuesThatAreNotPositiveAreNotCompared() {
    #expect(detect(88.4, unit: nil, typical: -1) == nil)
    #expect(detect(88.4, unit: nil, typical: 0) == nil)
  }
}
