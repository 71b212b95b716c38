import Cohort

/// Second pass over the records: gathers what the rows' features and outcomes need.
///
/// Memory is rows × channels, whatever the number of records. The table does not depend on the order of
/// the records, nor on how they are divided into batches.
public struct FeatureBuilder: Sendable {
  /// The most accumulators, rows × channels: about 80 GB, beyond which a recipe is a mistake.
  public static let maximumCells = 1 << 30

  let recipe: RecordsRecipe
  let plan: FeaturePlan
  let index: CohortIndex?
  /// The prediction of every subject's one row, when there is no index.
  private let start: PredictionTime
  private let removesDuplicates: Bool
  private var binding: EventBinding
  private var marks: RecordMarks
  private(set) var cells: [Accumulator] = []
  /// Sums in billionths, rows × channels with sums alone.
  private(set) var sums: [Int128] = []
  private(set) var moments: [Moments] = []
  private(set) var outcomes: [OutcomeRecord] = []
  /// Last record of each subject that counts as follow-up.
  private(set) var followUps: [Int64] = []
  private(set) var tallies: [VariableTally]
  private(set) var rowCount = 0
  private var seen: Set<DuplicateKey> = []
  /// Records read, and those that no variable gathers.
  public private(set) var eventCount = 0
  public private(set) var unmappedCount = 0

  /// What happened to the outcome of a row.
  struct OutcomeRecord: Sendable, Hashable {
    /// First event that is the outcome inside the window.
    var first = Int64.max
    /// Records of the outcome's variable inside the window.
    var isRecorded = false
    /// The outcome between index and prediction; for a death, at any time before the prediction.
    var isPrevalent = false
    /// The source says that the outcome happened and not when.
    var isUndated = false
  }

  private struct DuplicateKey: Hashable {
    let subject: Int32
    let variable: Int32
    let code: Int32
    let unit: Int32
    let text: Int32
    let span: Int32
    let encounter: Int32
    let time: Int64
    let knownAt: Int64
    let value: UInt64
  }

  /// Index events that make no row because they became known only after their own prediction.
  public var lateIndexCount: Int { index?.lateCount ?? 0 }

  /// `index` is nil only when no scan is needed: then every subject is one row at time 0.
  public init(
    _ recipe: RecordsRecipe, index: CohortIndex?, undeclared: DiagnosisCode.System? = nil
  ) throws(RecordsError) {
    try recipe.validate()
    guard index != nil || !IndexScan.isNeeded(for: recipe) else {
      throw RecordsError(.badRecipe, name: "index", detail: "the index events were not looked up")
    }
    self.recipe = recipe
    plan = FeaturePlan(recipe)
    self.index = index
    start = PredictionTime(index: 0, offset: recipe.predictionOffset)
    removesDuplicates = recipe.removesDuplicates
    binding = EventBinding(recipe, undeclared: undeclared)
    tallies = recipe.variables.map { _ in VariableTally() }
    marks = RecordMarks(variableCount: recipe.variables.count)
    try growRows(index?.rowCount ?? 0)
    if let index {
      followUps = Array(repeating: Int64.min, count: index.subjectCount)
    }
  }

  private mutating func growRows(_ count: Int) throws(RecordsError) {
    guard rowCount < count else { return }
    guard count <= Self.maximumCells / max(1, plan.channels.count) else {
      throw RecordsError(.tooLarge, detail: "too many rows for so many features")
    }
    let missing = count - rowCount
    cells += Array(repeating: Accumulator(), count: missing * plan.channels.count)
    sums += Array(repeating: 0, count: missing * plan.sumCount)
    moments += Array(repeating: Moments(), count: missing * plan.momentCount)
    outcomes += Array(repeating: OutcomeRecord(), count: missing)
    rowCount = count
  }

