/// An opened mapping whose keys have been checked; every getter names the key path and the place
/// when the value is absent or of another type.
public struct YAMLMapping: Sendable {
  /// The mapping's own node, for problems that concern it as a whole.
  public let node: YAMLNode
  private let entries: [YAMLEntry]

  init(node: YAMLNode, entries: [YAMLEntry]) {
    self.node = node
    self.entries = entries
  }

  /// The value of a key; nil when the key is absent or its value is null.
  public func optional(_ key: String) -> YAMLNode? {
    guard let entry = entries.first(where: { $0.key == key }), !entry.value.isNull else {
      return nil
    }
    return entry.value
  }

  /// The value of a key even when it is null; nil only when the key is absent.
  public func present(_ key: String) -> YAMLNode? {
    entries.first { $0.key == key }?.value
  }

  /// The value of a required key.
  public func required(_ key: String) throws(YAMLProblem) -> YAMLNode {
    guard let value = optional(key) else {
      throw YAMLProblem(
        .missingKey, file: node.file, line: node.line, column: node.column,
        keyPath: node.keyPath.isEmpty ? key : "\(node.keyPath).\(key)",
        message: "`\(key)` is missing", advice: "add `\(key): …` here")
    }
    return value
  }

  /// Required text.
  public func string(_ key: String) throws(YAMLProblem) -> String {
    try required(key).string()
  }

  /// Optional text.
  public func optionalString(_ key: String) throws(YAMLProblem) -> String? {
    guard let value = optional(key) else { return nil }
    return try value.string()
  }

  /// A required whole number.
  public func integer(
    _ key: String, in range: ClosedRange<Int> = .min ... .max
  ) throws(YAMLProblem) -> Int {
    try required(key).integer(in: range)
  }

  /// A whole number, or `standard` when the key is absent.
  public func integer(
    _ key: String, in range: ClosedRange<Int> = .min ... .max, default standard: Int
  ) throws(YAMLProblem) -> Int {
    guard let value = optional(key) else { return standard }
    return try value.integer(in: range)
  }

  /// A required finite number.
  public func double(
    _ key: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) throws(YAMLProblem) -> Double {
    try required(key).double(in: range)
  }

  /// A finite number, or `standard` when the key is absent.
  public func double(
    _ key: String,
    in range: ClosedRange<Double> = -Double
      .greatestFiniteMagnitude...Double.greatestFiniteMagnitude,
    default standard: Double
  ) throws(YAMLProblem) -> Double {
    guard let value = optional(key) else { return standard }
    return try value.double(in: range)
  }

  /// An optional finite number.
  public func optionalDouble(
    _ key: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) throws(YAMLProblem) -> Double? {
    guard let value = optional(key) else { return nil }
    return try value.double(in: range)
  }

  /// `true` or `false`, or `standard` when the key is absent.
  public func boolean(_ key: String, default standard: Bool) throws(YAMLProblem) -> Bool {
    guard let value = optional(key) else { return standard }
    return try value.boolean()
  }

  /// A required `true` or `false`.
  public func boolean(_ key: String) throws(YAMLProblem) -> Bool {
    try required(key).boolean()
  }

  /// A list of texts; empty when the key is absent. A single text counts as a list of one.
  public func strings(_ key: String) throws(YAMLProblem) -> [String] {
    guard let value = optional(key) else { return [] }
    var texts: [String] = []
    for element in try value.list(orSingle: true) { texts.append(try element.string()) }
    return texts
  }

  /// A list of code texts, where `""` and `~` are texts like any other; nil when the key is absent.
  public func codes(_ key: String) throws(YAMLProblem) -> [String]? {
    guard let value = present(key) else { return nil }
    var texts: [String] = []
    for element in try value.list(orSingle: true) { texts.append(try element.codeText()) }
    return texts
  }

  /// A required list, each element decoded by `body`.
  public func list<Value>(
    _ key: String, count range: ClosedRange<Int> = 0...YAMLDocument.maximumNodes,
    _ body: (YAMLNode) throws(YAMLProblem) -> Value
  ) throws(YAMLProblem) -> [Value] {
    var values: [Value] = []
    for element in try required(key).list(count: range) { values.append(try body(element)) }
    return values
  }

  /// A list decoded by `body`; empty when the key is absent.
  public func optionalList<Value>(
    _ key: String, _ body: (YAMLNode) throws(YAMLProblem) -> Value
  ) throws(YAMLProblem) -> [Value] {
    guard let value = optional(key) else { return [] }
    var values: [Value] = []
    for element in try value.list() { values.append(try body(element)) }
    return values
  }

  /// A required mapping with the named keys.
  public func mapping(_ key: String, keys: [String]) throws(YAMLProblem) -> YAMLMapping {
    try required(key).mapping(keys: keys)
  }

  /// A mapping with the named keys; nil when the key is absent.
  public func optionalMapping(
    _ key: String, keys: [String]
  ) throws(YAMLProblem) -> YAMLMapping? {
    guard let value = optional(key) else { return nil }
    return try value.mapping(keys: keys)
  }

  /// A required case of an enumeration.
  public func choice<Value: CaseIterable & RawRepresentable>(
    _ key: String, _ type: Value.Type = Value.self
  ) throws(YAMLProblem) -> Value where Value.RawValue == String {
    try required(key).choice(Value.self)
  }

  /// A case of an enumeration, or `standard` when the key is absent.
  public func choice<Value: CaseIterable & RawRepresentable>(
    _ key: String, default standard: Value
  ) throws(YAMLProblem) -> Value where Value.RawValue == String {
    guard let value = optional(key) else { return standard }
    return try value.choice(Value.self)
  }

  /// A problem at a key's value, or at the mapping when the key is absent.
  public func problem(
    _ code: YAMLProblem.Code, at key: String, _ message: String, advice: String
  ) -> YAMLProblem {
    (optional(key) ?? node).problem(code, message, advice: advice)
  }
}
