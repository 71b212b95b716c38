import Yams

/// One node of a document with its place and its key path.
public struct YAMLNode: Sendable {
  indirect enum Content: Sendable {
    /// `plain` tells an unquoted scalar, the only kind that can mean null, a boolean or a number.
    case scalar(text: String, plain: Bool)
    case sequence([YAMLNode])
    case mapping([YAMLEntry])
  }

  let content: Content
  public let file: String
  public let line: Int
  public let column: Int
  /// Keys and indices from the root, as `data.columns[3].unit`; empty for the root.
  public let keyPath: String

  init(
    _ node: Node, file: String, path: String, depth: Int, budget: inout Int
  ) throws(YAMLProblem) {
    let mark = node.mark
    self.file = file
    line = mark?.line ?? 0
    column = mark?.column ?? 0
    keyPath = path
    budget -= 1
    guard budget >= 0 else {
      throw YAMLProblem(
        .tooLarge, file: file, line: line, column: column, keyPath: path,
        message: "more than \(YAMLDocument.maximumNodes) values",
        advice: "a settings file needs far fewer; look for repeated aliases")
    }
    guard depth <= YAMLDocument.maximumDepth else {
      throw YAMLDocument.tooDeep(file: file, line: line, column: column, path: path)
    }
    switch node {
    case .scalar(let scalar):
      let plain = scalar.style == .plain || scalar.style == .any
      content = .scalar(text: scalar.string, plain: plain)
    case .sequence(let sequence):
      var values: [YAMLNode] = []
      for (index, element) in sequence.enumerated() {
        values.append(
          try YAMLNode(
            element, file: file, path: "\(path)[\(index)]", depth: depth + 1, budget: &budget))
      }
      content = .sequence(values)
    case .mapping(let mapping):
      var entries: [YAMLEntry] = []
      for (key, value) in mapping {
        let keyMark = key.mark
        guard case .scalar(let name) = key else {
          throw YAMLProblem(
            .wrongType, file: file, line: keyMark?.line ?? line, column: keyMark?.column ?? column,
            keyPath: path, message: "a key is not a word", advice: "write `name: value`")
        }
        let below = path.isEmpty ? name.string : "\(path).\(name.string)"
        let child = try YAMLNode(
          value, file: file, path: below, depth: depth + 1, budget: &budget)
        entries.append(
          YAMLEntry(
            key: name.string, line: keyMark?.line ?? 0, column: keyMark?.column ?? 0, value: child))
      }
      content = .mapping(entries)
    case .alias:
      throw YAMLProblem(
        .syntax, file: file, line: line, column: column, keyPath: path,
        message: "an alias without a value", advice: "write the value itself")
    }
  }

  /// Whether the node stands for "no value": an unquoted empty text, `~` or `null`.
  public var isNull: Bool {
    guard case .scalar(let text, true) = content else { return false }
    return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
  }

  /// What kind of value this is, in words for a message.
  var kindInWords: String {
    switch content {
    case .scalar: isNull ? "nothing" : "a single value"
    case .sequence: "a list"
    case .mapping: "a group of keys"
    }
  }

  /// A problem at this node.
  public func problem(
    _ code: YAMLProblem.Code, _ message: String, advice: String
  ) -> YAMLProblem {
    YAMLProblem(
      code, file: file, line: line, column: column, keyPath: keyPath, message: message,
      advice: advice)
  }
}

/// One `key: value` of a mapping, with the key's own place.
struct YAMLEntry: Sendable {
  let key: String
  let line: Int
  let column: Int
  let value: YAMLNode
}
