import Cohort
import Cryptography
import Foundation
import Reports
import Simulation
import SiteData
import Study
import Synchronization
import TestSupport
import Testing

@testable import Site

/// Studies that start from records, with the real protocol code of every party.
@Suite struct RecordsSimulationTests {
  /// A folder per site with its own records; the caller removes it.
  private func folder(_ change: (String, inout String) -> Void = { _, _ in }) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "records-\(UUID().uuidString)"
    ).path
    for site in SyntheticRecords.sites {
      let own = "\(folder)/\(site)"
      try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
      var files = SyntheticRecords.files(site: site)
      change(site, &files.records)
      let texts = [
        ("facts.csv", files.facts), ("records.csv", files.records),
        ("records.yaml", SyntheticRecords.description),
      ]
      for (name, text) in texts {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(own)/\(name)"))
      }
    }
    return folder
  }

  private func simulation(_ folder: String) throws -> Simulation {
    var loaders: [String: @Sendable (StudyPlan) async throws -> CohortTable] = [:]
    for site in SyntheticRecords.sites {
      let records = try RecordsDescription.read(path: "\(folder)/\(site)/records.yaml")
      loaders[site] = { plan in
        guard let recipe = plan.records else { throw StudyError(.invalidPlan, "no records") }
        return try SiteData.load(records, cohort: plan.cohort, recipe: recipe)
      }
    }
    return try Simulation(
      sites: loaders, folder: "\(folder)/run",
      policy: SitePolicy(minimumCohort: 1, minimumCell: 5, autoApprove: true))
  }

  /// The federated model over three hospitals' records is the pooled one of all records together, bit
  /// for bit; the flow is their sum; the report and the replay have both.
  @Test func aStudyFromRecordsIsThePooledOne() async throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let yaml = SyntheticRecords.study()
    let plan = try StudyPlan(yaml: yaml, file: "study.yaml")
    let recipe = try #require(plan.records)
    let outcome = try await simulation(folder).run(yaml)

    var cohorts: [String: CohortTable] = [:]
    for site in SyntheticRecords.sites {
      cohorts[site] = try SiteData.load(
        RecordsDescription.read(path: "\(folder)/\(site)/records.yaml"), cohort: plan.cohort,
        recipe: recipe)
    }
    let pooled = try CohortTable.pooling(cohorts.keys.sorted().compactMap { cohorts[$0] })
    let flow = try #require(outcome.result.flow)
    #expect(flow.steps.map(\.name) == plan.flowSteps)
    let isOpen = flow.steps.allSatisfy { [0, cohorts.count].contains($0.sites.count) }
    for (step, facts) in flow.steps.enumerated() {
      // A total beside one or two that are held back would tell what these have.
      let total = cohorts.values.reduce(0) { $0 + $1.flow[step].remainingCount }
      #expect(
        isOpen || facts.sites.count == cohorts.count ? facts.total == total : facts.total == nil)
      for (site, count) in facts.sites {
        #expect(count == cohorts[site]?.flow[step].remainingCount)
      }
    }
    #expect(flow.steps.last?.total == pooled.rowCount)
    let totals = flow.steps.dropFirst().compactMap(\.total)
    #expect(totals.count > 1 && totals.first ?? 0 > totals.last ?? 0)
    #expect(Set(flow.fingerprints.keys) == Set(SyntheticRecords.sites))
    #expect(Set(flow.fingerprints.values).count == 3)

    let everybody = AgreedStudy(plan: plan, sites: ["all"], disclosures: [])
    let together = pooled.with(
      flow: (0..<plan.flowSteps.count).map { _ in
        .init(reason: "", excludedCount: 0, remainingCount: 0, excludedPatientCount: 0)
      })
    let oracle = try await StudyProgram(
      everybody, over: PooledFederation(everybody, cohorts: ["all": together])
    ).run()
    #expect(
      outcome.result.models[0].coefficients.map(\.bitPattern)
        == oracle.models[0].coefficients.map(\.bitPattern))
    #expect(outcome.result.transform == oracle.transform)

    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.digest == outcome.transcript.result)
    #expect(replayed.flow?.fingerprints == flow.fingerprints)
    let report = try String(contentsOfFile: "\(outcome.folder)/report.html", encoding: .utf8)
    #expect(report.contains("From the hospitals’ records to the rows of the study"))
    #expect(report.contains("with: adults"))
  }

  /// What every hospital's records are like stands in the report under its name: the units it uses, the one
  /// it mistook, codes that the study does not know, and what is missing by outcome.
  @Test func theReportSaysHowEveryHospitalRecords() async throws {
    let folder = try folder { site, records in
      let lines = records.split(separator: "\n", omittingEmptySubsequences: true).dropFirst()
      let changed = lines.map { line -> String in
        var fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        // Named, and converted, in the north; not named, and wrong, in the west.
        var unit = ""
        if fields[2] == "lact", site != "east", let value = Double(fields[3]) {
          fields[3] = "\(value * 88.402)"
          unit = site == "north" ? "umol/L" : ""
        }
        if fields[2] == "pulse", site == "east", (Int(fields[0]) ?? 0) % 3 == 0 {
          fields[2] = "heartbeats"
        }
        return (fields + [unit]).joined(separator: ",")
      }
      records = (["id,t,what,value,unit"] + changed).joined(separator: "\n") + "\n"
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for site in SyntheticRecords.sites {
      let description = SyntheticRecords.description.replacing(
        "value: value}", with: "value: value, unit: unit}")
      try Data(description.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(site)/records.yaml"))
    }
    let yaml = SyntheticRecords.study().replacing(
      "{name: lactate, codes: [lact], unit: mmol/L, range: [0, 50]}",
      with: "{name: lactate, clinical: crea, codes: [lact]}")
    let outcome = try await simulation(folder).run(yaml)
    let found = try #require(outcome.result.harmonisation)
    let position = try #require(found.variables.firstIndex { $0.name == "lactate" })
    #expect(found.variables[position].unit == "mg/dL")
    let own = found.sites.mapValues { $0.variables[position] }
    #expect(own["north"]?.units.map(\.word) == ["umol/L"])
    #expect(own["north"]?.parts[2] == own["north"]?.recordCount)
    #expect(own["west"]?.units.map(\.word) == [""] && own["west"]?.parts[2] == 0)
    let mistake = try #require(own["west"]?.mistakes.first)
    #expect(mistake.declaredUnit == "mg/dL" && mistake.likelyUnit == "umol/L")
    #expect(mistake.percent == 100 && own["west"]?.mistakes.count == 1)
    #expect(own["north"]?.mistakes.isEmpty == true && own["east"]?.mistakes.isEmpty == true)
    #expect((found.sites["east"]?.unmappedCount ?? 0) > 100)
    #expect(found.sites["west"]?.unmappedCount == 0)
    for (_, answer) in found.sites {
      #expect(answer.missing.count == outcome.result.features.count)
      #expect((answer.rows.with ?? 0) >= 5)
    }
    let report = try String(contentsOfFile: "\(outcome.folder)/report.html", encoding: .utf8)
    #expect(report.contains("look recorded in umol/L"))
    #expect(report.contains("How the hospitals record what the study reads"))
    #expect(report.contains("What is missing, with and without the outcome"))
    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.harmonisation?.sites == found.sites)
  }

  /// The fingerprint is of the data: one changed record at one site changes that site's alone.
  @Test func fingerprintsNameTheSiteWhoseDataChanged() async throws {
    var entropy = SystemEntropy()
    let key = try Cryptography.SigningKey(from: &entropy)
    var prints: [[String: String]] = []
    for isChanged in [false, true] {
      let folder = try folder { site, records in
        if isChanged, site == "north" {
          records = records.replacing(",lact,1.0\n", with: ",lact,9.0\n")
        }
      }
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let plan = try StudyPlan(yaml: SyntheticRecords.study(), file: "study.yaml")
      let recipe = try #require(plan.records)
      var own: [String: String] = [:]
      for site in SyntheticRecords.sites {
        let table = try SiteData.load(
          RecordsDescription.read(path: "\(folder)/\(site)/records.yaml"), cohort: plan.cohort,
          recipe: recipe)
        var answers = LocalAnswers(
          site: site, plan: plan, cohort: table,
          noiseKey: SiteNoise.key(key, plan: plan, fingerprint: table.fingerprint))
        guard
          case .cohortFlow(let flow) = try answers.answer(
            SiteQuery.cohortFlow(stepCount: plan.flowSteps.count, minimumCell: 5))
        else { continue }
        own[site] = "\(flow.data)"
      }
      prints.append(own)
    }
    #expect(prints[0]["east"] == prints[1]["east"] && prints[0]["west"] == prints[1]["west"])
    #expect(prints[0]["north"] != prints[1]["north"])
  }

  /// Records that cannot be read stop the site with a constant text: the file's name and the line stay
  /// in its own log.
  @Test func whatIsWrongWithTheRecordsStaysAtTheSite() async throws {
    let folder = try folder { site, records in
      if site == "west" { records += "secret-patient,2020-01-01T00:00:00,lact,1,surplus\n" }
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    do {
      _ = try await simulation(folder).run(
        SyntheticRecords.study("deadlines: {presence_seconds: 2, answer_seconds: 2}\n"))
      Issue.record("a study of two hospitals has no sum")
    } catch let error as StudyError {
      #expect(!error.message.contains("secret") && !error.message.contains("records.csv"))
    }
  }
}
