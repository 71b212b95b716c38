import ArgumentParser
import Foundation
import Records
import SiteData
import Study

/// `wardround study new`
struct StudyNew: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Write a commented study.yaml from a template or from a hospital's columns.",
    discussion: """
      With --template the study of a common task: \
      \(StudyTemplate.allCases.map { "\($0.rawValue) (\($0.summary))" }.joined(separator: "; ")). With \
      --data or --site alone, a study over the columns of that table. Reads the schema, never writes a \
      patient's value. On a terminal it asks for what is not given; elsewhere everything is an option.
      """)

  @Option(help: "A template; `list` names them.")
  var template: String?
  @Option(help: "The study's identifier: lower-case letters, digits, hyphens.")
  var study: String?
  @Option(help: "The heading of the report.")
  var title: String?
  @Option(help: "A CSV with a header, whose columns become the features.")
  var data: String?
  @Option(help: "A site.yaml, or the folder of one: its `data` section is the schema.")
  var site: String?
  @Option(help: "A records.yaml, to say which variables of a template it has.")
  var records: String?
  @Option(help: "Where the file names in --records start; its own folder when absent.")
  var folder: String?
  @Option(help: "The column that is predicted.")
  var outcome: String?
  @Option(help: "A word of that column that means that it happened; may be repeated.")
  var positive: [String] = []
  @Option(help: "Folder to write study.yaml to; the study's identifier when absent.")
  var out: String?

  func validate() throws {
    guard folder == nil || records != nil else {
      throw ValidationError("--folder says where the files of --records are; add --records")
    }
    for (option, isGiven) in [("--outcome", outcome != nil), ("--positive", !positive.isEmpty)]
    where isGiven && template != nil {
      throw ValidationError(
        "\(option) is for a study over a table's columns; a template says itself what is predicted:"
          + " leave one of them out")
    }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      if template == "list" {
        for template in StudyTemplate.allCases {
          print("\(template.rawValue)\t\(template.summary)")
        }
        return
      }
      let sources = try SchemaSource(data: data, site: site, records: records, folder: folder)
      var chosen = template
      if chosen == nil, sources.table == nil {
        let names = StudyTemplate.allCases.map(\.rawValue).joined(separator: ", ")
        chosen = try Self.answer("template (\(names))", option: "--template or --data") { text in
          StudyTemplate(rawValue: text) == nil ? "there is no template `\(text)`" : nil
        }
      }
      let name =
        try study
        ?? Self.answer("identifier of the study", option: "--study") { text in
          let isName = text.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
              || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          }
          return isName ? nil : "an identifier has lower-case letters, digits and hyphens"
        }
      let text: String
      if let chosen {
        guard let template = StudyTemplate(rawValue: chosen) else {
          throw ValidationError(
            "there is no template `\(chosen)`; `wardround study new --template list` names them")
        }
        text = try Self.fitted(template, name, title, sources)
      } else {
        text = try drafted(name, sources)
      }
      _ = try StudyPlan(yaml: text, file: "study.yaml")
      let target = out ?? name
      let path = "\(target)/study.yaml"
      guard !FileManager.default.fileExists(atPath: path) else {
        throw ValidationError("`\(path)` is there already; choose another --out")
      }
      try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
      print(path)
      print(
        "Read it, replace the answers under `task`, then try it: wardround study simulate --study")
      print("\(target) --data FOLDER, or submit it: wardround study submit \(path)")
    }
  }

  /// A study over the columns of a table.
  private func drafted(_ name: String, _ sources: SchemaSource) throws -> String {
    guard let table = sources.table else {
      throw ValidationError("nothing says which columns there are; add --data or --site")
    }
    let schema = try TableSchema(table)
    let columns = schema.columns.map(\.name).joined(separator: ", ")
    let outcome =
      try outcome
      ?? Self.answer("column to predict (\(columns))", option: "--outcome") { text in
        StudyDraft(study: name, title: name, schema: schema, outcome: text, positive: positive)
          .problem
      }
    let draft = StudyDraft(
      study: name, title: title ?? name, schema: schema, outcome: outcome, positive: positive)
    if let problem = draft.problem { throw ValidationError(problem) }
    let absent = try TableSchema.wordsNotIn(column: outcome, of: table, positive)
    guard absent.isEmpty else {
      throw ValidationError(
        "no row of `\(outcome)` has \(absent.map { "`\($0)`" }.joined(separator: " or ")); give --positive a"
          + " word that stands in the column")
    }
    return draft.text
  }

  /// A template, with a remark at every variable or column that the site does not have.
  private static func fitted(
    _ template: StudyTemplate, _ name: String, _ title: String?, _ sources: SchemaSource
  ) throws -> String {
    var text = template.text(study: name)
    if let title {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.hasPrefix("title: ") ? "title: \(StudyDraft.quoted(title))" : String(line)
      }
      text = lines.joined(separator: "\n")
    }
    let plan: StudyPlan
    do {
      plan = try StudyPlan(yaml: text, file: "study.yaml")
    } catch {
      throw ValidationError("`\(name)` cannot be the name of a study: \(error)")
    }
    var absent: [String] = []
    if let recipe = plan.records, let records = sources.records {
      let facts = try RecordsSurvey.facts(recipe, records)
      absent = facts.variables.filter { $0.records.count == 0 }.map(\.name)
    } else if plan.records == nil, let table = sources.table {
      let columns = Set(try TableSchema(table).columns.map(\.name))
      absent = plan.cohort.features.filter { !columns.contains($0.column) }.map(\.name)
    }
    guard !absent.isEmpty else { return text }
    ServiceLog.note("this site has none of: \(absent.joined(separator: ", "))")
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let isAbsent = absent.contains {
        line.contains("- {name: \($0),") || line.contains("- {name: \($0)}")
      }
      return isAbsent ? "\(line)  # none at the site whose schema was read" : String(line)
    }.joined(separator: "\n")
  }

  /// What a person at a terminal types, asked again while `problem` finds one; elsewhere what is not given is an
  /// error.
  private static func answer(
    _ question: String, option: String, problem: (String) -> String? = { _ in nil }
  ) throws -> String {
    guard isatty(STDIN_FILENO) == 1 else {
      throw ValidationError("\(option) is not given, and there is no terminal to ask at")
    }
    for _ in 0..<5 {
      print("\(question): ", terminator: "")
      fflush(nil)
      guard let line = readLine() else { break }
      let text = line.trimmingCharacters(in: .whitespaces)
      guard !text.isEmpty else { continue }
      guard let problem = problem(text) else { return text }
      print("  \(problem); try again")
    }
    throw ValidationError("no answer could be used; give \(option)")
  }
}

/// Where a schema is read from.
private struct SchemaSource {
  var table: DataDescription?
  var records: RecordsDescription?

  init(data: String?, site: String?, records: String?, folder: String?) throws {
    if let data {
      let path = data.hasPrefix("/") ? data : FileManager.default.currentDirectoryPath + "/" + data
      table = DataDescription(file: path)
    }
    if let site {
      let isFile = site.hasSuffix(".yaml") || site.hasSuffix(".yml")
      let configuration = try SiteConfiguration.read(path: isFile ? site : "\(site)/site.yaml")
      table = table ?? configuration.data
      self.records = configuration.records
    }
    if let records {
      self.records = try RecordsDescription.read(path: records, folder: folder)
    }
  }
}
