import Cohort
import Foundation
import PortableNumerics
import Reports
import Simulation
import Site
import SiteData
import Study
import Testing

/// One fault planted at each of four hospitals is found and named there, and nowhere else.
@Suite struct PlantedFaultsTests {
  private static let sites = ["duplicates", "impossible", "leak", "units"]

  private static let study = """
    study: planted-faults
    title: Planted faults
    task: {user: u, decision: d, action: a, harm_of_false_positive: fp, harm_of_false_negative: fn,
      responsible_role: r}
    records:
      variables:
        - {name: stay, type: occurrence}
        - {name: death, type: occurrence}
        - {name: glucose, clinical: glu, codes: [glu]}
        - {name: pulse, unit: /min, range: [0, 300]}
        - {name: score, range: [0, 1000]}
      subject: {death: death}
      index: {event: stay}
      predict: {after: 24 h}
      outcome: {name: died, event: death, within: 60 d}
      features:
        - {variable: glucose, window: since index, functions: mean, name: glucose}
        - {variable: pulse, window: since index, functions: max, name: pulse}
        - {variable: score, window: since index, functions: last, name: score}
    holdout: {fraction: 0.3}
    models: [{name: newton, training: newton, ridge: 1}]
    privacy: {minimum_cell: 5}
    """

  /// Records of one hospital: a stay, six glucoses and pulses and one score each.
  private func records(_ site: String) -> String {
    var generator = SplitMix64(seed: UInt64(3 + site.count))
    var text = "id,t,what,value,unit\n"
    for patient in 0..<240 {
      let sick = generator.uniformDouble()
      let dies = generator.uniformDouble() < 0.6 * sick
      let day = 1 + generator.uniformInteger(below: 27)
      var own: [String] = ["2020-02-\(day < 10 ? "0" : "")\(day)T00:00:00,stay,,"]
      func add(_ hour: Int, _ what: String, _ value: Double, _ unit: String) {
        let rounded = (value * 10).rounded() / 10
        own.append(
          "2020-02-\(day < 10 ? "0" : "")\(day)T\(hour < 10 ? "0" : "")\(hour):00:00,\(what),\(rounded),\(unit)"
        )
      }
      for hour in 1...6 {
        let glucose = 90 + 80 * sick * generator.uniformDouble()
        add(hour, "glu", site == "units" ? glucose / 18 : glucose, "mg/dL")
        let isAbsurd = site == "impossible" && generator.uniformDouble() < 0.2
        add(hour, "pulse", isAbsurd ? 999 : 60 + 60 * sick * generator.uniformDouble(), "")
      }
      let guess = generator.uniformDouble()
      add(7, "score", site == "leak" ? (dies ? 90 : 10) + guess : 100 * guess, "")
      if dies {
        own.append("2020-03-10T00:00:00,death,,")
        // Measured a week after the death.
        if site == "impossible" { own.append("2020-03-17T00:00:00,pulse,80,") }
      }
      text += own.map { "\(site)-\(patient),\($0)\n" }.joined()
      if site == "duplicates", patient < 6 {
        text += own.map { "again-\(patient),\($0)\n" }.joined()
      }
    }
    return text
  }

  private func write(_ site: String, _ folder: String) throws -> RecordsDescription {
    let own = "\(folder)/\(site)"
    try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    try Data(records(site).utf8).write(to: URL(fileURLWithPath: "\(own)/r.csv"))
    let mapping =
      "{form: long, file: r.csv, subject: id, time: t, code: what, value: value, unit: unit}"
    try Data("sources: [\(mapping)]\n".utf8).write(
      to: URL(fileURLWithPath: "\(own)/records.yaml"))
    return try RecordsDescription.read(path: "\(own)/records.yaml")
  }

  @Test func eachIsNamedAtItsHospitalAndNowhereElse() async throws {
    let folder = NSTemporaryDirectory() + "faults-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plan = try StudyPlan(yaml: Self.study, file: "study.yaml")
    let recipe = try #require(plan.records)
    var loaders: [String: @Sendable (StudyPlan) async throws -> CohortTable] = [:]
    for site in Self.sites {
      let records = try write(site, folder)
      // What `site check --study` prints at this hospital.
      let survey = try RecordsSurvey.text(recipe, records)
      let extraction = try FeatureExtraction(recipe, records)
      func pulses() -> (hard: Int, impossible: Int) {
        let tally = extraction.table.tallies.first { $0.variable == "pulse" }?.tally
        return (tally?.hardRangeCount ?? 0, tally?.impossibleTimeCount ?? 0)
      }
      #expect(
        survey.contains("glucose: values declared as mg/dL look recorded in mmol/L")
          == (site == "units"), "\(site): \(survey)")
      #expect(
        survey.contains("the same records under 2 identifiers: one person twice?")
          == (site == "duplicates"), "\(site): \(survey)")
      #expect(survey.contains("score alone reaches AUROC 1.0") == (site == "leak"), "\(survey)")
      #expect((pulses().hard > 200) == (site == "impossible"))
      #expect((pulses().impossible > 50) == (site == "impossible"))
      #expect(!survey.contains("again-") && !survey.contains("\(site)-1"))
      loaders[site] = { try SiteData.load(records, cohort: $0.cohort, recipe: recipe) }
    }
    // The study's report names the wrong unit and its hospital.
    let outcome = try await Simulation(
      sites: loaders, folder: "\(folder)/run",
      policy: SitePolicy(minimumCohort: 1, minimumCell: 5, autoApprove: true)
    ).run(Self.study)
    let findings = outcome.result.drift.findings.map(\.sentence)
    let units = findings.filter { $0.contains("glucose") && $0.contains("mmol/L") }
    #expect(units.count == 1 && units.allSatisfy { $0.contains("units") }, "\(findings)")
  }
}
