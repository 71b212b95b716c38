import BoostedTrees
import Cohort
import Foundation
import Reports
import Store
import Study
import TestSupport
import Testing

extension EndToEnd {
  /// Trees of every learner over real processes, and what people do with their model files.
  @Suite struct TreeCommands {
    private static let models = [
      "  - {name: boosted, learner: boosted_trees, trees: 6, maximum_depth: 3, minimum_child_weight: 1,",
      "     increasing: [age], early_stopping: 0, minimum_child_count: 8, explanation: interventional}",
      "  - {name: forest, learner: random_forest, trees: 4, maximum_depth: 4}",
      "  - {name: shapes, learner: ebm, passes: 4, pairs: 1, minimum_child_weight: 1}",
      "  - {name: newton, training: newton, ridge: 1}",
    ].joined(separator: "\n")

    private static func study(_ models: String, epsilon: Double? = nil) -> String {
      SyntheticStudy.yaml(models: models, epsilon: epsilon, name: TestStudy.id)
    }

    /// The model files of a finished study, in its order.
    private static func files(
      _ finished: TestNetwork.Finished
    ) throws -> [(path: String, file: AnyModelFile)] {
      try finished.transcript.agreedStudy().plan.models.enumerated().map { index, model in
        let name = index == 0 ? "model.json" : ModelFile.fileName(model: model.name, index: index)
        let path = "\(finished.folder)/\(name)"
        return (path, try AnyModelFile(decoding: Data(contentsOf: URL(filePath: path))))
      }
    }

    @Test func everyLearnerByCommand() async throws {
      try await TestNetwork.running { network in
        try await network.startAll()
        _ = try await network.propose(Self.study(Self.models))
        let finished = try await network.finishing()
        // Rounds and bytes per tree are told while the study runs.
        let told = try await network.ending().events.map(\.text).filter { $0.contains("rounds (") }
        #expect(told.count == 3, "\(told)")
        #expect(told.allSatisfy { $0.contains(" a tree)") || $0.contains(" a pass)") })
        let csv = "\(network.folder)/new.csv"
        try Data(
          """
          patient,age,lactate,ward,diabetes
          a,60,2.5,medicine,1
          b,NA,,NA,
          c,81,0.9,maternity,0
          d,secret,99,surgery,perhaps
          e,17.5,0,,1

          """.utf8
        ).write(to: URL(filePath: csv))
        for (path, file) in try Self.files(finished) {
          try await expectPredictions(path, file, csv: csv)
          try await expectCard(path, network)
          try await expectExports(path, file, network)
        }
      }
    }

    /// The command's risks are the library's: missing values, words and numbers never seen.
    private func expectPredictions(
      _ path: String, _ file: AnyModelFile, csv: String
    ) async throws {
      let table = try CohortTable(
        features: file.features,
        columns: [
          .number([60, .nan, 81, .nan, .nan]), .number([2.5, .nan, 0.9, .nan, 0]),
          .category(
            [0, CohortTable.Column.missingCode, 1, 2, CohortTable.Column.missingCode],
            levels: ["medicine", "maternity", "surgery"]),
          .flag([1, .nan, 0, .nan, 1]),
        ], outcome: [0, 0, 0, 0, 0], isHoldout: [false, false, false, false, false])
      let risks = try file.predict(table: table)
      #expect(Set(risks).count > 2 && risks.allSatisfy { $0 >= 0 && $0 <= 1 })
      let predicted = try await Command.run([
        "model", "predict", path, csv, "--identifier", "patient",
      ])
      #expect(predicted.status == 0, "\(predicted.error)")
      #expect(
        predicted.output.split(separator: "\n").map(String.init)
          == ["patient,risk,flagged"]
          + zip("abcde", risks).map { "\($0),\($1),\($1 >= file.threshold ? 1 : 0)" })
      for note in [
        "column `age`: 1 cell is not a number", "column `age`: 1 cell is outside",
        "column `ward`: 1 cell is in no category",
      ] { #expect(predicted.error.contains(note), "\(predicted.error)") }
      #expect(!predicted.error.contains("secret") && !predicted.error.contains("maternity"))
    }

