import Cohort

/// First pass over the records: finds each subject's index events, birth and death.
///
/// An index event that becomes known only after its own prediction time makes no row: nobody could
/// have predicted then. A date alone is no such event, since the day itself is when it is known.
///
/// Memory is the subjects and their index events, not the records.
public struct IndexScan: Sendable {
  /// The most index events of one subject.
  public static let maximumPerSubject = 100_000

  /// Whether a recipe needs this pass at all: not when every subject's index time is the source's
  /// own start and no record can be impossible.
  public static func isNeeded(for recipe: RecordsRecipe) -> Bool {
    if case .event = recipe.index.anchor { return true }
    return recipe.birth != nil || recipe.death != nil
  }

  let recipe: RecordsRecipe
  private var binding: EventBinding
  private var marks: RecordMarks
  private let anchor: Int?
  private let condition: ValueCondition?
  private let birth: Int?
  private let death: Int?
  private var candidates: [[Candidate]] = []
  private var births: [Int64] = []
  private var deaths: [Death] = []
  private var tally = VariableTally()
  /// Index events that became known only after their prediction.
  private(set) var lateCount = 0
  /// Records read.
  public private(set) var eventCount = 0

  /// An index event.
  private struct Candidate {
    var time: Int64
    var span: Int32
    var encounter: Int32

    /// Two index events at one time make one row, whatever their order: known as exactly as the less
    /// exact, of one stay or of several.
    mutating func join(_ other: Candidate) {
      span = max(span, other.span)
      if encounter != other.encounter { encounter = PredictionTime.several }
    }
  }

  public init(
    _ recipe: RecordsRecipe, undeclared: DiagnosisCode.System? = nil
  ) throws(RecordsError) {
    try recipe.validate()
    self.recipe = recipe
    binding = EventBinding(recipe, undeclared: undeclared)
    marks = RecordMarks(variableCount: recipe.variables.count)
    func number(_ name: String?) -> Int? {
      name.flatMap { name in recipe.variables.firstIndex { $0.name == name } }
    }
    if case .event(let variable, let condition) = recipe.index.anchor {
      anchor = number(variable)
      self.condition = condition
    } else {
      anchor = nil
      condition = nil
    }
    birth = number(recipe.birth)
    death = number(recipe.death)
  }

  /// Takes the events of a batch.
  public mutating func receive(_ batch: EventBatch) throws(RecordsError) {
    binding.extend(batch.lexicon)
    grow(batch.lexicon.subjects.count)
    eventCount += batch.events.count
    for event in batch.events {
      marks.begin(event)
      for position in binding.variables(of: event.code) {
        let variable = binding.variable(at: position)
        guard marks.isFirst(variable) else { continue }
        let subject = Int(event.subject)
        guard subject >= 0, subject < candidates.count, event.time != RecordTime.always else {
          continue
        }
        if variable == birth {
          births[subject] = min(births[subject], event.time - Int64(event.span))
        }
        if variable == death { deaths[subject].join(event) }
        guard variable == anchor else { continue }
        if let condition {
          let value =
            binding.isNumber(variable) ? binding.number(event, variable, &tally) : event.value
          let text = event.text == Lexicon.none ? nil : batch.lexicon.texts.text(event.text)
          guard condition.isMet(number: value, text: text) else { continue }
        }
        let prediction = PredictionTime(index: event.time, offset: recipe.predictionOffset)
        guard event.knownAt <= max(prediction.seconds, event.latest) else {
          lateCount += 1
          continue
        }
        try note(
          Candidate(time: event.time, span: event.span, encounter: event.encounter), subject)
      }
    }
  }

  private mutating func grow(_ count: Int) {
    guard candidates.count < count else { return }
    let missing = count - candidates.count
    candidates += Array(repeating: [], count: missing)
    births += Array(repeating: .max, count: missing)
    deaths += Array(repeating: Death(), count: missing)
  }

