/// Decides the code system of a column of diagnoses whose system nobody declared: once for all its
/// codes, never per code, since the E and V codes of the two systems overlap.
public struct CodeSystemVote: Sendable, Hashable {
  public private(set) var icd9Count = 0
  public private(set) var icd10Count = 0
  /// Codes that could be either.
  public private(set) var ambiguousCount = 0
  /// Codes that are in neither.
  public private(set) var unknownCount = 0

  public init() {}

  /// Counts the diagnoses of a lexicon whose system nobody declared.
  public init(undeclaredIn lexicon: Lexicon) {
    for code in lexicon.codes.texts where code.hasPrefix("icd:") { add(String(code.dropFirst(4))) }
  }

  /// Counts one distinct code.
  public mutating func add(_ text: String) {
    switch Self.sign(text) {
    case .some(.icd9): icd9Count += 1
    case .some(.icd10): icd10Count += 1
    case .none:
      let bytes = Array(DiagnosisCode.bare(text).utf8)
      if bytes.count >= 3, bytes[0] == UInt8(ascii: "E") || bytes[0] == UInt8(ascii: "V") {
        ambiguousCount += 1
      } else {
        unknownCount += 1
      }
    }
  }

  /// What one code says by itself: digits alone are ICD-9, a letter other than E and V followed by
  /// a digit is ICD-10. E and V codes say nothing.
  static func sign(_ text: String) -> DiagnosisCode.System? {
    let bytes = Array(DiagnosisCode.bare(text).utf8)
    guard (3...8).contains(bytes.count) else { return nil }
    func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    if bytes.count <= 5, bytes.allSatisfy(isDigit) { return .icd9 }
    guard bytes[0] != UInt8(ascii: "E"), bytes[0] != UInt8(ascii: "V"), !isDigit(bytes[0]),
      isDigit(bytes[1])
    else { return nil }
    return .icd10
  }

  /// The majority; nil when no code votes, or both systems have a tenth of the votes or more.
  public var system: DiagnosisCode.System? {
    let votes = icd9Count + icd10Count
    guard votes > 0 else { return nil }
    if icd9Count * 10 > votes * 9 { return .icd9 }
    if icd10Count * 10 > votes * 9 { return .icd10 }
    return nil
  }
}
