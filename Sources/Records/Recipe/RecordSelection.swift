/// Which records of a source a recipe's table depends on. A source that can look records up, as a
/// database can, hands out these and leaves the rest where it is; handing out more changes nothing.
///
/// Besides its records a source says which subjects there are, since a subject without any record
/// that is asked for can be a row, and when their other records happened as far as `followUp` asks.
public struct RecordSelection: Sendable, Hashable {
  /// What the table needs to know of the records that no variable gathers.
  public enum FollowUp: Sendable, Hashable {
    case nothing
    /// The time of each subject's last record.
    case lastTime
    /// All their times: which of them is the last that counts depends on the subject's death.
    case everyTime
  }

  /// The codes that the recipe's variables gather.
  public let patterns: Set<CodePattern>
  public let followUp: FollowUp

  public init(patterns: Set<CodePattern>, followUp: FollowUp) {
    self.patterns = patterns
    self.followUp = followUp
  }

  /// What the table of a recipe depends on.
  public init(_ recipe: RecordsRecipe) {
    patterns = Set(recipe.variables.flatMap(\.codes))
    if recipe.outcome == nil || recipe.outcome?.followUpVariable != nil {
      followUp = .nothing
    } else {
      // Records before birth never are the last that counts; those behind death may be.
      followUp = recipe.death == nil ? .lastTime : .everyTime
    }
  }
}

/// The codes of one code system that a selection asks for.
public struct SelectedCodes: Sendable, Hashable {
  /// Codes behind the system's name and colon.
  public private(set) var exact: Set<String> = []
  /// Beginnings of codes; an empty one asks for all.
  public private(set) var prefixes: Set<String> = []

  public var isEmpty: Bool { exact.isEmpty && prefixes.isEmpty }
  public var isEverything: Bool { prefixes.contains("") }
}

extension RecordSelection {
  /// What is asked for of the codes that begin with `system` and a colon. Groups of diagnoses are
  /// not in it: see ``asksForDiagnoses``.
  public func codes(of system: String) -> SelectedCodes {
    let start = system + ":"
    var codes = SelectedCodes()
    for pattern in patterns {
      switch pattern {
      case .exact(let code):
        if code.hasPrefix(start) { codes.insert(exact: String(code.dropFirst(start.count))) }
      case .prefix(let head):
        if head.hasPrefix(start) {
          codes.insert(prefix: String(head.dropFirst(start.count)))
        } else if start.hasPrefix(head) {
          codes.insert(prefix: "")
        }
      case .group: break
      }
    }
    return codes
  }

  /// Whether a variable may gather codes of the ICD, by group or by code.
  public var asksForDiagnoses: Bool {
    patterns.contains { pattern in
      switch pattern {
      case .group: true
      case .exact(let code): code.hasPrefix("icd")
      case .prefix(let head): head.hasPrefix("icd") || "icd".hasPrefix(head)
      }
    }
  }
}

extension SelectedCodes {
  fileprivate mutating func insert(exact code: String) { exact.insert(code) }
  fileprivate mutating func insert(prefix head: String) { prefixes.insert(head) }
}
