import Foundation
import Records
import StrictYAML

extension RecordsDescription {
  static let keys = ["sources", "zone", "skip", "diagnoses"]

  /// Reads a `records.yaml`. File names in it are relative to `folder`, by default its own.
  public static func read(
    path: String, folder: String? = nil
  ) throws(YAMLProblem) -> RecordsDescription {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(validating: data, as: UTF8.self)
    else {
      throw YAMLProblem(
        .missingKey, file: path, line: 0, column: 0, keyPath: "",
        message: "the file cannot be read as UTF-8 text",
        advice: "it says where the records are; check the path")
    }
    return try RecordsDescription(
      yaml: YAMLDocument(text: text, file: path).root,
      folder: folder ?? (path as NSString).deletingLastPathComponent)
  }

  /// The `records:` part of a `site.yaml`: the name of a `records.yaml`, or `{file: …, folder: …}` for
  /// one whose file names start at another folder, or its contents. Relative names start at `folder`.
  init(site node: YAMLNode, folder: String) throws(YAMLProblem) {
    if let file = try? node.string() {
      self = try Self.read(path: DataDescription.resolve(file, folder: folder))
      return
    }
    let map = try node.mapping(keys: Self.keys + ["file", "folder"])
    let own = try map.optionalString("folder").map { DataDescription.resolve($0, folder: folder) }
    guard let file = try map.optionalString("file") else {
      try self.init(checked: map, folder: own ?? folder)
      return
    }
    for key in Self.keys where map.optional(key) != nil {
      throw map.problem(
        .inconsistent, at: key, "the records are described in `file`",
        advice: "keep `file`, or write its contents here")
    }
    self = try Self.read(path: DataDescription.resolve(file, folder: folder), folder: own)
  }

  /// Decodes a `records.yaml`. File names in it are relative to `folder`.
  public init(yaml node: YAMLNode, folder: String) throws(YAMLProblem) {
    try self.init(checked: node.mapping(keys: Self.keys), folder: folder)
  }

  private init(checked map: YAMLMapping, folder: String) throws(YAMLProblem) {
    let zone = try map.optional("zone").map { (node) throws(YAMLProblem) in try node.zone() } ?? 0
    let sources = try map.list("sources", count: 1...64) { (entry) throws(YAMLProblem) in
      try Source(yaml: entry, folder: folder, zone: zone)
    }
    let skip = try map.integer("skip", in: 0...1_000_000_000, default: 0)
    self.init(
      sources: sources, zone: zone, policy: skip == 0 ? .fail : .skip(atMost: skip),
      undeclaredDiagnoses: try map.optional("diagnoses").map { (node) throws(YAMLProblem) in
        try node.choice([("icd9cm", DiagnosisCode.System.icd9), ("icd10", .icd10)])
      })
    guard !mixesClocks else {
      throw map.problem(
        .inconsistent, at: "sources",
        "some sources have dates and others times from a start: they cannot be told in order",
        advice: "give all of them dates, or all of them times from the same start")
    }
  }
}

extension RecordsDescription.Source {
  private enum Form: String, CaseIterable {
    case long
    case wide
    case omop
    case fhir
    case physionet2012
    case physionet2019
  }

