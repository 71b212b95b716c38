import CanonicalBytes
import Cohort

/// Which events make rows of the table.
public struct IndexRule: Sendable, Hashable, Codable {
  public enum Anchor: Sendable, Hashable, Codable {
    /// The source's own start: each subject has one index event at time 0.
    case start
    /// Events of a variable; with a `condition` only those whose value meets it.
    case event(variable: String, condition: ValueCondition?)
  }

  public enum Occurrence: String, Sendable, Hashable, Codable, CaseIterable {
    case first
    case last
    case every
  }

  public var anchor: Anchor
  public var occurrence: Occurrence
  /// Index events of one subject lie at least this many seconds apart; nearer ones are left out.
  public var minimumGap: Int64

  public init(_ anchor: Anchor, _ occurrence: Occurrence = .first, minimumGap: Int64 = 0) {
    self.anchor = anchor
    self.occurrence = occurrence
    self.minimumGap = minimumGap
  }
}

/// A comparison with a number or with words.
public struct ValueCondition: Sendable, Hashable, Codable {
  public var comparison: Comparison
  public var values: [String]

  public init(_ comparison: Comparison, _ values: [String]) {
    self.comparison = comparison
    self.values = values
  }

  /// Whether a value meets the condition; a missing value meets none.
  public func isMet(number: Double, text: String?) -> Bool {
    if comparison == .present { return !number.isNaN || text != nil }
    if let text, number.isNaN || comparison == .oneOf {
      let own = CellText.canonical(text)
      switch comparison {
      case .equal: return values.contains { CellText.canonical($0) == own }
      case .notEqual: return !values.contains { CellText.canonical($0) == own }
      case .oneOf: return values.contains { CellText.canonical($0) == own }
      default: return false
      }
    }
    guard !number.isNaN else { return false }
    let bounds = values.compactMap { CellText.number($0) }
    guard let bound = bounds.first else { return false }
    switch comparison {
    case .less: return number < bound
    case .lessOrEqual: return number <= bound
    case .equal: return number == bound
    case .notEqual: return number != bound
    case .greaterOrEqual: return number >= bound
    case .greater: return number > bound
    case .oneOf: return bounds.contains(number)
    case .present: return true
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.string(comparison.rawValue)
    writer.array(values) { $0.string($1) }
  }
}

/// One step of inclusion or exclusion, counted in the flow.
public struct RecordCriterion: Sendable, Hashable, Codable {
  public var measure: Measure
  public var condition: ValueCondition
  /// Rows that meet the condition are left out rather than kept.
  public var excludes: Bool
  public var reason: String
  /// Of a rule about the subject's death, ``RecordsRecipe/death``: the most seconds after the prediction by
  /// which the patient may have died, not negative; it decides instead of `measure` and `condition`.
  ///
  /// No feature can say this: of a death whose day alone is known nobody knew at the hour of a discharge on
  /// that day, and yet the patient did not go home.
  public var deathWithin: Int64?

  public init(
    _ measure: Measure, _ condition: ValueCondition, excludes: Bool = false, reason: String
  ) {
    self.measure = measure
    self.condition = condition
    self.excludes = excludes
    self.reason = reason
  }

  /// A rule about the subject's death, ``deathWithin``.
  ///
  /// - Parameter variable: the recipe's ``RecordsRecipe/death``.
  public init(
    deathWithin seconds: Int64, of variable: String, excludes: Bool = false, reason: String
  ) {
    self.init(
      Measure(variable, .ever, .present), ValueCondition(.greaterOrEqual, ["1"]),
      excludes: excludes, reason: reason)
    deathWithin = seconds
  }

  func write(to writer: inout ByteWriter) {
    measure.write(to: &writer)
    condition.write(to: &writer)
    writer.boolean(excludes)
    writer.string(reason)
    writer.optional(deathWithin) { $0.integer($1) }
  }
}

/// What is predicted: an event in the time after the prediction.
public struct RecordOutcome: Sendable, Hashable, Codable {
  /// What a subject without any record of the outcome in the window is.
  public enum Absence: String, Sendable, Hashable, Codable, CaseIterable {
    /// Without the outcome.
    case negative
    /// Unknown, and left out.
    case unknown
  }

  /// What becomes of rows whose records end before the horizon without the outcome.
  public enum Censoring: String, Sendable, Hashable, Codable, CaseIterable {
    case exclude
    case negative
    /// Kept with the time at which the records end, for survival models.
    case keep
  }

  public var name: String
  public var variable: String
  /// Events whose value does not meet it are records of the variable, but not the outcome.
  public var condition: ValueCondition?
  /// Seconds after the prediction time, exclusive of it, inclusive of the end; nil is without end.
  public var horizon: Int64?
  public var absence: Absence
  public var censoring: Censoring
  /// Rows with the outcome between index and prediction are not at risk and are left out.
  public var requiresAtRisk: Bool
  /// Variable whose last event ends a subject's follow-up; nil takes the last record of any kind.
  public var followUpVariable: String?
  /// Whether a record of which only the day is known, the day of the index event, comes after that
  /// event. The record that begins the stay which the index event ends never does, and one that begins
  /// another stay always does, where the source names stays. Of all others nobody can say; nil counts
  /// them, so that nobody who died that day is a survivor, unless all codes of the outcome are starts
  /// of visits: then the record is taken for the index stay's own.
  public var countsSameDay: Bool?

  public init(
    _ name: String, variable: String, condition: ValueCondition? = nil, horizon: Int64? = nil,
    absence: Absence = .negative, censoring: Censoring = .negative, requiresAtRisk: Bool = true,
    followUpVariable: String? = nil, countsSameDay: Bool? = nil
  ) {
    self.name = name
    self.variable = variable
    self.condition = condition
    self.horizon = horizon
    self.absence = absence
    self.censoring = censoring
    self.requiresAtRisk = requiresAtRisk
    self.followUpVariable = followUpVariable
    self.countsSameDay = countsSameDay
  }

  func write(to writer: inout ByteWriter) {
    writer.string(name)
    writer.string(variable)
    writer.optional(condition) { $1.write(to: &$0) }
    writer.optional(horizon) { $0.integer($1) }
    writer.string(absence.rawValue)
    writer.string(censoring.rawValue)
    writer.boolean(requiresAtRisk)
    writer.optional(followUpVariable) { $0.string($1) }
    writer.optional(countsSameDay) { $0.boolean($1) }
  }
}
