import Cohort
import Foundation
import Reports
import Testing
import Transport

extension EndToEnd {
  /// Commands over a finished study, and their exit codes.
  @Suite struct Commands {
    /// The command's risks are the library's for missing and unseen values, and known ones.
    @Test func predict() async throws {
      try await TestNetwork.running { network in
        try await network.startAll()
        _ = try await network.propose()
        let finished = try await network.finishing()
        let csv = "\(network.folder)/new.csv"
        try Data(
          """
          patient,age,lactate,ward,diabetes
          "a, b",60,2.5,medicine,1
          c,secret,NA,,NA
          d,81,0.9,maternity,0
          e,NA,99,surgery,perhaps

          """.utf8
        ).write(to: URL(fileURLWithPath: csv))
        let model = "\(finished.folder)/model.json"
        let predicted = try await Command.run([
          "model", "predict", model, csv, "--identifier", "patient",
        ])
        #expect(predicted.status == 0, "\(predicted.error)")

        let file = try ModelFile(decoding: Data(contentsOf: URL(fileURLWithPath: model)))
        let table = try CohortTable(
          features: file.features,
          columns: [
            .number([60, .nan, 81, .nan]), .number([2.5, .nan, 0.9, .nan]),
            .category(
              [0, CohortTable.Column.missingCode, 1, 2],
              levels: ["medicine", "maternity", "surgery"]),
            .flag([1, .nan, 0, .nan]),
          ], outcome: [0, 0, 0, 0], isHoldout: [false, false, false, false])
        let risks = try file.predict(table: table)
        let lines = predicted.output.split(separator: "\n").map(String.init)
        try #require(lines.count == 5, "\(predicted.output)")
        #expect(lines[0] == "patient,risk,flagged")
        for (line, (name, risk)) in zip(
          lines.dropFirst(), zip(["\"a, b\"", "c", "d", "e"], risks))
        {
          #expect(line == "\(name),\(risk),\(risk >= file.threshold ? 1 : 0)")
        }
        let transform = try TransformFile(
          decoding: Data(contentsOf: URL(fileURLWithPath: "\(finished.folder)/transform.json")))
        #expect(transform.preparation.transform == file.transform)
        #expect(
          predicted.error == """
            note: transform \(transform.digest)
            note: column `age`: 1 cell is not a number and counts as missing: row 2
            note: column `lactate`: 1 cell is outside the study's range and counts as missing: row 4
            note: column `ward`: 1 cell is in no category that the model knows and counts as another category: row 3
            note: column `diabetes`: 1 cell is neither yes nor no and counts as missing: row 4

            """)
        let missing = try await Command.run(["model", "predict", model, "\(csv).absent"])
        #expect(missing.status == 2, "\(missing.error)")
      }
    }

    @Test func exitCodes() async throws {
      try await TestNetwork.running { network in
        let site = network.site("alder")
        let researcher = network.researcher
        let study = "\(network.folder)/study.yaml"
        try Data(TestStudy.text.utf8).write(to: URL(fileURLWithPath: study))
        let wrong = "\(network.folder)/wrong.yaml"
        try Data(
          TestStudy.text.replacing("holdout:", with: "houldout:").utf8
        ).write(to: URL(fileURLWithPath: wrong))
        let damaged = "\(network.folder)/damaged.transcript"
        try Data("not a transcript".utf8).write(to: URL(fileURLWithPath: damaged))
        for (arguments, status, words) in [
          (["study", "submit", study, "--directory", researcher], 69, "not reachable"),
          (["study", "submit", wrong, "--directory", researcher], 2, "holdout"),
          (["study", "submit", study, "--directory", site], 2, "not to a researcher"),
          (["site", "approve", "unknown", "--directory", site], 2, "no study `unknown`"),
          (["site", "check", "--directory", "\(site)-absent"], 2, "site.yaml"),
          (["study", "replay", damaged], 2, "not a whole transcript"),
          (["study", "replay", site], 2, "`\(site)` is a folder, and a file is needed\n"),
          (["study", "replay", "/dev/zero"], 2, "`/dev/zero` is a device, and a file is needed\n"),
          (["study", "replay", "\(site)/none"], 2, "cannot be read: No such file or directory"),
          (["study", "wach"], 64, "wach"),
        ] as [([String], Int32, String)] {
          let outcome = try await Command.run(arguments)
          #expect(outcome.status == status, "\(arguments) \(outcome)")
          #expect(outcome.error.contains(words), "\(arguments) \(outcome)")
        }
        try await network.startAggregator()
        for (arguments, words) in [
          (["study", "fetch", "unknown", "--to", "\(network.folder)/x"], "unknown"),
          (["study", "watch", "unknown"], "unknown"),
        ] {
          let outcome = try await Command.run(arguments + ["--directory", researcher])
          #expect(outcome.status == 2, "\(arguments) \(outcome)")
          #expect(outcome.error.contains(words), "\(arguments) \(outcome)")
        }
      }
    }

