import CanonicalBytes
import Cohort

/// How raw records become the rows and columns of a study: plain data, the same at every site.
///
/// A row is an index event of a subject. Its features look back from the prediction time, its
/// outcome looks forward; the two kinds of window are different types.
public struct RecordsRecipe: Sendable, Hashable, Codable {
  /// The most variables, features and criteria, each.
  public static let maximumParts = 4096

  public var variables: [RecordVariable]
  /// Variable that marks a subject's birth; records before it are impossible.
  public var birth: String?
  /// Variable that marks a subject's death; records more than a day after it are impossible.
  public var death: String?
  public var index: IndexRule
  /// Seconds from the index time to the prediction time, not negative.
  public var predictionOffset: Int64
  public var criteria: [RecordCriterion]
  /// Nil for a table to predict on.
  public var outcome: RecordOutcome?
  public var features: [FeatureRequest]
  public var derived: [DerivedFeature]
  /// Records equal in subject, variable, code, unit, time, known-at and value count once, whatever
  /// their order. Costs about 100 bytes for every different record that a variable gathers, so it is
  /// off unless asked for.
  public var removesDuplicates: Bool

  public init(
    variables: [RecordVariable], birth: String? = nil, death: String? = nil, index: IndexRule,
    predictionOffset: Int64 = 0, criteria: [RecordCriterion] = [], outcome: RecordOutcome? = nil,
    features: [FeatureRequest], derived: [DerivedFeature] = [], removesDuplicates: Bool = false
  ) {
    self.variables = variables
    self.birth = birth
    self.death = death
    self.index = index
    self.predictionOffset = predictionOffset
    self.criteria = criteria
    self.outcome = outcome
    self.features = features
    self.derived = derived
    self.removesDuplicates = removesDuplicates
  }

  /// The canonical bytes: what is hashed into the study and compared between sites.
  public func write(to writer: inout ByteWriter) {
    writer.array(variables) { $1.write(to: &$0) }
    writer.optional(birth) { $0.string($1) }
    writer.optional(death) { $0.string($1) }
    switch index.anchor {
    case .start: writer.integer(UInt8(0))
    case .event(let variable, let condition):
      writer.integer(UInt8(1))
      writer.string(variable)
      writer.optional(condition) { $1.write(to: &$0) }
    }
    writer.string(index.occurrence.rawValue)
    writer.integer(index.minimumGap)
    writer.integer(predictionOffset)
    writer.array(criteria) { $1.write(to: &$0) }
    writer.optional(outcome) { $1.write(to: &$0) }
    writer.array(features) { $1.write(to: &$0) }
    writer.array(derived) { $1.write(to: &$0) }
    writer.boolean(removesDuplicates)
  }

  /// Throws when a name is unknown or taken twice, a function does not fit its variable, or a
  /// duration is out of range.
  public func validate() throws(RecordsError) {
    func fail(_ name: String, _ detail: String) -> RecordsError {
      RecordsError(.badRecipe, name: name, detail: detail)
    }
    for count in [variables.count, features.count, criteria.count, derived.count]
    where count > Self.maximumParts {
      throw RecordsError(.tooLarge, detail: "at most \(Self.maximumParts) of each kind")
    }
    guard !features.isEmpty else { throw fail("features", "a table needs at least one feature") }
    var kinds: [String: RecordVariable.Kind] = [:]
    for variable in variables {
      guard !variable.name.isEmpty, !variable.codes.isEmpty else {
        throw fail(variable.name, "a variable needs a name and at least one code")
      }
      for pattern in variable.codes where pattern.isUnknownGroup {
        throw fail(variable.name, "there is no group `\(pattern.text)`")
      }
      guard kinds.updateValue(variable.kind, forKey: variable.name) == nil else {
        throw fail(variable.name, "two variables have this name")
      }
    }
    func known(_ name: String) throws(RecordsError) -> RecordVariable.Kind {
      guard let kind = kinds[name] else { throw fail(name, "there is no such variable") }
      return kind
    }
    func check(_ measure: Measure) throws(RecordsError) {
      guard measure.function.fits(try known(measure.variable)) else {
        throw fail(
          measure.variable, "`\(measure.function.rawValue)` cannot be asked of this variable")
      }
      switch measure.window {
      case .last(let seconds), .first(let seconds):
        guard (1...RecordTime.bound).contains(seconds) else {
          throw fail(measure.variable, "a window must be longer than nothing")
        }
      case .ever, .sinceIndex: break
      }
    }
    var names: Set<String> = []
    for feature in features {
      try check(feature.measure)
      guard !feature.name.isEmpty, names.insert(feature.name).inserted else {
        throw fail(feature.name, "two features have this name")
      }
    }
    for feature in derived {
      guard feature.operands.count == feature.interaction.operandCount else {
        throw fail(feature.name, "it takes \(feature.interaction.operandCount) features")
      }
      for operand in feature.operands where !names.contains(operand) {
        throw fail(feature.name, "there is no feature `\(operand)` before it")
      }
      guard !feature.name.isEmpty, names.insert(feature.name).inserted else {
        throw fail(feature.name, "two features have this name")
      }
    }
    for criterion in criteria {
      if let seconds = criterion.deathWithin {
        guard death != nil, criterion.measure.variable == death else {
          throw fail(
            "death", "a rule about the death needs to know it: write `subject: {death: VARIABLE}`")
        }
        guard (0...RecordTime.bound).contains(seconds) else {
          throw fail("death", "durations cannot be negative")
        }
      }
      try check(criterion.measure)
    }
    for name in [birth, death, outcome?.variable, outcome?.followUpVariable] {
      if let name { _ = try known(name) }
    }
    if case .event(let variable, _) = index.anchor { _ = try known(variable) }
    let durations = [predictionOffset, index.minimumGap, outcome?.horizon ?? 0]
    guard durations.allSatisfy({ (0...RecordTime.bound).contains($0) }) else {
      throw fail("index", "durations cannot be negative")
    }
    if let outcome, outcome.horizon == 0 {
      throw fail(outcome.name, "a window of no length holds no outcome: write `within: 24 h`")
    }
    if let outcome {
      for reserved in Self.reservedColumns(outcome) where names.contains(reserved) {
        throw fail(reserved, "this name is the outcome's")
      }
    }
  }

  /// Names of columns that are not features.
  static func reservedColumns(_ outcome: RecordOutcome) -> [String] {
    ["subject", "index_time", outcome.name, outcome.name + "_hours", outcome.name + "_censored"]
  }
}
