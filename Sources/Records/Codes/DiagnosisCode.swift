/// A diagnosis in one of the two code systems, without its dot and in upper case.
public struct DiagnosisCode: Sendable, Hashable {
  public enum System: String, Sendable, Hashable, CaseIterable {
    case icd9 = "icd9cm"
    case icd10
  }

  public let system: System
  public let code: String

  /// The diagnosis that a code text means: `icd9cm:428.0`, `icd10:I50.9`, `icd10cm:I509`; and
  /// `icd:…` in the system that `undeclared` says. Nil for anything else.
  ///
  /// Dagger, asterisk and exclamation marks of ICD-10 are taken off.
  public init?(_ text: String, undeclared: System? = nil) {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let word = String(text[..<colon])
    guard let system = word == Self.undeclaredWord ? undeclared : Self.systems[word] else {
      return nil
    }
    let bare = Self.bare(text[text.index(after: colon)...])
    guard bare.count >= 3 else { return nil }
    self.init(system, bare)
  }

  /// A code that is already bare.
  public init(_ system: System, _ bare: String) {
    self.system = system
    code = bare
  }

  private static let undeclaredWord = "icd"
  private static let systems: [String: System] = [
    "icd9cm": .icd9, "icd10": .icd10, "icd10cm": .icd10, "icd10gm": .icd10, "icd10am": .icd10,
    "icd10ca": .icd10,
  ]

  /// The words for code systems of diagnoses before a colon; `icd` is one that nobody declared.
  public static let systemWords: [String] = ([undeclaredWord] + systems.keys).sorted()

  /// Whether a word stands for a code system of diagnoses in a spelling that is none of ``systemWords``, as
  /// `ICD-10` or `icd9`: its codes would belong to no group.
  public static func isMisspelt(system word: String) -> Bool {
    let letters = word.lowercased().filter { $0.isLetter || $0.isNumber }
    return letters.hasPrefix("icd") && !systemWords.contains(word)
  }

  /// A code text as the readers write it: bare behind a system of diagnoses, else as it is.
  public static func normalised(_ text: String) -> String {
    guard let colon = text.firstIndex(of: ":"), systemWords.contains(String(text[..<colon])) else {
      return text
    }
    return "\(text[...colon])\(bare(text[text.index(after: colon)...]))"
  }

  /// Letters and digits of a code, in upper case.
  public static func bare(_ text: some StringProtocol) -> String {
    String(text.uppercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) })
  }

  /// First three characters; four for the E codes of ICD-9.
  public var category: String {
    String(code.prefix(system == .icd9 && code.hasPrefix("E") ? 4 : 3))
  }

  /// Key of the chapter, the same word in both systems; nil for a code outside every chapter.
  public var chapter: String? {
    let category = category
    if system == .icd10 {
      // C7A and C7B follow C79 by spelling and are neoplasms, O9A follows O99.
      return Self.icd10Chapters.first { $0.start <= category && category <= $0.end }?.key
    }
    return Self.icd9Chapters.first {
      $0.start.count == category.count && $0.start <= category && category <= $0.end
    }?.key
  }

  /// The group of Strack et al., BioMed Research International 2014, table 2; ICD-9-CM only.
  public var strackGroup: String? {
    guard system == .icd9 else { return nil }
    guard let major = Int(category) else { return "other" }
    switch major {
    case 250: return "diabetes"
    case 390...459, 785: return "circulatory"
    case 460...519, 786: return "respiratory"
    case 520...579, 787: return "digestive"
    case 580...629, 788: return "genitourinary"
    case 140...239: return "neoplasms"
    case 710...739: return "musculoskeletal"
    case 800...999: return "injury"
    default: return "other"
    }
  }
}

/// Ways to gather diagnosis codes into groups.
public enum DiagnosisGrouping: String, Sendable, Hashable, CaseIterable {
  case chapter
  case charlson
  case elixhauser
  case strack

  /// Whether a diagnosis belongs to a group of this grouping.
  public func contains(_ diagnosis: DiagnosisCode, _ key: String) -> Bool {
    groups(of: diagnosis).contains(key)
  }

  /// The groups of a diagnosis; several conditions can share a code.
  public func groups(of diagnosis: DiagnosisCode) -> [String] {
    switch self {
    case .chapter: diagnosis.chapter.map { [$0] } ?? []
    case .strack: diagnosis.strackGroup.map { [$0] } ?? []
    case .charlson: Comorbidity.charlson.filter { $0.contains(diagnosis) }.map(\.key)
    case .elixhauser: Comorbidity.elixhauser.filter { $0.contains(diagnosis) }.map(\.key)
    }
  }

  /// The keys of all groups.
  public var keys: [String] {
    switch self {
    case .chapter:
      Array(Set((DiagnosisCode.icd9Chapters + DiagnosisCode.icd10Chapters).map(\.key))).sorted()
    case .strack:
      [
        "circulatory", "diabetes", "digestive", "genitourinary", "injury", "musculoskeletal",
        "neoplasms", "other", "respiratory",
      ]
    case .charlson: Comorbidity.charlson.map(\.key)
    case .elixhauser: Comorbidity.elixhauser.map(\.key)
    }
  }
}
