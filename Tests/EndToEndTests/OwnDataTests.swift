import Foundation
import Reports
import Simulation
import Study
import Testing

extension EndToEnd {
  /// Studies over a researcher's own files: names of sites, the JSON object, and what cannot be written.
  @Suite struct OwnData {
    /// A folder with the study and one file of all patients, each row with its site's word.
    private func withFile<Value: Sendable>(
      _ words: [String], _ body: @Sendable (_ folder: String, _ file: String) async throws -> Value
    ) async throws -> Value {
      let folder = NSTemporaryDirectory() + "wardround-own-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(TestStudy.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/study.yaml"))
      var text = ""
      for (number, word) in words.enumerated() {
        for (index, line) in lines(number).enumerated() where number == 0 || index > 0 {
          text += index == 0 ? "hospital,\(line)\n" : "\"\(word)\",\(line)\n"
        }
      }
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/all.csv"))
      return try await body(folder, "\(folder)/all.csv")
    }

    /// Patients whose age all but decides: small holdouts with an AUROC near 1.
    private func lines(_ number: Int) -> [String] {
      let text = TestStudy.patients(count: 90, seed: UInt64(number) + 1).replacing("NA", with: "")
      return text.split(separator: "\n").enumerated().map { index, line in
        var cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard index > 0, let age = Int(cells[1]), index % 11 != 0 else { return String(line) }
        cells[5] = age > 68 ? "1" : "0"
        return cells.joined(separator: ",")
      }
    }

    private func simulate(_ folder: String, _ arguments: [String]) async throws -> Command.Outcome {
      try await Command.run(
        ["study", "simulate", "--study", folder, "--json"] + arguments, within: 120)
    }

    /// Ordinary words of a column become names, and the JSON object has the table's intervals.
    @Test func wordsOfAColumnNameTheSites() async throws {
      try await withFile(["A/B/C", "site_1", "South Wing", "Zürich"]) { folder, file in
        let run = try await simulate(
          folder, ["--data", file, "--site-column", "hospital", "--output", "\(folder)/run"])
        try #require(run.status == 0, "\(run.error)")
        let outcome = try JSONDecoder().decode(StudyOutcome.self, from: Data(run.output.utf8))
        #expect(outcome.sites.map(\.site) == ["a-b-c", "site-1", "south-wing", "zurich"])
        #expect(outcome.sites.map(\.word) == ["A/B/C", "site_1", "South Wing", "Zürich"])
        #expect(outcome.sites.allSatisfy { $0.file == file })
        #expect(run.error.contains("site zurich is `Zürich` in column `hospital`"))

        let result = try StudyReportFile.read(outcome.reportJSON)
        let table = TextSummary.lines(
          result,
          provenance: ReportProvenance(softwareVersion: "", transcriptDigest: "", generatedAt: ""))
        let plain = result.performance.first?.sites.values.compactMap {
          $0.discrimination?.interval?.upper
        }
        #expect(plain?.contains { $0 > 1 } == true, "the data do not show the difference")
        for site in outcome.sites {
          let line = try #require(table.first { $0.hasPrefix(site.site) })
          guard let value = site.auroc, let lower = site.aurocLower, let upper = site.aurocUpper
          else { continue }
          #expect(0 <= lower && lower <= value && value <= upper && upper <= 1)
          let text = String(format: "%.3f (%.3f-%.3f)", value, lower, upper)
          #expect(line.contains(text), "\(line)")
        }
        #expect(outcome.sites.contains { $0.aurocLower != nil })

        for command in [
          ["model", "export", outcome.model, "--format", "onnx", "--out", "/proc/model"],
          ["study", "simulate", "--study", folder, "--data", file, "--site-column", "hospital"]
            + ["--output", "/proc/x"],
          ["study", "fetch", "any", "--to", "/proc/x"], ["demo", "--output", "/proc/x"],
        ] {
          let failed = try await Command.run(command, within: 60)
          #expect(failed.status == 2, "\(command) \(failed)")
          #expect(failed.error.contains("`/proc/"), "\(command) \(failed)")
          #expect(failed.error.contains("cannot be written: No such file or directory; choose"))
        }
      }
    }

    /// Two words that would give one name, and a word that gives none, are refused by their names.
    @Test(arguments: [
      (["site_1", "Site 1", "b", "c"], "`Site 1` and `site_1` both give the site name `site-1`"),
      (["a", "b", "Αθήνα"], "the value `Αθήνα` gives no site name"),
      (["a", "b", "--"], "the value `--` gives no site name"),
      (["a", "b"], "names 2 sites and a study needs at least 3"),
    ])
    func wordsThatAreNoNames(words: [String], message: String) async throws {
      try await withFile(words) { folder, file in
        let run = try await simulate(
          folder, ["--data", file, "--site-column", "hospital", "--output", "\(folder)/run"])
        #expect(run.status == 2)
        #expect(run.error.contains(message), "\(run.error)")
        #expect(run.error.contains("`hospital` of `\(file)`"), "\(run.error)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
      }
    }

    /// Files are checked before anything is started, by both commands.
    @Test(arguments: [
      (["a.csv", "b.csv", "Αθήνα.csv"], "the file `Αθήνα.csv` gives no site name"),
      (["site_a.csv", "b.csv", "x.Site-A.csv"], "`site_a.csv` and `x.Site-A.csv` both give"),
      (["a.csv", "b.csv", "split_c.csv"], "has 2 .csv or .data files"),
    ])
    func filesThatAreNoNames(files: [String], message: String) async throws {
      try await withFile(["a", "b", "c"]) { folder, _ in
        try FileManager.default.createDirectory(
          atPath: "\(folder)/data", withIntermediateDirectories: true)
        for name in files {
          try Data("patient\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/data/\(name)"))
        }
        for command in [["study", "simulate"], ["demo"]] {
          let run = try await Command.run(
            command + [
              "--study", folder, "--data", "\(folder)/data", "--output", "\(folder)/run",
            ])
          #expect(run.status == 2)
          #expect(run.error.contains(message), "\(run.error)")
          #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
        }
      }
    }

    /// A folder that is not there and one that is empty are told apart.
    @Test func missingAndEmptyFolders() async throws {
      try await withFile(["a", "b", "c"]) { folder, _ in
        let empty = "\(folder)/empty"
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
        for (data, words) in [
          ("\(folder)/none", "`\(folder)/none` cannot be read: No such file or directory"),
          (empty, "`\(empty)` has 0 .csv or .data files"),
        ] {
          let run = try await simulate(folder, ["--data", data, "--output", "\(folder)/run"])
          #expect(run.status == 2 && run.error.contains(words), "\(run.error)")
        }
      }
    }
  }
}
