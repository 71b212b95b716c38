import CanonicalBytes
import Cohort

/// Which codes a variable gathers.
public enum CodePattern: Sendable, Hashable {
  /// This code.
  case exact(String)
  /// Every code that begins so; written with a `*` at the end.
  case prefix(String)
  /// Every diagnosis code of a group; written as `charlson:chf`, `elixhauser:htn`,
  /// `chapter:circulatory`, `strack:diabetes`.
  case group(DiagnosisGrouping, String)

  /// Reads the written form. Diagnoses lose their dot, as every reader takes it off:
  /// `icd10:I50.*` is `icd10:I50*`.
  public init(_ text: String) {
    if text.hasSuffix("*") {
      self = .prefix(DiagnosisCode.normalised(String(text.dropLast())))
      return
    }
    if let colon = text.firstIndex(of: ":"),
      let grouping = DiagnosisGrouping(rawValue: text[..<colon].lowercased())
    {
      self = .group(grouping, String(text[text.index(after: colon)...]))
      return
    }
    self = .exact(DiagnosisCode.normalised(text))
  }

  /// Whether it is of what databases and FHIR exports call the start of a visit: `visit`, `visit:KIND`.
  var isStartOfVisit: Bool {
    switch self {
    case .exact(let code): code == "visit" || code.hasPrefix("visit:")
    case .prefix(let head): head.hasPrefix("visit:")
    case .group: false
    }
  }

  /// Whether it names a group that its grouping does not have, and so would gather nobody.
  public var isUnknownGroup: Bool {
    guard case .group(let grouping, let key) = self else { return false }
    return !grouping.keys.contains(key)
  }

  /// The written form.
  public var text: String {
    switch self {
    case .exact(let code): code
    case .prefix(let head): head + "*"
    case .group(let grouping, let key): "\(grouping.rawValue):\(key)"
    }
  }

  /// Whether a code is meant. `diagnosis` is the code as a diagnosis, where it is one.
  func matches(_ code: String, _ diagnosis: DiagnosisCode?) -> Bool {
    switch self {
    case .exact(let own): code == own
    case .prefix(let head): code.utf8.starts(with: head.utf8)
    case .group(let grouping, let key): diagnosis.map { grouping.contains($0, key) } ?? false
    }
  }
}

/// A clinical quantity or fact of a recipe: the codes under which sites record it, and what its
/// values are.
public struct RecordVariable: Sendable, Hashable, Codable {
  public enum Kind: Sendable, Hashable {
    /// Numbers in `unit`; outside `hardRange` they become missing, outside `warnRange` they are
    /// counted.
    case number(unit: String?, hardRange: ClosedRange<Double>?, warnRange: ClosedRange<Double>?)
    /// Words: an event's text or, where it has none, its number.
    case category
    /// Only that and when it happened.
    case occurrence
  }

  public var name: String
  public var codes: [CodePattern]
  public var kind: Kind
  /// Key of ``ClinicalVariable``, whose units and conversions apply.
  public var clinical: String?
  /// Numbers that mean "not recorded", as -1 or 999.
  public var missingValues: [Double]

  public init(
    _ name: String, codes: [CodePattern], kind: Kind = .occurrence, clinical: String? = nil,
    missingValues: [Double] = []
  ) {
    self.name = name
    self.codes = codes
    self.kind = kind
    self.clinical = clinical
    self.missingValues = missingValues
  }

  /// A numeric variable of the dictionary, with its canonical unit, ranges, and codes: its own key,
  /// its LOINC codes and its OMOP concepts, besides `codes`. Nil when the key is unknown.
  public init?(_ name: String, clinical key: String, codes: [CodePattern] = []) {
    guard let variable = ClinicalVariable.named(key) else { return nil }
    self.init(
      name, codes: codes + ClinicalCodes.patterns(variable.key),
      kind: .number(
        unit: variable.unit, hardRange: variable.hardRange, warnRange: variable.warnRange),
      clinical: variable.key)
  }

  /// The same variable of the dictionary with its values in another unit: ranges that are still in
  /// the unit they had are converted with it. Nil when no conversion between the two is known.
  public func inUnit(_ other: String) -> RecordVariable? {
    guard case .number(let unit, let hard, let warn) = kind else { return nil }
    guard let conversion = try? UnitConversion.from(unit, to: other, feature: clinical ?? name)
    else { return nil }
    func converted(_ range: ClosedRange<Double>) -> ClosedRange<Double> {
      let ends = [conversion.apply(range.lowerBound), conversion.apply(range.upperBound)]
      return min(ends[0], ends[1])...max(ends[0], ends[1])
    }
    var variable = self
    variable.kind = .number(
      unit: other, hardRange: hard.map(converted), warnRange: warn.map(converted))
    return variable
  }

  func write(to writer: inout ByteWriter) {
    writer.string(name)
    writer.array(codes) { $0.string($1.text) }
    writer.optional(clinical) { $0.string($1) }
    writer.array(missingValues) { $0.double($1) }
    switch kind {
    case .number(let unit, let hard, let warn):
      writer.integer(UInt8(0))
      writer.optional(unit) { $0.string($1) }
      for range in [hard, warn] {
        writer.optional(range) {
          $0.double($1.lowerBound)
          $0.double($1.upperBound)
        }
      }
    case .category: writer.integer(UInt8(1))
    case .occurrence: writer.integer(UInt8(2))
    }
  }
}