  /// Takes the events of a batch.
  public mutating func receive(_ batch: EventBatch) throws(RecordsError) {
    binding.extend(batch.lexicon)
    if index == nil {
      try growRows(batch.lexicon.subjects.count)
      let missing = rowCount - followUps.count
      if missing > 0 { followUps += Array(repeating: Int64.min, count: missing) }
    }
    eventCount += batch.events.count
    // Out of the structure for the inner loop: there they are reached as plain memory, without a
    // check for other owners at every record.
    var cells = self.cells
    var sums = self.sums
    var tallies = self.tallies
    self.cells = []
    self.sums = []
    self.tallies = []
    defer {
      self.cells = cells
      self.sums = sums
      self.tallies = tallies
    }
    cells.withUnsafeMutableBufferPointer { cells in
      sums.withUnsafeMutableBufferPointer { sums in
        tallies.withUnsafeMutableBufferPointer { tallies in
          let target = Target(cells: cells, sums: sums, tallies: tallies)
          for event in batch.events { take(event, batch.lexicon.texts, target) }
        }
      }
    }
  }

  /// Where the inner loop writes.
  private struct Target {
    let cells: UnsafeMutableBufferPointer<Accumulator>
    let sums: UnsafeMutableBufferPointer<Int128>
    let tallies: UnsafeMutableBufferPointer<VariableTally>
  }

  @inline(__always)
  private mutating func take(_ event: Event, _ texts: borrowing Interner, _ target: Target) {
    let subject = Int(event.subject)
    guard subject >= 0, subject < followUps.count else { return }
    let isTimed = event.time != RecordTime.always
    let isImpossible = isTimed && (index?.isImpossible(event, subject) ?? false)
    if isTimed, !isImpossible, plan.followUpVariable == nil, event.time > followUps[subject] {
      followUps[subject] = event.time
    }
    let variables = binding.variables(of: event.code)
    if variables.isEmpty { unmappedCount &+= 1 }
    marks.begin(event)
    for position in variables {
      let variable = binding.variable(at: position)
      guard marks.isFirst(variable) else { continue }
      target.tallies[variable].eventCount &+= 1
      if isImpossible {
        target.tallies[variable].impossibleTimeCount &+= 1
        continue
      }
      if removesDuplicates, isDuplicate(event, variable) {
        target.tallies[variable].duplicateCount &+= 1
        continue
      }
      if event.isNeverKnown, isTimed { target.tallies[variable].neverKnownCount &+= 1 }
      if event.isNeverKnown, !isTimed {
        target.tallies[variable].undatedCount &+= 1
        if variable == plan.outcomeVariable, isOutcome(event, variable, texts) {
          for row in index?.rows(of: subject) ?? subject..<(subject + 1) {
            outcomes[row].isUndated = true
          }
        }
        continue
      }
      if variable == plan.followUpVariable, event.time > followUps[subject] {
        followUps[subject] = event.time
      }
      let isNumber = binding.isNumber(variable)
      var value = event.value
      if isNumber {
        value = binding.number(event, variable, &target.tallies[variable])
        if value.isNaN { continue }
      } else if binding.isCategory(variable), binding.isMissing(event, variable) {
        target.tallies[variable].missingCount &+= 1
        continue
      }
      let rows = index?.rows(of: subject) ?? subject..<(subject + 1)
      for row in rows {
        let prediction = index?.rows[row] ?? start
        if variable == plan.outcomeVariable, isTimed,
          event.time != prediction.index || !isAnchor(event.code)
        {
          note(event, value, isNumber, texts, row, prediction)
        }
        let known =
          variable == plan.birthVariable ? prediction.knownBirth(event) : prediction.known(event)
        if let known {
          add(known, value, isNumber ? nil : event.text, texts, variable, row, prediction, target)
        }
      }
    }
  }

  /// Whether an undated record is the outcome, by its value. Its value is in no tally: it is in no feature.
  private mutating func isOutcome(
    _ event: Event, _ variable: Int, _ texts: borrowing Interner
  ) -> Bool {
    guard let condition = recipe.outcome?.condition else { return true }
    var value = event.value
    var unused = VariableTally()
    if binding.isNumber(variable) { value = binding.number(event, variable, &unused) }
    return condition.isMet(
      number: value, text: event.text == Lexicon.none ? nil : texts.text(event.text))
  }