    /// A study with an open question is stopped by `study submit`, and by the aggregator itself where another
    /// client sends it.
    @Test func unansweredQuestionsAreRefused() async throws {
      let text = TestStudy.text.replacing(
        "user: ward doctor", with: "user: To be answered before this is submitted.")
      #expect(text != TestStudy.text)
      try await TestNetwork.running { network in
        try await network.startAggregator()
        let file = "\(network.folder)/open.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        let submit = try await Command.run([
          "study", "submit", file, "--directory", network.researcher,
        ])
        #expect(submit.status == 2, "\(submit)")
        #expect(submit.error.contains("nobody has answered `task.user`"), "\(submit)")
        let refusal = await #expect(throws: TransportError.self) { try await network.propose(text) }
        #expect(refusal?.code == .refused)
        #expect(refusal?.detail.contains("nobody has answered `task.user`") == true)
        let list = try await Command.run(["study", "list", "--directory", network.researcher])
        #expect(list.status == 0 && !list.output.contains(TestStudy.id), "\(list)")
        // The same study with its answer is taken.
        #expect(try await network.propose() == TestStudy.id)
      }
    }

    /// A demonstration goes on with an open question, and says so.
    @Test func demoWarnsOfUnansweredQuestions() async throws {
      let folder = NSTemporaryDirectory() + "wardround-demo-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let text = TestStudy.text.replacing(
        "oversight: monthly review", with: "oversight: to be answered before this is submitted")
      #expect(text != TestStudy.text)
      let demo = try await run(text, in: folder)
      #expect(demo.status == 0, "\(demo.error)")
      #expect(demo.error.contains("warning: nobody has answered `task.oversight`"), "\(demo.error)")
      let outcome = try JSONDecoder().decode(StudyOutcome.self, from: Data(demo.output.utf8))
      let report = try String(contentsOfFile: outcome.report, encoding: .utf8)
      #expect(report.contains("not answered, a demonstration"))
    }

    /// Runs `demo` with a study and data of one's own in a folder.
    private func demonstrate(in folder: String) async throws -> StudyOutcome {
      let demo = try await run(TestStudy.text, in: folder)
      #expect(demo.status == 0, "\(demo.error)")
      return try JSONDecoder().decode(StudyOutcome.self, from: Data(demo.output.utf8))
    }

    /// Runs `demo --json` with the text of a study and made data.
    private func run(_ study: String, in folder: String) async throws -> Command.Outcome {
      let data = "\(folder)/data"
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
      try Data(study.utf8).write(to: URL(fileURLWithPath: "\(folder)/study.yaml"))
      for (number, name) in TestNetwork.sites.enumerated() {
        let text = TestStudy.patients(seed: UInt64(number) + 1).replacing("NA", with: "")
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(data)/\(name).csv"))
      }
      return try await Command.run(
        [
          "demo", "--study", folder, "--data", data, "--output", "\(folder)/run", "--json",
        ], within: 120)
    }

    /// `demo` ends with one JSON object, and with the files that it names.
    @Test func demo() async throws {
      let folder = NSTemporaryDirectory() + "wardround-demo-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let outcome = try await demonstrate(in: folder)
      #expect(outcome.sites.map(\.site) == TestNetwork.sites)
      #expect(outcome.sites.allSatisfy { ($0.auroc ?? 0) > 0.5 })
      for path in [outcome.report, outcome.reportJSON, outcome.model, outcome.transcript] {
        #expect(FileManager.default.fileExists(atPath: path), "\(path)")
      }
      // The same patients at the same hospitals, in the same study: the same result, bit for bit.
      #expect(outcome.result == (try await EndToEnd.undisturbed.value).digest)
    }
  }
}
