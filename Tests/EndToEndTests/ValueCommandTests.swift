import Cohort
import Foundation
import Reports
import Simulation
import Study
import TestSupport
import Testing

extension EndToEnd {
  /// Studies of a number, a count and classes by command: the summary, the predictions, a patient's card.
  @Suite struct ValueCommands {
    enum Kind: String, CaseIterable, Sendable { case number, count, classes }

    private static let classes = ["home", "ward, geriatric", "died"]

    private static func study(_ kind: Kind) -> String {
      let objective: String
      let outcome: String
      switch kind {
      case .number:
        objective = "squared_error"
        outcome = "{column: stay, above: 6, name: a long stay, values: {range: [0, 20]}}"
      case .count:
        objective = "poisson"
        outcome = "{column: stay, at_least: 6, name: many days, values: {maximum: 20}}"
      case .classes:
        objective = "multiclass"
        outcome =
          "{column: stay, positive: [died], name: death, values: {classes: [home, \"ward, geriatric\", died]}}"
      }
      return SyntheticStudy.yaml(
        models: "  - {name: values, learner: boosted_trees, objective: \(objective), trees: 6,"
          + " maximum_depth: 2, early_stopping: 0}\n", name: TestStudy.id,
        outcome: outcome)
    }

    /// Patients of three hospitals; the stay rises with the age.
    private static func patients(_ kind: Kind) -> String {
      var text = "hospital,patient,age,lactate,ward,diabetes,stay\n"
      for hospital in 0..<3 {
        let lines = TestStudy.patients(count: 120, seed: UInt64(hospital) + 1)
          .replacing("NA", with: "").split(separator: "\n")
        for (index, line) in lines.enumerated().dropFirst() {
          var cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
          let stay = ((Double(cells[1]) ?? 60) - 30) / 6 + Double(index % 7) / 2
          let bounded = min(max(stay, 0), 20)
          switch kind {
          case .number: cells[5] = "\((bounded * 4).rounded() / 4)"
          case .count: cells[5] = "\(Int(bounded))"
          case .classes: cells[5] = "\"\(classes[bounded > 8 ? 2 : bounded > 5 ? 1 : 0])\""
          }
          text += "h\(hospital)," + cells.prefix(6).joined(separator: ",") + "\n"
        }
      }
      return text
    }

    @Test(arguments: Kind.allCases)
    func predictedValuesReachEverybody(kind: Kind) async throws {
      let folder = NSTemporaryDirectory() + "wardround-values-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
      }
      try write(Self.study(kind), "study.yaml")
      try write(Self.patients(kind), "all.csv")
      let run = try await Command.run(
        [
          "study", "simulate", "--study", folder, "--data", "\(folder)/all.csv", "--site-column",
          "hospital", "--output", "\(folder)/run",
        ], within: 120)
      try #require(run.status == 0, "\(run.error)")
      #expect(
        run.output.contains("values: predicted values against recorded ones"), "\(run.output)")
      #expect(run.output.contains(kind == .classes ? "Log-loss" : "RMSE"))
      #expect(run.output.contains("Deviance") == (kind == .count))

      let model = try #require(
        FileManager.default.enumerator(atPath: "\(folder)/run")?.compactMap { $0 as? String }
          .first { $0.hasSuffix("/model.json") })
      let path = "\(folder)/run/\(model)"
      let file = try AnyModelFile(decoding: Data(contentsOf: URL(filePath: path)))
      try write(
        "patient,age,lactate,ward,diabetes\na,60,2.5,medicine,1\nb,NA,,NA,\nc,81,0.9,surgery,0\n",
        "new.csv")
      let table = try CohortTable(
        features: file.features,
        columns: [
          .number([60, .nan, 81]), .number([2.5, .nan, 0.9]),
          .category(
            [0, CohortTable.Column.missingCode, 1], levels: ["medicine", "surgery"]),
          .flag([1, .nan, 0]),
        ], outcome: [0, 0, 0], isHoldout: [false, false, false])
      let risks = try file.predict(table: table)
      let values = try file.values(table: table)
      let predicted = try await Command.run([
        "model", "predict", path, "\(folder)/new.csv", "--identifier", "patient",
      ])
      #expect(predicted.status == 0, "\(predicted.error)")
      let head =
        kind == .classes
        ? "probability of home,\"probability of ward, geriatric\",probability of died" : "predicted"
      let rows = zip(["a", "b", "c"], zip(risks, values)).map { name, row in
        "\(name),\(row.0),\(row.0 >= file.threshold ? 1 : 0),"
          + row.1.map { "\($0)" }.joined(separator: ",")
      }
      #expect(
        predicted.output.split(separator: "\n").map(String.init)
          == ["patient,risk,flagged,\(head)"] + rows)
      #expect(Set(values).count == 3)

      try write(
        """
        site: h0
        legal_entity: A hospital
        aggregator: {host: 127.0.0.1, port: 1, enrolment_port: 2}
        identity: identity
        store: state
        data:
          file: new.csv
          patient_id: patient
          missing: ["", "NA"]
          columns:
            - {name: patient, type: text}
            - {name: age, type: number, unit: a}
            - {name: lactate, type: number, unit: mmol/L}
            - {name: ward, type: category, levels: [medicine, surgery]}
            - {name: diabetes, type: flag}

        """, "site.yaml")
      let card = try await Command.run([
        "site", "explain", path, "--patient", "c", "--directory", folder,
      ])
      #expect(card.status == 0, "\(card.error)")
      let expected = try PatientCard(file, table: table, row: 2)
      #expect(
        card.output.split(separator: "\n").map(String.init) == expected.text(limit: 12),
        "\(card.output)")
    }
  }
}
