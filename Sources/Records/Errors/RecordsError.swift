/// Why a recipe, or records read with it, cannot become a feature table. Equality is on the code.
///
/// Names variables, features and counts; never a patient's value or identifier.
public struct RecordsError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The recipe contradicts itself.
    case badRecipe = "bad-recipe"
    /// There are more subjects, index events or features than the design allows.
    case tooLarge = "too-large"
    /// Parts that belong together have different shapes.
    case shapeMismatch = "shape-mismatch"
    /// Too few values to compute what was asked.
    case tooFewValues = "too-few-values"
  }

  public let code: Code
  /// The variable or feature at fault; empty when none is.
  public let name: String
  public let detail: String

  public init(_ code: Code, name: String = "", detail: String = "") {
    self.code = code
    self.name = name
    self.detail = detail
  }

  /// What is wrong, one constant sentence per code.
  public var message: String {
    switch code {
    case .badRecipe: "the recipe contradicts itself"
    case .tooLarge: "there is more data than the design allows"
    case .shapeMismatch: "the parts do not fit together"
    case .tooFewValues: "there are too few values"
    }
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  public var description: String {
    var text = "\(code.rawValue): \(message)"
    if !name.isEmpty { text += " (`\(name)`)" }
    return detail.isEmpty ? text : "\(text): \(detail)"
  }
}