  private mutating func isDuplicate(_ event: Event, _ variable: Int) -> Bool {
    let key = DuplicateKey(
      subject: event.subject, variable: Int32(variable), code: event.code, unit: event.unit,
      text: event.text, span: event.span, encounter: event.encounter, time: event.time,
      knownAt: event.knownAt,
      value: event.value.isNaN ? 0x7FF8 << 48 : (event.value + 0).bitPattern)
    return !seen.insert(key).inserted
  }

  /// Whether events of a code are index events.
  private func isAnchor(_ code: Int32) -> Bool {
    guard let anchor = plan.anchorVariable else { return false }
    return binding.variables(of: code).contains { binding.variable(at: $0) == anchor }
  }

  @inline(__always)
  private mutating func add(
    _ event: KnownEvent, _ value: Double, _ text: Int32?, _ texts: borrowing Interner,
    _ variable: Int, _ row: Int, _ prediction: PredictionTime, _ target: Target
  ) {
    for position in plan.channels(of: variable) {
      let channel = plan.channel(at: position)
      let window = plan.channels[channel].window
      guard event.time >= window.start(index: prediction.index, prediction: prediction.seconds),
        event.time <= window.end(index: prediction.index, prediction: prediction.seconds)
      else { continue }
      let cell = row * plan.channels.count + channel
      if let text {
        target.cells[cell].add(event, text: text, value: value, texts: texts)
        continue
      }
      target.cells[cell].add(event, value: value)
      switch plan.depths[channel] {
      case .extremes: break
      case .sum:
        // 2^63 records of the largest value stay below 2^127.
        target.sums[row * plan.sumCount + plan.sumSlots[channel]] &+=
          Int128(Moments.scaled(value))
      case .moments:
        let before = prediction.seconds - RecordTime.clamping(event.time)
        moments[row * plan.momentCount + plan.momentSlots[channel]].add(value, before: before)
      }
    }
  }

  /// Counts a record of the outcome's variable.
  ///
  /// Where the source says only the day, the outcome may lie on either side of the prediction: it
  /// is the outcome unless it certainly came before, so that nobody who died that day is a
  /// survivor. It is prevalent only when it certainly came before the prediction, and possibly after
  /// the index. The record that is the row's own index event is neither, nor is one of the index event's
  /// day that nobody can say to come after it (``RecordOutcome/countsSameDay``).
  private mutating func note(
    _ event: Event, _ value: Double, _ isNumber: Bool, _ texts: borrowing Interner, _ row: Int,
    _ prediction: PredictionTime
  ) {
    guard let outcome = recipe.outcome else { return }
    let isOutcome =
      outcome.condition.map { condition in
        condition.isMet(
          number: value, text: event.text == Lexicon.none ? nil : texts.text(event.text))
      } ?? true
    if event.latest <= prediction.seconds {
      if isOutcome, plan.isOutcomeDeath || event.latest > prediction.index {
        outcomes[row].isPrevalent = true
      }
      return
    }
    if let horizon = outcome.horizon,
      RecordTime.clamping(event.time) - prediction.seconds > horizon
    {
      return
    }
    if isOfIndexDay(event, prediction), !follows(event, prediction) { return }
    outcomes[row].isRecorded = true
    let time = max(event.time, prediction.seconds + 1)
    if isOutcome { outcomes[row].first = min(outcomes[row].first, time) }
  }

  /// Whether a record and the row's index event may each have come first: one of them is known by its day
  /// only, which is the other's too.
  @inline(__always)
  private func isOfIndexDay(_ event: Event, _ prediction: PredictionTime) -> Bool {
    guard event.span > 0 || prediction.span > 0 else { return false }
    return event.time <= prediction.index + Int64(prediction.span)
      && event.latest >= prediction.index
  }

  /// Whether such a record counts as coming after the index event. Not when it begins the very stay that
  /// the index event ends; by all means when it begins another.
  private func follows(_ event: Event, _ prediction: PredictionTime) -> Bool {
    if event.encounter > 0, prediction.encounter < 0 {
      return prediction.encounter == PredictionTime.several
        || event.encounter != -prediction.encounter
    }
    return plan.countsSameDay
  }
}
