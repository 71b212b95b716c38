import Cohort
import Foundation
import SiteData
import Study
import Testing

extension EndToEnd {
  /// The studies of the repository as `wardround demo` runs them: the aggregator and every hospital a
  /// process of its own. The result is compared with the pooled computation, and the report is opened
  /// in a browser.
  @Suite struct ShippedStudies {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../..").standardizedFileURL

    /// A file below `$WARDROUND_DATA`, or below `../shared/data` beside the repository; nil where it is
    /// in neither.
    static func data(_ path: String) -> URL? {
      let environment = ProcessInfo.processInfo.environment["WARDROUND_DATA"].map {
        URL(filePath: $0, directoryHint: .isDirectory)
      }
      return [environment, repository.appending(path: "../shared/data")]
        .compactMap { $0?.appending(path: path) }
        .first { FileManager.default.fileExists(atPath: $0.path) }
    }

    private static let heart = data("uci_heart/processed.va.data")?.deletingLastPathComponent()

    /// Runs `demo` in a folder of its own and hands its outcome to a body.
    func demonstrating(
      _ options: [String], _ body: (StudyOutcome, _ folder: String) async throws -> Void
    ) async throws {
      let folder = NSTemporaryDirectory() + "wardround-demo-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let demo = try await Command.run(
        ["demo", "--output", folder, "--json"] + options, within: 240,
        directory: Self.repository.path)
      #expect(demo.status == 0, "\(demo.error)")
      try await body(
        try JSONDecoder().decode(StudyOutcome.self, from: Data(demo.output.utf8)), folder)
    }

    /// The study that the processes agreed on, and the cohorts that they read.
    func agreed(
      _ outcome: StudyOutcome, in folder: String
    ) throws -> (study: AgreedStudy, cohorts: [String: CohortTable]) {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: outcome.transcript)))
      let study = try Transcript(fileBytes: bytes).agreedStudy()
      var cohorts: [String: CohortTable] = [:]
      for site in study.sites {
        let configuration = try SiteConfiguration.read(path: "\(folder)/sites/\(site)/site.yaml")
        cohorts[site] = try SiteData.load(configuration, cohort: study.plan.cohort)
      }
      return (study, cohorts)
    }

    /// The result of the processes is the pooled one bit for bit, and so are Newton's coefficients over
    /// all patients at one place and over patients dealt anew.
    private func expectPooledResult(_ outcome: StudyOutcome, in folder: String) async throws {
      let (study, cohorts) = try agreed(outcome, in: folder)
      let pooled = try await StudyProgram(
        study, over: PooledFederation(study, cohorts: cohorts)
      ).run()
      #expect(pooled.digest.hex == outcome.result)
      var plan = study.plan
      plan.models = Array(plan.models.prefix(1))
      plan.validation.disclosures = []
      let everybody = AgreedStudy(plan: plan, sites: ["everybody"], disclosures: [])
      let together = try await StudyProgram(
        everybody,
        over: PooledFederation(
          everybody,
          cohorts: ["everybody": try CohortTable.pooling(study.sites.compactMap { cohorts[$0] })])
      ).run()
      #expect(
        together.models[0].coefficients.map(\.bitPattern)
          == pooled.models[0].coefficients.map(\.bitPattern))
    }

    /// The report has the named figures and tables, and the browser has nothing to complain about.
    private func expectReadableReport(_ outcome: StudyOutcome) async throws {
      guard Browser.path != nil else { return }
      let (document, console) = try await Browser.open(outcome.report)
      #expect(!console.contains("CONSOLE"), "\(console.suffix(500))")
      for caption in [
        "Characteristics of the patients by hospital", "How well the model ranks patients",
        "ROC and calibration of every hospital", "AUROC of every model at every hospital",
        "The strongest odds ratios of the primary model", "Coefficients of the primary model",
        "Which features are distributed differently, and where",
        "What left the hospitals, in the order it happened",
      ] {
        let isThere = document.contains(caption)
        #expect(isThere, "no figure or table `\(caption)`")
      }
      // Every figure holds a drawing.
      for figure in document.components(separatedBy: "<figure id=\"figure-").dropFirst() {
        let hasDrawing = figure.components(separatedBy: "</figure>")[0].contains("<svg")
        #expect(hasDrawing, "figure \(figure.prefix(80))")
      }
      let missing = outcome.sites.map(\.site).filter { !document.contains($0) }
      let hasNaN = document.contains("NaN")
      #expect(missing.isEmpty && !hasNaN)
    }

    /// Five synthetic hospitals; what was planted in them is found, by name and first.
    @Test func demo() async throws {
      try await demonstrating(["--share", "0.34"]) { outcome, folder in
        #expect(
          outcome.sites.map(\.site)
            == ["hillcrest", "lakeside", "northfield", "riverside", "st-anna"])
        #expect(outcome.sites.allSatisfy { ($0.auroc ?? 0) > 0.6 })
        for (finding, words) in zip(
          outcome.findings,
          [["creatinine", "northfield"], ["age", "hillcrest"], ["lactate", "riverside"]])
        {
          for word in words { #expect(finding.contains(word), "\(finding)") }
        }
        #expect(outcome.findings.count >= 3)
        try await expectPooledResult(outcome, in: folder)
        try await expectReadableReport(outcome)
        let replay = try await Command.run(["study", "replay", outcome.transcript])
        #expect(replay.status == 0 && replay.output.contains("bit-identical"), "\(replay)")
      }
    }

    /// The four hospitals of the UCI heart disease data.
    @Test(.enabled(if: heart != nil, "the UCI heart disease data is not there"))
    func heartDisease() async throws {
      let data = try #require(Self.heart)
      try await demonstrating([
        "--study", Self.repository.appending(path: "studies/heart-disease").path, "--data",
        data.path,
      ]) { outcome, folder in
        #expect(outcome.sites.map(\.site) == ["cleveland", "hungarian", "switzerland", "va"])
        // One outcome class at switzerland: no AUROC, and no error.
        #expect(outcome.sites.map { $0.auroc == nil } == [false, false, true, false])
        try await expectPooledResult(outcome, in: folder)
        try await expectReadableReport(outcome)
      }
    }
  }
}