  init(yaml node: YAMLNode, folder: String, zone: Zone) throws(YAMLProblem) {
    let delimited = [
      "form", "file", "files", "delimiter", "decimal", "subject", "time", "time_format", "known",
      "missing",
    ]
    let keys = [
      "code", "value", "unit", "system", "codes", "units", "columns", "database", "postgresql",
      "schema", "diagnoses_known", "midnight", "zones", "outcomes",
    ]
    let form = try node.mapping(keys: delimited + keys).choice("form", Form.self)
    switch form {
    case .long, .wide:
      let own = form == .long ? ["code", "value", "unit", "system", "codes", "units"] : ["columns"]
      let map = try node.mapping(keys: delimited + own)
      let files = try map.strings("files") + map.strings("file")
      guard !files.isEmpty else {
        throw node.problem(.missingKey, "no file is named", advice: "add `file: NAME`")
      }
      self = .delimited(
        files: files.map { Self.path($0, folder) },
        mapping: try DelimitedMapping(yaml: map, isLong: form == .long, zone: zone))
    case .omop:
      let map = try node.mapping(
        keys: ["form", "database", "postgresql", "schema", "diagnoses_known", "midnight"])
      let atVisitEnd = try map.optional("diagnoses_known").map { (node) throws(YAMLProblem) in
        try node.choice([("visit end", true), ("start", false)])
      }
      let midnight = try map.optional("midnight").map { (node) throws(YAMLProblem) in
        try node.choice(OMOPSource.Midnight.allCases.map { ($0.rawValue, $0) })
      }
      switch (try map.optionalString("database"), try map.optionalString("postgresql")) {
      case (.some(let path), nil):
        self = .omop(
          .sqlite(path: Self.path(path, folder)), diagnosesAtVisitEnd: atVisitEnd ?? true,
          midnight: midnight ?? .unknown)
      case (nil, .some(let connection)):
        let schema = try map.optionalString("schema") ?? "public"
        self = .omop(
          .postgresql(connection: connection, schema: schema),
          diagnosesAtVisitEnd: atVisitEnd ?? true, midnight: midnight ?? .unknown)
      default:
        throw node.problem(
          .missingKey, "an OMOP source is one database",
          advice: "write `database: FILE.sqlite`, or `postgresql: host=… dbname=…`")
      }
    case .fhir:
      let map = try node.mapping(keys: ["form", "file", "zones"])
      let ignores = try map.optional("zones").map { (node) throws(YAMLProblem) in
        try node.choice([("use", false), ("ignore", true)])
      }
      self = .fhir(path: Self.path(try map.string("file"), folder), ignoresZones: ignores ?? false)
    case .physionet2012:
      let map = try node.mapping(keys: ["form", "file", "outcomes"])
      self = .physioNet2012(
        path: Self.path(try map.string("file"), folder),
        outcomes: try map.optionalString("outcomes").map { Self.path($0, folder) })
    case .physionet2019:
      let map = try node.mapping(keys: ["form", "file"])
      self = .physioNet2019(folder: Self.path(try map.string("file"), folder))
    }
  }

  private static func path(_ name: String, _ folder: String) -> String {
    name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
  }
}

extension DelimitedMapping {
  init(yaml map: YAMLMapping, isLong: Bool, zone: Zone) throws(YAMLProblem) {
    let format =
      try map.optional("time_format").map { (node) throws(YAMLProblem) in
        try node.choice([
          ("iso", TimeFormat.calendar(zone: zone)), ("clock", .clock),
          ("seconds", .elapsed(unit: 1)), ("minutes", .elapsed(unit: 60)),
          ("hours", .elapsed(unit: 3600)), ("days", .elapsed(unit: 86_400)),
        ])
      } ?? .calendar(zone: zone)
    let time = try map.string("time")
    let subject = try map.string("subject")
    let delimiter = try map.optionalString("delimiter") ?? ","
    let words = ["tab": UInt8(9), "semicolon": 59, "comma": 44, "pipe": 124]
    guard let byte = words[delimiter] ?? (delimiter.utf8.count == 1 ? delimiter.utf8.first : nil),
      byte != 34, byte != 10, byte != 13
    else {
      throw map.problem(
        .outOfRange, at: "delimiter", "the delimiter is one character",
        advice: "write one character, or tab, semicolon, comma, pipe")
    }
    let layout: Layout
    var codes: [String: String] = [:]
    var units: [String: String] = [:]
    if isLong {
      layout = .long(
        code: try map.string("code"), value: try map.optionalString("value"),
        unit: try map.optionalString("unit"))
      for entry in try map.optionalList("codes", { (node) throws(YAMLProblem) in node }) {
        let pair = try entry.mapping(keys: ["local", "code", "unit"])
        let code = try pair.string("code")
        for local in try pair.strings("local") {
          guard codes.updateValue(code, forKey: local) == nil else {
            throw pair.problem(
              .inconsistent, at: "local", "a local code is listed twice",
              advice: "give each local code one entry")
          }
        }
        if let unit = try pair.optionalString("unit") {
          try Self.set(unit, of: code, in: &units, pair)
        }
      }
      for entry in try map.optionalList("units", { (node) throws(YAMLProblem) in node }) {
        let pair = try entry.mapping(keys: ["code", "unit"])
        try Self.set(try pair.string("unit"), of: try pair.string("code"), in: &units, pair)
      }
    } else {
      layout = .wide(
        try map.list("columns", count: 1...4096) { (entry) throws(YAMLProblem) in
          if let name = try? entry.string() { return WideColumn(name) }
          let column = try entry.mapping(keys: ["column", "code", "unit"])
          return WideColumn(
            try column.string("column"), code: try column.optionalString("code"),
            unit: try column.optionalString("unit"))
        })
    }
    let system = isLong ? try map.optionalString("system") ?? "" : ""
    if DiagnosisCode.isMisspelt(system: system) {
      throw map.problem(
        .unknownWord, at: "system", "this is no code system of diagnoses",
        advice: "write one of \(DiagnosisCode.systemWords.joined(separator: ", "))")
    }
    let when = Self.when(time, format)
    let known = try map.optionalString("known")
    if known != nil, when != .column(time, format) {
      throw map.problem(
        .inconsistent, at: "known", "`time: \(time)` says already when these records are known",
        advice: "remove `known`, or name the column with their time in `time`")
    }
    self.init(
      subject: subject == "file name" ? .fileName : .column(subject), when: when,
      knownColumn: known, layout: layout,
      codeSystem: system, codes: codes, units: units,
      missing: Set(try map.codes("missing") ?? []), delimiter: byte,
      decimal: try map.optional("decimal").map { (node) throws(YAMLProblem) in
        try node.choice([(".", UInt8(ascii: ".")), (",", UInt8(ascii: ","))])
      } ?? UInt8(ascii: "."))
  }
}

