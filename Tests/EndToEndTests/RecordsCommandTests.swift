import Foundation
import Testing

extension EndToEnd {
  /// `wardround site features` and `site profile` over a hospital's own records.
  @Suite struct RecordsCommands {
    private let folder = NSTemporaryDirectory() + "wardround-records-\(UUID().uuidString.prefix(8))"

    init() throws {
      let files = FileManager.default
      try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
      var text = "id,t,what,value,unit\n"
      for patient in 0..<40 {
        text += "pat-\(patient),2020-01-01,glu,\(5 + Double(patient % 7) / 3),mg/dL\n"
        text += "pat-\(patient),2020-01-02,stay,,\n"
      }
      try write(text, "records.csv")
      try write(
        """
        sources:
          - {form: long, file: records.csv, subject: id, time: t, code: what, value: value, unit: unit}
        """, "records.yaml")
      try write(
        """
        variables:
          - {name: glucose, clinical: glu, codes: [glu]}
          - {name: stay, codes: [stay]}
        index: {event: stay}
        features:
          - {variable: glucose, functions: last, name: glucose}
        """, "recipe.yaml")
    }

    private func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    private func run(_ command: String, _ more: [String] = []) async throws -> Command.Outcome {
      try await Command.run(
        [
          "site", command, "--recipe", "\(folder)/recipe.yaml", "--records",
          "\(folder)/records.yaml",
        ] + more)
    }

    /// A table replaces an older one in one step, for this account only; a folder of that name is
    /// left alone.
    @Test func featuresReplaceATableAndNothingElse() async throws {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try write("an older table", "table.csv")
      let good = try await run("features", ["--out", "\(folder)/table.csv"])
      #expect(good.status == 0, "\(good.error)")
      let table = try String(contentsOfFile: "\(folder)/table.csv", encoding: .utf8)
      #expect(table.hasPrefix("subject,index_time,glucose\n"), "\(table.prefix(80))")
      #expect(table.split(separator: "\n").count == 41)
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/table.csv")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/table.csv.part"))

      let other = "\(folder)/other"
      try FileManager.default.createDirectory(
        atPath: "\(other)/inside", withIntermediateDirectories: true)
      let refused = try await run("features", ["--out", other])
      #expect(refused.status != 0)
      #expect(refused.error.contains("cannot be replaced"), "\(refused.error)")
      #expect(FileManager.default.fileExists(atPath: "\(other)/inside"))
    }

    @Test func profileNamesTheUnitAndNobody() async throws {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let profile = try await run("profile")
      #expect(profile.status == 0, "\(profile.error)")
      #expect(profile.output.contains("80 records of 40 patients"), "\(profile.output)")
      #expect(profile.output.contains("declared as mg/dL look recorded in mmol/L"))
      #expect(!profile.output.contains("pat-"))
      let path = "\(folder)/profile.html"
      #expect(profile.output.contains("must not leave the hospital"))
      let page = try String(contentsOfFile: path, encoding: .utf8)
      #expect(page.contains("declared as mg/dL look recorded in mmol/L") && !page.contains("pat-"))
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)

      try FileManager.default.removeItem(atPath: path)
      let elsewhere = try await run("profile", ["--html", "\(folder)/other.html"])
      #expect(elsewhere.status == 0, "\(elsewhere.error)")
      #expect(FileManager.default.fileExists(atPath: "\(folder)/other.html"))
      #expect(!FileManager.default.fileExists(atPath: path))
      #expect(try await run("profile", ["--no-html"]).status == 0)
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }
}
