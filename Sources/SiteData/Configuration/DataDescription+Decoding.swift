import Foundation
import StrictYAML

extension DataDescription {
  static let keys = [
    "file", "format", "delimiter", "header", "encoding", "decimal", "missing", "columns",
    "patient_id",
  ]
  private static let columnKeys = ["name", "type", "unit", "missing", "levels", "range"]

  /// Decodes a `data:` section. Relative paths are resolved against `folder`. `file` may be absent
  /// when `defaultFile` is given, as in a study's data description for many files.
  public init(
    from node: YAMLNode, folder: String, defaultFile: String? = nil
  ) throws(YAMLProblem) {
    try self.init(
      from: node.mapping(keys: Self.keys), folder: folder, defaultFile: defaultFile)
  }

  /// The same from a mapping whose keys are checked.
  init(
    from map: YAMLMapping, folder: String, defaultFile: String? = nil
  ) throws(YAMLProblem) {
    let path: String
    if let defaultFile, map.optional("file") == nil {
      path = defaultFile
    } else {
      path = try map.string("file")
    }
    if let format = map.optional("format") {
      _ = try format.choice([("csv", true)])
    }
    var delimiter = UInt8(ascii: ",")
    if let node = map.optional("delimiter") {
      delimiter = try node.choice([
        (",", UInt8(ascii: ",")), (";", UInt8(ascii: ";")), ("|", UInt8(ascii: "|")),
        ("\t", UInt8(ascii: "\t")), ("tab", UInt8(ascii: "\t")), ("comma", UInt8(ascii: ",")),
        ("semicolon", UInt8(ascii: ";")),
      ])
    }
    var comma = false
    if let node = map.optional("decimal") {
      comma = try node.choice([(".", false), (",", true), ("point", false), ("comma", true)])
    }
    let hasHeader = try map.boolean("header", default: true)
    let columns = try map.optionalList("columns") { (node: YAMLNode) throws(YAMLProblem) in
      try Self.column(node)
    }
    self.init(
      file: Self.resolve(path, folder: folder), delimiter: delimiter, hasHeader: hasHeader,
      encoding: try map.choice("encoding", default: TextEncoding.utf8), hasDecimalComma: comma,
      missingCodes: try map.codes("missing") ?? [], columns: columns,
      patientColumn: try map.optionalString("patient_id"))
    try check(map)
  }

  private func check(_ map: YAMLMapping) throws(YAMLProblem) {
    var names: Set<String> = []
    for column in columns where !names.insert(column.name).inserted {
      throw map.problem(
        .inconsistent, at: "columns", "column `\(column.name)` is declared twice",
        advice: "keep one of them")
    }
    guard hasHeader || !columns.isEmpty else {
      throw map.problem(
        .inconsistent, at: "header", "a file without a header needs its columns declared",
        advice: "list every column under `columns:`, from left to right")
    }
    if let patientColumn, !columns.isEmpty, !names.contains(patientColumn) {
      let near = Suggestion.nearest(to: patientColumn, among: columns.map(\.name))
      throw map.problem(
        .inconsistent, at: "patient_id", "this column is not declared under `columns:`",
        advice: near.map { "did you mean `\($0)`?" } ?? "declare it with `type: text`")
    }
    guard !hasDecimalComma || delimiter != UInt8(ascii: ",") else {
      throw map.problem(
        .inconsistent, at: "decimal", "comma cannot separate both fields and decimals",
        advice: "set `delimiter: \";\"` or `decimal: \".\"`")
    }
  }

  private static func column(_ node: YAMLNode) throws(YAMLProblem) -> Column {
    // `- age` alone is a text column.
    if !node.isMapping { return Column(try node.string(), type: .text) }
    let map = try node.mapping(keys: columnKeys)
    var range: ClosedRange<Double>?
    if let bounds = map.optional("range") {
      let ends = try bounds.list(count: 2...2)
      let low = try ends[0].double()
      let high = try ends[1].double()
      guard low <= high else {
        throw bounds.problem(
          .outOfRange, "the range is not ascending", advice: "write `[lowest, highest]`")
      }
      range = low...high
    }
    var levels: [String]?
    var names: [String: String] = [:]
    if let node = map.optional("levels") {
      if node.isMapping {
        for (name, value) in try node.namedEntries() { names[name] = try value.codeText() }
        levels = names.keys.sorted()
      } else {
        var found: [String] = []
        for element in try node.list() { found.append(try element.codeText()) }
        levels = found
      }
    }
    return Column(
      try map.string("name"), type: try map.choice("type"), unit: try map.optionalString("unit"),
      missingCodes: try map.codes("missing") ?? [], levels: levels, levelNames: names,
      range: range)
  }

  /// A path as it is when absolute, else below the folder.
  static func resolve(_ path: String, folder: String) -> String {
    if path.hasPrefix("/") || folder.isEmpty { return path }
    return (folder as NSString).appendingPathComponent(path)
  }
}
