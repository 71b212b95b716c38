extension YAMLNode {
  /// The scalar's text as written; any unquoted or quoted scalar but null. At most `limit` bytes.
  public func string(limit: Int = 4096) throws(YAMLProblem) -> String {
    guard case .scalar(let text, _) = content, !isNull else {
      throw problem(
        .wrongType, "expected text, found \(kindInWords)", advice: "write one value, in quotes")
    }
    guard text.utf8.count <= limit else {
      throw problem(
        .outOfRange, "the text is longer than \(limit) bytes", advice: "shorten it")
    }
    return text
  }

  /// The scalar's text; an unquoted empty value counts as the empty text. For lists of codes such
  /// as missing-value codes, where `""`, `?` and `-9` are all texts.
  public func codeText() throws(YAMLProblem) -> String {
    guard case .scalar(let text, _) = content else {
      throw problem(
        .wrongType, "expected text, found \(kindInWords)", advice: "write one value, in quotes")
    }
    return text
  }

  /// A whole number inside `range`.
  public func integer(in range: ClosedRange<Int> = .min ... .max) throws(YAMLProblem) -> Int {
    guard case .scalar(let text, true) = content,
      let value = Int(text.refusingUnderscores)
    else {
      throw problem(
        .wrongType, "expected a whole number, found \(kindInWords)",
        advice: "write digits without quotes")
    }
    guard range.contains(value) else {
      throw problem(
        .outOfRange, "the number is outside its range",
        advice: "choose a value from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A finite number inside `range`.
  public func double(
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) throws(YAMLProblem) -> Double {
    guard case .scalar(let text, true) = content,
      text.utf8.allSatisfy({ $0 != UInt8(ascii: "x") && $0 != UInt8(ascii: "X") }),
      let value = Double(text.refusingUnderscores), value.isFinite
    else {
      throw problem(
        .wrongType, "expected a number, found \(kindInWords)",
        advice: "write it with a decimal point and without quotes, as 0.05")
    }
    guard range.contains(value) else {
      throw problem(
        .outOfRange, "the number is outside its range",
        advice: "choose a value from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// `true` or `false`, and nothing else: `yes`, `no`, `on` and `off` are refused because YAML
  /// versions disagree about them.
  public func boolean() throws(YAMLProblem) -> Bool {
    if case .scalar(let text, true) = content {
      if text == "true" { return true }
      if text == "false" { return false }
    }
    throw problem(.wrongType, "expected true or false", advice: "write true or false")
  }

  /// One of the permitted words, with the nearest one named when there is none.
  public func choice<Value>(_ words: [(String, Value)]) throws(YAMLProblem) -> Value {
    let text = try string()
    for (word, value) in words where word == text { return value }
    let names = words.map { $0.0 }
    let list = names.joined(separator: ", ")
    if let near = Suggestion.nearest(to: text, among: names) {
      throw problem(
        .unknownWord, "this word is not one of the permitted ones",
        advice: "did you mean `\(near)`? permitted: \(list)")
    }
    throw problem(
      .unknownWord, "this word is not one of the permitted ones", advice: "permitted: \(list)")
  }

  /// A case of an enumeration by its raw value.
  public func choice<Value: CaseIterable & RawRepresentable>(
    _ type: Value.Type = Value.self
  ) throws(YAMLProblem) -> Value where Value.RawValue == String {
    try choice(Value.allCases.map { ($0.rawValue, $0) })
  }

  /// The elements of a list; a single value counts as a list of one when `orSingle` is set.
  public func list(
    count range: ClosedRange<Int> = 0...YAMLDocument.maximumNodes, orSingle: Bool = false
  ) throws(YAMLProblem) -> [YAMLNode] {
    let values: [YAMLNode]
    switch content {
    case .sequence(let elements): values = elements
    case .scalar where isNull && !orSingle: values = []
    case .scalar where orSingle: values = [self]
    default:
      throw problem(
        .wrongType, "expected a list, found \(kindInWords)",
        advice: "write `[a, b]` or one `- ` line per element")
    }
    guard range.contains(values.count) else {
      throw problem(
        .outOfRange, "the list has \(values.count) elements",
        advice: "give from \(range.lowerBound) to \(range.upperBound)")
    }
    return values
  }

  /// Whether this node is a mapping.
  public var isMapping: Bool {
    if case .mapping = content { true } else { false }
  }

  /// Opens a mapping that may hold the named keys and no others.
  ///
  /// An unknown key is refused with its place and the nearest permitted key.
  public func mapping(keys: [String]) throws(YAMLProblem) -> YAMLMapping {
    guard case .mapping(let entries) = content else {
      throw problem(
        .wrongType, "expected keys, found \(kindInWords)",
        advice: "write `key: value` lines; keys: \(keys.joined(separator: ", "))")
    }
    for entry in entries where !keys.contains(entry.key) {
      let near = Suggestion.nearest(to: entry.key, among: keys)
      throw YAMLProblem(
        .unknownKey, file: file, line: entry.line, column: entry.column,
        keyPath: keyPath.isEmpty ? entry.key : "\(keyPath).\(entry.key)",
        message: "unknown key `\(entry.key)`",
        advice: near.map { "did you mean `\($0)`?" }
          ?? "permitted here: \(keys.joined(separator: ", "))")
    }
    return YAMLMapping(node: self, entries: entries)
  }

  /// The entries of a mapping whose keys are names the user chooses, in file order.
  public func namedEntries() throws(YAMLProblem) -> [(name: String, value: YAMLNode)] {
    guard case .mapping(let entries) = content else {
      throw problem(
        .wrongType, "expected `name: value` lines, found \(kindInWords)",
        advice: "write one `name: value` line per entry")
    }
    return entries.map { ($0.key, $0.value) }
  }
}

extension String {
  /// The text itself, or one that is no number when it holds an underscore (YAML 1.1 reads
  /// `1_000` as a number, YAML 1.2 does not: refused rather than guessed).
  fileprivate var refusingUnderscores: String { contains("_") ? "" : self }
}
