/// Why a YAML file was refused, where, and what to do about it. Equality is on the code.
///
/// `message` is a constant per code, except that it names keys and permitted words, which come
/// from the program or from the file's own key names; a scalar value of the file is never repeated.
public struct YAMLProblem: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The text is not YAML.
    case syntax
    /// The text is longer, deeper or has more nodes than a settings file can need.
    case tooLarge = "too-large"
    /// A key that this file may not have.
    case unknownKey = "unknown-key"
    /// A key stands twice in one mapping.
    case duplicateKey = "duplicate-key"
    /// A required key is absent or has no value.
    case missingKey = "missing-key"
    /// A value of another type than the one expected.
    case wrongType = "wrong-type"
    /// A number, length or count outside its permitted range.
    case outOfRange = "out-of-range"
    /// A word that is not one of the permitted ones.
    case unknownWord = "unknown-word"
    /// A value that does not fit the rest of the file.
    case inconsistent
  }

  public let code: Code
  /// The file's name as the user gave it.
  public let file: String
  /// Line of the fault, from 1; 0 when the fault has no place.
  public let line: Int
  /// Column of the fault, from 1; 0 when the fault has no place.
  public let column: Int
  /// Keys and indices from the root to the fault, as `data.columns[3].unit`.
  public let keyPath: String
  /// What is wrong.
  public let message: String
  /// What to do about it.
  public let advice: String

  public init(
    _ code: Code, file: String, line: Int, column: Int, keyPath: String, message: String,
    advice: String
  ) {
    self.code = code
    self.file = file
    self.line = line
    self.column = column
    self.keyPath = keyPath
    self.message = message
    self.advice = advice
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  /// `file:line:column: key path: message; advice`.
  public var description: String {
    let place = line > 0 ? "\(file):\(line):\(column): " : "\(file): "
    let path = keyPath.isEmpty ? "" : "\(keyPath): "
    return advice.isEmpty ? place + path + message : "\(place)\(path)\(message); \(advice)"
  }
}
