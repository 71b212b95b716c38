import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// A study from records as hospitals and researchers type it: a network of processes, each with a
  /// folder of raw records.
  @Suite struct RecordsStudyCommands {
    private let folder = NSTemporaryDirectory() + "wardround-study-\(UUID().uuidString.prefix(8))"

    private func write(_ text: String, _ name: String) throws {
      let path = "\(folder)/\(name)"
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private struct Ending: Decodable {
      var model: String
      var folder: String { (model as NSString).deletingLastPathComponent }
      var result: String
      var sites: [Site]

      struct Site: Decodable {
        var site: String
        var patients: Int?
        var auroc: Double?
      }
    }

    @Test func processesRunAStudyFromRecords() async throws {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try write(SyntheticRecords.study(), "study/study.yaml")
      try write(SyntheticRecords.description, "study/records.yaml")
      for site in SyntheticRecords.sites {
        let files = SyntheticRecords.files(site: site)
        try write(files.facts, "data/\(site)/facts.csv")
        try write(files.records, "data/\(site)/records.csv")
      }
      let all = SyntheticRecords.files()
      try write(all.facts, "pooled/facts.csv")
      try write(all.records, "pooled/records.csv")

      let demo = try await Command.run(
        [
          "demo", "--study", "\(folder)/study", "--data", "\(folder)/data", "--output",
          "\(folder)/demo", "--json",
        ], within: 180)
      try #require(demo.status == 0, "\(demo.error)")
      let ending = try JSONDecoder().decode(Ending.self, from: Data(demo.output.utf8))
      #expect(ending.sites.map(\.site) == SyntheticRecords.sites)
      #expect(ending.sites.allSatisfy { ($0.patients ?? 0) > 150 && ($0.auroc ?? 0) > 0.6 })

      // One set of records, shared out by a label of the recipe, gives the same result.
      let simulated = try await Command.run(
        [
          "study", "simulate", "--study", "\(folder)/study", "--data", "\(folder)/pooled",
          "--site-column", "site", "--output", "\(folder)/simulation", "--json",
        ], within: 120)
      try #require(simulated.status == 0, "\(simulated.error)")
      let other = try JSONDecoder().decode(Ending.self, from: Data(simulated.output.utf8))
      #expect(other.result == ending.result)

      let site = "\(folder)/demo/sites/east"
      let check = try await Command.run(["site", "check", "-d", site, "--study", "from-records"])
      #expect(check.status == 0, "\(check.error)")
      #expect(check.output.contains("No problem found.") && check.output.contains("with: adults"))
      let review = try await Command.run(["site", "review", "from-records", "-d", site])
      #expect(review.output.contains("What is read of your records"), "\(review.output)")
      #expect(review.output.contains("predicted 24 h after it"))
      #expect(review.output.contains("patients at this site"))

      // New patients: the study file makes their table, the model file their risks.
      let features = try await Command.run([
        "site", "features", "--recipe", "\(folder)/study/study.yaml", "--records",
        "\(folder)/study/records.yaml", "--folder", "\(folder)/data/west", "--for-prediction",
        "--out", "\(folder)/new.csv", "--quiet",
      ])
      #expect(features.status == 0, "\(features.error)")
      let table = try String(contentsOfFile: "\(folder)/new.csv", encoding: .utf8)
      #expect(!table.prefix(200).contains("died"))
      let risks = try await Command.run([
        "model", "predict", ending.model, "\(folder)/new.csv", "--identifier", "subject",
      ])
      #expect(risks.status == 0, "\(risks.error)")
      #expect(
        risks.output.split(separator: "\n").count == table.split(separator: "\n").count)

      // The same rows as a grid: 24 steps each, the last one at the prediction time.
      let grid = try await Command.run([
        "site", "features", "--recipe", "\(folder)/study/study.yaml", "--records",
        "\(folder)/study/records.yaml", "--folder", "\(folder)/data/west", "--for-prediction",
        "--out", "\(folder)/grid.csv", "--grid", "1 h", "--carry", "12 h", "--quiet",
      ])
      #expect(grid.status == 0, "\(grid.error)")
      let steps = try String(contentsOfFile: "\(folder)/grid.csv", encoding: .utf8)
        .split(separator: "\n")
      let rowCount = table.split(separator: "\n").count - 1
      #expect(steps.count == 1 + 24 * rowCount)
      #expect(steps.first?.hasPrefix("subject,index_time,step,hours,age,age_observed,") == true)

      // The model file alone makes the features of new records, twice the same bytes, through the recipe
      // inside it; its transform is the study's, at the aggregator and at every site.
      func predict(_ source: [String]) async throws -> Command.Outcome {
        let risks = try await Command.run(["model", "predict", ending.model] + source)
        #expect(risks.status == 0, "\(risks.error)")
        return risks
      }
      let west = ["--records", "\(folder)/study/records.yaml", "--folder", "\(folder)/data/west"]
      let first = try await predict(west)
      let second = try await predict(west)
      #expect(first.output == second.output && first.error == second.error)
      let direct = first.output.split(separator: "\n").map {
        $0.split(separator: ",").suffix(2).map(String.init)
      }
      let byTable = risks.output.split(separator: "\n").map {
        $0.split(separator: ",").suffix(2).map(String.init)
      }
      #expect(direct == byTable && direct.count > 150)
      #expect(first.output.hasPrefix("subject,index_time,risk,flagged\n"))
      let bySite = try await predict(["--site", "\(folder)/demo/sites/west"])
      #expect(bySite.output == first.output)
      let transform = try String(
        contentsOfFile: "\(ending.folder)/transform.json", encoding: .utf8)
      #expect(
        try transform
          == String(contentsOfFile: "\(other.folder)/transform.json", encoding: .utf8))
      struct Frozen: Decodable { var digest: String }
      let digest = try JSONDecoder().decode(Frozen.self, from: Data(transform.utf8)).digest
      #expect(first.error.contains("note: transform \(digest)\n"), "\(first.error)")
      #expect(first.error.contains("note: with: adults: "), "\(first.error)")
      let audit = try await Command.run(["site", "audit", "-d", site, "--last", "3", "--full"])
      #expect(audit.output.contains(digest), "\(audit.output)")
      let twice = try await Command.run(
        ["model", "predict", ending.model, "\(folder)/new.csv"] + west)
      #expect(twice.status != 0 && twice.error.contains("name the patients once"))

      // What is wrong with records is said with its place, at the hospital.
      try write("id,t,what,value\n7,yesterday,lact,1\n", "data/east/records.csv")
      let broken = try await Command.run(["site", "check", "-d", site])
      #expect(broken.status == 1)
      #expect(broken.output.contains("records.csv, line 2, column 2"), "\(broken.output)")
      #expect(!broken.output.contains("yesterday"))
    }
  }
}