    /// The card of a patient: the risk that the model gives her, in clinical units, and no trace of it.
    private func expectCard(_ path: String, _ network: TestNetwork) async throws {
      let site = network.site("alder")
      func audit() async throws -> String {
        try await Command.run(["site", "audit", "--json", "--directory", site]).output
      }
      let before = try await audit()
      let predicted = try await Command.run([
        "model", "predict", path, "\(site)/patients.csv", "--identifier", "patient",
      ])
      let line = try #require(
        predicted.output.split(separator: "\n").first { $0.hasPrefix("p1-3,") })
      let risk = try #require(Double(line.split(separator: ",")[1]))
      let card = try await Command.run([
        "site", "explain", path, "--patient", "p1-3", "--directory", site,
      ])
      #expect(card.status == 0 && card.error.isEmpty, "\(card.error)")
      let shown = try #require(
        card.output.split(separator: ":").dropFirst().first?.split(separator: "%").first)
      let percent = try #require(Double(shown.trimmingCharacters(in: .whitespaces)))
      #expect(abs(percent - 100 * risk) < 0.051, "\(card.output)")
      for words in ["age: ", " a ", "ward: ", "diabetes: ", "stays at this hospital"] {
        #expect(card.output.contains(words), "\(card.output)")
      }
      #expect(try await audit() == before)
      #expect(!network.log("alder").contains("p1-3"))
      let nobody = try await Command.run([
        "site", "explain", path, "--patient", "nobody", "--directory", site,
      ])
      #expect(nobody.status != 0 && nobody.error.contains("no such patient"), "\(nobody)")
    }

    /// The command writes what the library makes, of shape functions too.
    private func expectExports(
      _ path: String, _ file: AnyModelFile, _ network: TestNetwork
    ) async throws {
      for format in ["xgboost", "onnx"] {
        let target = "\(network.folder)/exported"
        let outcome = try await Command.run([
          "model", "export", path, "--format", format, "--out", target,
        ])
        guard case .trees(let trees) = file else {
          #expect(outcome.status == (format == "onnx" ? 0 : 2), "\(outcome)")
          continue
        }
        #expect(outcome.status == 0, "\(outcome.error)")
        let ensemble =
          switch trees.content.content {
          case .ensemble(let ensemble): ensemble
          case .additive(let additive): additive.ensemble
          }
        let expected =
          format == "xgboost" ? XGBoostFile.bytes(of: ensemble) : ONNXFile.bytes(of: ensemble)
        #expect([UInt8](try Data(contentsOf: URL(filePath: target))) == expected)
      }
    }

    /// Every learner under differential privacy: planned, charged once at every hospital, replayed.
    @Test func everyLearnerWithNoise() async throws {
      struct Accounts: Decodable {
        struct Row: Decodable {
          var study: String
          var charges: Int
          var epsilon: Double
        }
        var accounts: [Row]
      }
      let models = [
        "  - {name: shapes, learner: ebm, passes: 2}",
        "  - {name: forest, learner: random_forest, trees: 10, maximum_depth: 3}",
        "  - {name: boosted, learner: boosted_trees, trees: 2, maximum_depth: 2}",
      ].joined(separator: "\n")
      let text = Self.study(models, epsilon: 6)
      let privacy = try #require(
        try PrivacyPlan(try StudyPlan(yaml: text, file: "study.yaml")))
      let planned = privacy.releases.reduce(0) { $0 + $1.count }
      try await TestNetwork.running { network in
        try await network.startAll()
        _ = try await network.propose(text)
        let finished = try await network.finishing()
        let sums = privacy.releases.filter(\.isSum).reduce(0) { $0 + $1.count }
        #expect(finished.participants.count == sums)
        for site in TestNetwork.sites {
          let printed = try await Command.run([
            "site", "ledger", "--json", "--directory", network.site(site),
          ])
          let accounts = try JSONDecoder().decode(
            Accounts.self, from: Data(printed.output.utf8))
          let account = try #require(accounts.accounts.first { $0.study == TestStudy.id })
          #expect(account.charges == planned, "\(site)\n\(network.logs)")
          #expect(account.epsilon <= 6.000_001 && account.epsilon > 5.9, "\(account.epsilon)")
        }
        for (path, file) in try Self.files(finished) {
          guard case .trees(let trees) = file else {
            Issue.record("\(path) has no trees")
            continue
          }
          #expect(trees.facts.siteCount == TestNetwork.sites.count)
          let predicted = try await Command.run([
            "model", "predict", path, "\(network.site("alder"))/patients.csv",
          ])
          #expect(predicted.status == 0 && predicted.output.split(separator: "\n").count == 151)
        }
      }
    }
  }
}
