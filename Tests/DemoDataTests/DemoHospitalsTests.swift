import Cohort
import Foundation
import SiteData
import StrictYAML
import Testing

@testable import DemoData

/// The demo's sites as loaded cohorts, generated once.
private let sites: [(site: DemoSite, table: CohortTable, report: CheckReport)] = {
  do {
    return try DemoHospitals.generate().map { site in
      let folder = FileManager.default.temporaryDirectory
        .appending(path: "wardround-demo-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      try Data(site.csv.utf8).write(to: folder.appending(path: "admissions.csv"))
      let text =
        "site: \(site.hospital.name)\naggregator: {host: localhost}\n" + site.dataSection
      let configuration = try SiteConfiguration.decode(
        text, file: "site.yaml", folder: folder.path)
      return (
        site, try SiteData.load(configuration, cohort: demoSpecification),
        try #require(SiteCheck.run(configuration))
      )
    }
  } catch {
    return []
  }
}()

private let demoSpecification: CohortSpecification = {
  func number(_ name: String, _ unit: String, _ range: ClosedRange<Double>) -> FeatureSpecification
  {
    FeatureSpecification(name, kind: .number(unit: unit, hardRange: range, resolution: nil))
  }
  return CohortSpecification(
    orderColumn: "admission_date",
    features: [
      number("age", "a", 18...120), number("heart_rate", "/min", 20...300),
      number("systolic_bp", "mm[Hg]", 30...300), number("respiratory_rate", "/min", 3...90),
      number("temperature", "Cel", 26...45), number("spo2", "%", 40...100),
      number("gcs", "{score}", 3...15), number("creatinine", "mg/dL", 0.1...66),
      number("sodium", "mmol/L", 100...190), number("haemoglobin", "g/dL", 2...25),
      number("wbc", "10*3/uL", 0.1...400), number("lactate", "mmol/L", 0.2...30),
      FeatureSpecification("sex", kind: .category(levels: ["female", "male"])),
      FeatureSpecification(
        "admission_type", kind: .category(levels: ["elective", "urgent", "emergency"])),
      FeatureSpecification(
        "department",
        kind: .category(levels: [
          "medicine", "surgery", "cardiology", "neurology", "oncology", "intensive care",
        ])),
      FeatureSpecification("diabetes", kind: .flag), FeatureSpecification("cancer", kind: .flag),
    ],
    outcome: OutcomeSpecification(
      column: "died", positive: .oneOf(["1"]), name: "death in hospital"),
    holdout: .hash(fraction: 0.3, key: "demo"))
}()

@Suite struct DemoHospitalsTests {
  private func table(_ peculiarity: DemoHospital.Peculiarity?) throws -> CohortTable {
    try #require(sites.first { $0.site.hospital.peculiarity == peculiarity }).table
  }

  private func missingShare(_ table: CohortTable, _ name: String) throws -> Double {
    let index = try #require(table.features.firstIndex { $0.name == name })
    return Double((0..<table.rowCount).count { table.columns[index].isMissing($0) })
      / Double(table.rowCount)
  }

  @Test func fiveHospitalsOfRealisticSize() throws {
    #expect(sites.count == 5)
    #expect(sites.map(\.table.rowCount) == DemoHospital.all.map(\.patientCount))
    #expect(sites.reduce(0) { $0 + $1.table.rowCount } >= 8000)
    for (site, table, _) in sites {
      #expect(site.rowCount > table.rowCount, "some patients have several rows")
      let share = Double(site.eventCount) / Double(site.rowCount)
      #expect(share > 0.08 && share < 0.13, "\(site.hospital.name): \(share)")
      #expect(table.faults.allSatisfy { $0.unreadableCount == 0 })
      #expect(table.outOfRangeCounts.reduce(0, +) > 0, "exports have slips")
      for name in ["sex", "admission_type", "department"] {
        #expect(try missingShare(table, name) == 0)
      }
    }
  }

  @Test func theSeedIsEverything() {
    let once = DemoHospitals.generate(seed: 7, share: 0.05)
    #expect(once == DemoHospitals.generate(seed: 7, share: 0.05))
    #expect(once.map(\.csv) != DemoHospitals.generate(seed: 8, share: 0.05).map(\.csv))
    // FNV-1a over the demo's bytes: a change of a generator or of a formula shows here.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for site in DemoHospitals.generate() {
      for byte in site.csv.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    #expect(hash == 11_134_722_872_319_162_898)
  }

  @Test func plantedDifferencesAreThere() throws {
    let wrongUnit = try table(.creatinineUnit)
    let creatinine = try #require(wrongUnit.features.firstIndex { $0.name == "creatinine" })
    let usual = try #require(try table(nil).faults[creatinine].recordedMedian)
    let recorded = try #require(wrongUnit.faults[creatinine].recordedMedian)
    let variable = try #require(ClinicalVariable.named("creatinine"))
    #expect(variable.judge(typical: usual, unit: "mg/dL") == .plausible)
    guard case .anotherUnit(let mistake) = variable.judge(typical: recorded, unit: "mg/dL") else {
      Issue.record("the planted unit is not noticed")
      return
    }
    #expect(mistake.recordedUnit == "umol/L")
    let rare = try missingShare(try table(.rareLactate), "lactate")
    let common = try missingShare(try table(nil), "lactate")
    #expect(rare > 0.93 && common > 0.4 && common < 0.75)
    func meanAge(_ table: CohortTable) -> Double {
      table.numbers(0).filter { !$0.isNaN }.reduce(0, +) / Double(table.rowCount)
    }
    #expect(meanAge(try table(.olderPatients)) > meanAge(try table(nil)) + 10)
  }

  /// Lactate is measured in the sicker: those measured die more often.
  @Test func missingnessIsInformative() throws {
    let table = try table(nil)
    let index = try #require(table.features.firstIndex { $0.name == "lactate" })
    let counts = table.counts(.all)
    let present = counts[3 + 2 * index]
    let presentDeaths = counts[4 + 2 * index]
    let absentDeaths = counts[1] - presentDeaths
    let absent = counts[0] - present
    #expect(Double(presentDeaths) / Double(present) > 2 * Double(absentDeaths) / Double(absent))
  }

  @Test func theCheckFindsTheUnitAndNothingWorse() throws {
    for (site, _, report) in sites {
      #expect(report.isUsable, "\(site.hospital.name)")
      let suspicious = report.problems.filter { $0.kind == "suspicious-unit" }.map(\.column)
      #expect(
        suspicious == (site.hospital.peculiarity == .creatinineUnit ? ["creatinine"] : []),
        "\(site.hospital.name)")
    }
  }

  @Test func otherUnitsConvertToTheSameDistribution() throws {
    for name in ["temperature", "haemoglobin"] {
      let index = try #require(demoSpecification.features.firstIndex { $0.name == name })
      let medians = try sites.map { try #require($0.table.faults[index].recordedMedian) }
      let low = try #require(medians.min())
      let high = try #require(medians.max())
      #expect(high / low < 1.05, "\(name)")
    }
  }

  /// Every example site decodes, and declares what the generator writes.
  @Test func exampleSitesDecode() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../sites").standardizedFileURL
    for hospital in DemoHospital.all {
      let path = root.appending(path: "\(hospital.name)/site.yaml").path
      let site = try SiteConfiguration.read(path: path)
      #expect(site.site == hospital.name && site.legalEntity == hospital.legalEntity)
      let expected = try DataDescription(
        from: try YAMLDocument(text: DataSection.yaml(hospital), file: "data").root
          .mapping(keys: ["data"]).required("data"),
        folder: root.appending(path: hospital.name).path)
      #expect(site.data == expected)
      #expect(
        FileManager.default.fileExists(
          atPath: root.appending(path: "\(hospital.name)/README.md").path))
    }
  }
}
