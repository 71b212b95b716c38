import Foundation
import PortableNumerics
import Study
import TestSupport
import Testing

extension EndToEnd {
  /// The three commands that the sepsis template names, over hourly files as the challenge has them.
  @Suite struct SepsisCommands {
    private let folder = NSTemporaryDirectory() + "wardround-sepsis-\(UUID().uuidString.prefix(8))"

    private func write(_ text: String, _ name: String) throws {
      let path = "\(folder)/\(name)"
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    /// The columns of the challenge's files.
    private static let header =
      "HR O2Sat Temp SBP MAP DBP Resp EtCO2 BaseExcess HCO3 FiO2 pH PaCO2 SaO2 AST BUN Alkalinephos Calcium"
      .appending(
        " Chloride Creatinine Bilirubin_direct Glucose Lactate Magnesium Phosphate Potassium"
      )
      .appending(
        " Bilirubin_total TroponinI Hct Hgb PTT WBC Fibrinogen Platelets Age Gender Unit1 Unit2"
      )
      .appending(" HospAdmTime ICULOS SepsisLabel").split(separator: " ").map(String.init)

    /// A hospital's patients, hour by hour; returns each one's labels.
    private func patients(_ site: String, seed: UInt64) throws -> [String: [Int]] {
      var generator = SplitMix64(seed: seed)
      var labels: [String: [Int]] = [:]
      for patient in 0..<40 {
        let onset = patient % 3 == 0 ? 6 + generator.uniformInteger(below: 8) : Int.max
        let hours = 10 + generator.uniformInteger(below: 8)
        var text = Self.header.joined(separator: "|") + "\n"
        var own: [Int] = []
        for hour in 0..<hours {
          let label = hour >= onset ? 1 : 0
          own.append(label)
          let sick = Double(label) * 15 + 6 * generator.uniformDouble()
          let rate = ((80 + sick) * 10).rounded() / 10
          let warm = ((36.5 + sick / 15) * 10).rounded() / 10
          let values = [
            "HR": "\(rate)", "Temp": "\(warm)", "Age": "60", "Gender": "\(patient % 2)",
            "ICULOS": "\(hour + 1)", "SepsisLabel": "\(label)",
          ]
          text += Self.header.map { values[$0] ?? "NaN" }.joined(separator: "|") + "\n"
        }
        let name = "\(site)\(patient)"
        labels[name] = own
        try write(text, "data/\(site)/\(name).psv")
      }
      return labels
    }

    /// The challenge's normalised utility, written from its definition: u(t) by hours to the onset.
    private func utility(_ patients: [(labels: [Int], alarms: [Bool])]) -> Double {
      func sum(_ labels: [Int], _ alarms: [Bool]) -> Double {
        let onset = labels.firstIndex(of: 1).map { Double($0 + 6) }
        var sum = 0.0
        for (hour, alarm) in alarms.enumerated() {
          guard let onset else {
            sum -= alarm ? 0.05 : 0
            continue
          }
          let before = Double(hour) - onset
          if before > 3 { continue }
          if alarm {
            sum += before <= -6 ? max((before + 12) / 6, -0.05) : (3 - before) / 9
          } else if before > -6 {
            sum -= 2 * (before + 6) / 9
          }
        }
        return sum
      }
      var (observed, best, none) = (0.0, 0.0, 0.0)
      for (labels, alarms) in patients {
        let onset = labels.firstIndex(of: 1).map { $0 + 6 }
        let ideal = labels.indices.map { hour in
          onset.map { (($0 - 12)...($0 + 3)).contains(hour) } ?? false
        }
        observed += sum(labels, alarms)
        best += sum(labels, ideal)
        none += sum(labels, labels.map { _ in false })
      }
      return (observed - none) / (best - none)
    }

    @Test func theUtilityIsThatOfTheChallengesOwnLabels() async throws {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      var labels: [String: [Int]] = [:]
      for (number, site) in ["east", "north", "south"].enumerated() {
        let own = try patients(site, seed: UInt64(11 + number))
        if site == "north" { labels = own }
      }
      try write("sources: [{form: physionet2019, file: data/north}]\n", "north.yaml")
      try write("sources: [{form: physionet2019, file: .}]\n", "study/records.yaml")
      let trees = "  - {name: boosted trees, learner: boosted_trees}\n"
      let text = StudyTemplate.sepsis.text(study: "sepsis")
      try #require(text.contains(trees))
      try write(text.replacing(trees, with: ""), "study/study.yaml")
      let run = try await Command.run(
        [
          "study", "simulate", "--study", "\(folder)/study", "--data", "\(folder)/data", "--output",
          "\(folder)/out",
        ], within: 240)
      try #require(run.status == 0, "\(run.error)")

      let records = [
        "--records", "\(folder)/study/records.yaml", "--folder", "\(folder)/data/north",
      ]
      let predicted = try await Command.run(
        ["model", "predict", "\(folder)/out/studies/sepsis/model.json"] + records)
      try #require(predicted.status == 0, "\(predicted.error)")
      try write(predicted.output, "predictions.csv")
      // A study's folder stands for its study.yaml.
      let made = try await Command.run(
        [
          "site", "features", "--for-prediction", "--recipe", "\(folder)/study", "--out",
          "\(folder)/labels.csv",
        ] + records)
      try #require(made.status == 0, "\(made.error)")

      struct Printed: Decodable {
        var patients: Int
        var hours: Int
        var withoutPrediction: Int
        var withoutLabel: Int
        var normalised: Double
      }
      func printed(_ labels: String, _ more: [String] = []) async throws -> Printed {
        let outcome = try await Command.run(
          [
            "model", "utility", "\(folder)/predictions.csv", "--labels", labels, "--threshold",
            "0.3",
            "--json",
          ] + more)
        #expect(outcome.status == 0, "\(outcome.error)")
        return try JSONDecoder().decode(Printed.self, from: Data(outcome.output.utf8))
      }
      let own = try await printed("\(folder)/labels.csv")
      var alarms: [String: [Bool]] = [:]
      for line in predicted.output.split(separator: "\n").dropFirst() {
        let fields = line.split(separator: ",")
        try #require(fields.count == 4)
        alarms[String(fields[0]), default: []].append((Double(fields[2]) ?? 0) >= 0.3)
      }
      #expect(own.patients == 40 && own.withoutPrediction == 0 && own.withoutLabel == 0)
      #expect(own.hours == labels.values.map(\.count).reduce(0, +))
      let pairs = labels.keys.sorted().map { (labels: labels[$0] ?? [], alarms: alarms[$0] ?? []) }
      #expect(pairs.allSatisfy { $0.labels.count == $0.alarms.count })
      #expect(abs(own.normalised - utility(pairs)) < 1e-9, "\(own.normalised) \(utility(pairs))")

      // The study's own outcome is the next hour's label: another number, and it is said.
      let table = try await Command.run(
        [
          "site", "features", "--recipe", "\(folder)/study/study.yaml", "--out",
          "\(folder)/next.csv",
        ]
          + records)
      try #require(table.status == 0, "\(table.error)")
      let next = try await printed("\(folder)/next.csv", ["--label", "sepsis"])
      #expect(next.withoutLabel == 40 && abs(next.normalised - own.normalised) > 1e-6)
      let said = try await Command.run([
        "model", "utility", "\(folder)/predictions.csv", "--labels", "\(folder)/next.csv",
        "--label",
        "sepsis",
      ])
      #expect(
        said.error.contains("lies after the hour") && said.output.contains("40 with a prediction"))
    }
  }
}
