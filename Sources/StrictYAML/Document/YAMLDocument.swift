import Yams

/// A settings file read into a bounded tree that keeps the place of every node.
///
/// Trusts nothing in the text: size, depth and node count are limited before and during the
/// conversion, so that neither a deep nest nor a bomb of aliases can exhaust the process.
public struct YAMLDocument: Sendable {
  /// The longest text that is read, in UTF-8 bytes.
  public static let maximumBytes = 1 << 20
  /// The most nodes a document may have after its aliases are expanded.
  public static let maximumNodes = 100_000
  /// The deepest nesting that is accepted.
  public static let maximumDepth = 64

  /// The file's name as the user gave it, for messages.
  public let file: String
  /// The top node.
  public let root: YAMLNode

  /// Reads the text of one document; throws a `YAMLProblem` with the place of the fault.
  public init(text: String, file: String) throws(YAMLProblem) {
    self.file = file
    try Self.checkBounds(text, file: file)
    let composed: Node?
    do {
      composed = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw Self.problem(error, file: file)
    } catch {
      throw YAMLProblem(
        .syntax, file: file, line: 0, column: 0, keyPath: "", message: "the text is not YAML",
        advice: "check indentation and quotes")
    }
    guard let composed else {
      throw YAMLProblem(
        .missingKey, file: file, line: 0, column: 0, keyPath: "", message: "the file is empty",
        advice: "write the settings it should hold")
    }
    var budget = Self.maximumNodes
    root = try YAMLNode(composed, file: file, path: "", depth: 0, budget: &budget)
  }

  /// Refuses texts that are too long, or nested deeper than any settings file.
  private static func checkBounds(_ text: String, file: String) throws(YAMLProblem) {
    guard text.utf8.count <= maximumBytes else {
      throw YAMLProblem(
        .tooLarge, file: file, line: 0, column: 0, keyPath: "",
        message: "the file is longer than \(maximumBytes) bytes",
        advice: "a settings file is a few kilobytes; check that this is the right file")
    }
    var open = 0
    var marks = 0
    var line = 1
    var atLineStart = true
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        marks = 0
        atLineStart = true
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        open += 1
        atLineStart = false
      case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(open - 1, 0)
      case UInt8(ascii: "-"), UInt8(ascii: "?"): if atLineStart { marks += 1 }
      case UInt8(ascii: " "), UInt8(ascii: "\t"): break
      default: atLineStart = false
      }
      guard open <= maximumDepth, marks <= 2 * maximumDepth else {
        throw tooDeep(file: file, line: line, column: 1, path: "")
      }
    }
  }

  static func tooDeep(file: String, line: Int, column: Int, path: String) -> YAMLProblem {
    YAMLProblem(
      .tooLarge, file: file, line: line, column: column, keyPath: path,
      message: "more than \(maximumDepth) levels of nesting",
      advice: "close the open brackets or flatten the structure")
  }

  private static func problem(_ error: YamlError, file: String) -> YAMLProblem {
    func syntax(_ text: String, _ mark: Mark?) -> YAMLProblem {
      YAMLProblem(
        .syntax, file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, keyPath: "",
        message: "not valid YAML (\(text))", advice: "check indentation, colons and quotes here")
    }
    switch error {
    case .scanner(_, let text, let mark, _), .parser(_, let text, let mark, _),
      .composer(_, let text, let mark, _):
      return syntax(text, mark)
    case .reader(let text, _, _, _):
      return syntax(text, nil)
    case .duplicatedKeysInMapping(let keys, let context):
      return YAMLProblem(
        .duplicateKey, file: file, line: context.mark.line, column: context.mark.column,
        keyPath: "", message: "a key stands twice: \(keys.sorted().joined(separator: ", "))",
        advice: "keep one of them")
    default:
      return syntax("unreadable", nil)
    }
  }
}
