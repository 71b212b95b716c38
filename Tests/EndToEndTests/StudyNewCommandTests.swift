import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// `study new` as a researcher types it, without a terminal.
  @Suite struct StudyNewCommands {
    private let folder = NSTemporaryDirectory() + "wardround-new-\(UUID().uuidString.prefix(8))"

    private func write(_ text: String, _ name: String) throws -> String {
      let path = "\(folder)/\(name)"
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return path
    }

    /// A table becomes a study that runs: kinds, units and recording steps are those of its columns, no
    /// value of a patient is in the file, and identifiers and dates are no features.
    @Test func aStudyOverTheColumnsOfATableRuns() async throws {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      func table(_ site: Int) -> String {
        var text = "patient_id,admitted,age,crea,ward,smoker,note,died\n"
        for row in 0..<90 {
          let sick = (row * 37 + site * 11) % 90
          text += "secret-\(site)-\(row),2024-03-\(10 + row % 18),\(40 + row % 50),"
          text += "\(Double(6 + sick) / 10),\(row % 3 == 0 ? "surgery" : "medicine"),"
          text += "\(row % 2 == 0 ? "yes" : "no"),text \(row),\(sick > 60 ? 1 : 0)\n"
        }
        return text
      }
      for site in 1...3 { _ = try write(table(site), "data/site\(site).csv") }
      let made = try await Command.run([
        "study", "new", "--data", "\(folder)/data/site1.csv", "--study", "my-study", "--title",
        "Death: in \"hospital\"", "--outcome", "died", "--out", "\(folder)/study",
      ])
      try #require(made.status == 0, "\(made.error)")
      let text = try String(contentsOfFile: "\(folder)/study/study.yaml", encoding: .utf8)
      #expect(!text.contains("secret") && !text.contains("surgery") && !text.contains("2024-"))
      #expect(text.contains("  patient: patient_id\n"), "\(text)")
      #expect(text.contains("{name: age, type: number, unit: a"), "\(text)")
      #expect(
        text.contains(
          "{name: crea, type: number, unit: \"mg/dL\", range: [0.0, 66.0], resolution: 0.1}"))
      #expect(
        text.contains("{name: smoker, type: flag}") && text.contains("{name: ward, type: category}")
      )
      #expect(text.contains("# admitted: a date") && text.contains("# note: free text"))
      let again = try await Command.run([
        "study", "new", "--data", "\(folder)/data/site1.csv", "--study", "my-study", "--outcome",
        "died", "--out", "\(folder)/study",
      ])
      #expect(again.status != 0 && again.error.contains("is there already"))

      // Nobody has answered what the model is for: a simulation says so, a network is not asked.
      let submitted = try await Command.run([
        "study", "submit", "\(folder)/study/study.yaml", "--directory", "\(folder)/nobody",
      ])
      #expect(submitted.status != 0)
      #expect(submitted.error.contains("`task.user`, `task.decision`"), "\(submitted.error)")
      let positive = try await Command.run([
        "study", "new", "--data", "\(folder)/data/site1.csv", "--study", "x", "--outcome", "ward",
        "--positive", "surgery", "--positive", "hospice", "--out", "\(folder)/x",
      ])
      #expect(positive.status != 0 && positive.error.contains("no row of `ward` has `hospice`"))

      let run = try await Command.run(
        [
          "study", "simulate", "--study", "\(folder)/study", "--data", "\(folder)/data",
          "--output", "\(folder)/out",
        ], within: 120)
      #expect(run.status == 0, "\(run.error)")
      #expect(run.output.contains("3 hospitals, 270 patients"), "\(run.output)")
      #expect(run.error.contains("warning: nobody has answered `task.user`"), "\(run.error)")

      // A hospital that cannot take part says why to whoever simulates it, with its name.
      _ = try write(table(2).replacing(",", with: ";"), "data/site2.csv")
      let stopped = try await Command.run(
        [
          "study", "simulate", "--study", "\(folder)/study", "--data", "\(folder)/data",
          "--output", "\(folder)/stopped",
        ], within: 120)
      #expect(stopped.status != 0)
      #expect(
        stopped.error.contains("site2: ") && stopped.error.contains("data.yaml"), "\(stopped.error)"
      )
    }

    /// A template says what a site's records lack; nothing is asked where there is no terminal.
    @Test func templatesNameWhatASiteLacks() async throws {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      _ = try write(
        "id,t,what,value\n1,2020-01-01T00:00:00,icu,\n1,2020-01-01T01:00:00,hr,80\n",
        "r/records.csv")
      let records = try write(
        """
        sources:
          - {form: long, file: records.csv, subject: id, time: t, code: what, value: value}

        """, "r/records.yaml")
      let made = try await Command.run([
        "study", "new", "--template", "icu-mortality-24h", "--study", "icu", "--records", records,
        "--out", "\(folder)/icu",
      ])
      try #require(made.status == 0, "\(made.error)")
      #expect(made.error.contains("this site has none of: birth, death, sex, sbp"), "\(made.error)")
      let text = try String(contentsOfFile: "\(folder)/icu/study.yaml", encoding: .utf8)
      #expect(text.contains("- {name: sbp, clinical: sbp}  # none at the site"))
      #expect(text.contains("- {name: hr, clinical: hr}\n"))

      let list = try await Command.run(["study", "new", "--template", "list"])
      #expect(list.output.split(separator: "\n").count == 5 && list.status == 0)
      for (arguments, expected) in [
        (["--template", "stroke", "--study", "x"], "no template `stroke`"),
        (["--study", "x"], "--template or --data is not given"),
        (["--template", "sepsis-6h"], "--study is not given"),
        (["--template", "sepsis-6h", "--study", "Not A Name"], "lower-case"),
        (["--folder", "x"], "add --records"),
        (["--template", "sepsis-6h", "--study", "x", "--outcome", "y"], "--outcome is for"),
      ] {
        let refused = try await Command.run(["study", "new"] + arguments)
        #expect(refused.status != 0 && refused.error.contains(expected), "\(refused.error)")
      }
    }

    /// Alarms against labels by patient and time; what has no partner is counted, and files of other patients
    /// are refused.
    @Test func utilityOfAlarms() async throws {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let labels = [0, 0, 0, 0, 1, 1]
      let alarms = [0, 0, 1, 1, 1, 1]
      var truth = "subject,index_time,sepsis_label\n"
      var predictions = "subject,index_time,risk,flagged\n"
      for hour in labels.indices {
        truth += "p,\(hour),\(labels[hour])\n"
        predictions += "p,\(hour),\(alarms[hour] == 1 ? 0.4 : 0.1),\(alarms[hour])\n"
      }
      let paths = try (write(predictions, "predictions.csv"), write(truth, "truth.csv"))
      for more in [[], ["--threshold", "0.3"]] {
        let result = try await Command.run(
          ["model", "utility", paths.0, "--labels", paths.1, "--json"] + more)
        struct Printed: Decodable { var observed: Double; var patients: Int }
        let printed = try JSONDecoder().decode(Printed.self, from: Data(result.output.utf8))
        #expect(abs(printed.observed - 3.388_888_888_888_889) < 1e-9 && printed.patients == 1)
      }
      let other = try write(truth + "q,0,0\n", "other.csv")
      let counted = try await Command.run(["model", "utility", paths.0, "--labels", other])
      #expect(counted.status == 0 && counted.output.contains("1 with a label and no prediction"))
      for (text, expected) in [
        ("subject,index_time,sepsis_label\nq,0,0\n", "from the same records"),
        ("subject,index_time,sepsis_label\np,0,0\np,0,1\n", "two labels of one time"),
        ("subject,index_time,sepsis\np,0,0\n", "it has subject, index_time, sepsis"),
      ] {
        let wrong = try write(text, "wrong.csv")
        let refused = try await Command.run(["model", "utility", paths.0, "--labels", wrong])
        #expect(refused.status != 0 && refused.error.contains(expected), "\(refused.error)")
      }
    }
  }
}