  private mutating func note(_ event: Candidate, _ subject: Int) throws(RecordsError) {
    switch recipe.index.occurrence {
    case .first, .last:
      guard let kept = candidates[subject].first else {
        candidates[subject] = [event]
        return
      }
      if event.time == kept.time {
        candidates[subject][0].join(event)
      } else if (event.time < kept.time) == (recipe.index.occurrence == .first) {
        candidates[subject][0] = event
      }
    case .every:
      guard candidates[subject].count < Self.maximumPerSubject else {
        throw RecordsError(.tooLarge, detail: "a subject has too many index events")
      }
      candidates[subject].append(event)
    }
  }

  /// The rows that the records allow, before inclusion and exclusion.
  public func finish(_ lexicon: Lexicon) -> CohortIndex {
    var index = CohortIndex(births: births, deaths: deaths, lateCount: lateCount)
    let fromStart = anchor == nil
    for subject in 0..<lexicon.subjects.count {
      var kept: [Candidate] = []
      let found =
        fromStart
        ? [Candidate(time: 0, span: 0, encounter: 0)]
        : (subject < candidates.count ? candidates[subject].sorted { $0.time < $1.time } : [])
      for event in found {
        if let last = kept.last, last.time == event.time {
          kept[kept.count - 1].join(event)
        } else if kept.last.map({ event.time - $0.time >= recipe.index.minimumGap }) ?? true {
          kept.append(event)
        }
      }
      for event in kept {
        index.append(
          PredictionTime(
            index: event.time, offset: recipe.predictionOffset, span: event.span,
            encounter: event.encounter))
      }
      index.endSubject()
    }
    return index
  }
}

/// Between which moments a subject died: those of its exactest record, `Int64.max` where none is there.
struct Death: Sendable, Hashable {
  private(set) var earliest = Int64.max
  private(set) var latest = Int64.max

  /// Of two records the one that ends earlier holds, and of a day and an hour in it the hour: whatever their
  /// order.
  mutating func join(_ event: Event) {
    guard event.latest < latest || (event.latest == latest && event.time > earliest) else { return }
    earliest = event.time
    latest = event.latest
  }
}

/// The rows of the table to come: every index event of every subject with its prediction time.
public struct CohortIndex: Sendable {
  /// First row of each subject, and the number of rows at the end.
  private(set) var starts: [Int32] = [0]
  private(set) var rows: [PredictionTime] = []
  private(set) var subjects: [Int32] = []
  /// The earliest moment of each subject's birth, `Int64.max` where none is recorded, and its death.
  private(set) var births: [Int64]
  private(set) var deaths: [Death]
  /// Index events that make no row because they became known only after their prediction.
  public let lateCount: Int

  init(births: [Int64], deaths: [Death], lateCount: Int) {
    self.births = births
    self.deaths = deaths
    self.lateCount = lateCount
  }

  /// Rows.
  public var rowCount: Int { rows.count }
  /// Subjects, with or without rows.
  public var subjectCount: Int { starts.count - 1 }

  mutating func append(_ time: PredictionTime) {
    rows.append(time)
    subjects.append(Int32(starts.count - 1))
  }

  mutating func endSubject() { starts.append(Int32(clamping: rows.count)) }

  /// Rows of a subject.
  @inline(__always)
  func rows(of subject: Int) -> Range<Int> {
    guard subject >= 0, subject + 1 < starts.count else { return 0..<0 }
    return Int(starts[subject])..<Int(starts[subject + 1])
  }

  /// Whether a subject may have died by so many seconds after a prediction, seen from the end of all records:
  /// where the source says only the day of one of them, on the same day. Not without a record of a dated death.
  func mayHaveDied(_ subject: Int, within seconds: Int64, of prediction: PredictionTime) -> Bool {
    guard deaths.indices.contains(subject), deaths[subject].latest != .max else { return false }
    return deaths[subject].earliest
      <= prediction.seconds + Int64(prediction.span) + max(0, min(seconds, RecordTime.bound))
  }

  /// Whether a record of a subject lies certainly before birth, or more than a day after death: at
  /// the end that leaves it possible, where the source says only the day or the year.
  @inline(__always)
  func isImpossible(_ event: Event, _ subject: Int) -> Bool {
    guard subject < births.count else { return false }
    if births[subject] != .max, event.latest < births[subject] { return true }
    let death = deaths[subject].latest
    return death != .max && event.time > death && event.time &- death > RecordTime.day
  }
}