extension DelimitedMapping {
  /// Declares the unit of a code; throws where it has another one already.
  private static func set(
    _ unit: String, of code: String, in units: inout [String: String], _ map: YAMLMapping
  ) throws(YAMLProblem) {
    guard units.updateValue(unit, forKey: code) ?? unit == unit else {
      throw map.problem(
        .inconsistent, at: "unit", "the code has another unit already",
        advice: "give each code one unit")
    }
  }

  /// `always`, `24 h` for the end of the first day, else the name of a column.
  fileprivate static func when(_ text: String, _ format: TimeFormat) -> When {
    if text == "always" { return .always }
    let parts = text.split(separator: " ")
    if parts.count == 2, parts[1] == "h", let hours = FieldText.number(String(parts[0])),
      (0...1e6).contains(hours)
    {
      return .at(Int64((hours * Double(RecordTime.hour)).rounded()))
    }
    return .column(text, format)
  }
}

extension YAMLNode {
  /// `+01:00`, `UTC`, or a name of the IANA time zone database, as `Europe/Berlin`.
  fileprivate func zone() throws(YAMLProblem) -> Zone {
    let text = try string()
    if text == "UTC" || text == "Z" { return 0 }
    if let reading = TimeFormat.calendar(zone: 0).read("1970-01-01T00:00:00\(text)") {
      return Zone(offset: -reading.seconds)
    }
    guard text.contains("/"), let zone = Zone(named: text) else {
      throw problem(
        .outOfRange, "this is not a zone",
        advice: "write a name as Europe/Berlin, or +01:00 in quotes, or UTC")
    }
    return zone
  }
}

extension Zone {
  /// A zone of the IANA time zone database of this machine, from 1900 to 2100; nil for an unknown name.
  init?(named name: String) {
    guard let zone = TimeZone(identifier: name) else { return nil }
    let seconds = (
      start: RecordTime.days(year: 1900, month: 1, day: 1) * RecordTime.day,
      end: RecordTime.days(year: 2100, month: 1, day: 1) * RecordTime.day
    )
    var date = Date(timeIntervalSince1970: Double(seconds.start))
    let offset = Int64(zone.secondsFromGMT(for: date))
    var transitions: [Transition] = []
    while let next = zone.nextDaylightSavingTimeTransition(after: date), next > date,
      next.timeIntervalSince1970 < Double(seconds.end), transitions.count < 2000
    {
      transitions.append(
        Transition(
          moment: Int64(next.timeIntervalSince1970.rounded()),
          offset: Int64(zone.secondsFromGMT(for: next))))
      date = next
    }
    self.init(offset: offset, transitions: transitions)
  }
}
