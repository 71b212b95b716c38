import Cohort

/// Regular grids for sequence learners: for every row of a recipe, every number that its features use, at
/// every step up to the prediction time, with a mask and the time since the last value.
///
/// A value enters a step when it had happened and was known at the step's end, never before; that is the
/// same rule by which features are made (GRU-D inputs: Che et al., Scientific Reports 2018;8:6085).
/// Memory is rows × numbers × steps, whatever the number of records.
public struct SequenceGrid: Sendable {
  /// The variables of the channels, in the order of the recipe.
  public let variables: [String]
  /// Seconds of a step, and how many there are; the last one ends at the prediction time.
  public let step: Int64
  public let stepCount: Int
  /// Seconds for which a value is carried forward; nil for ever.
  public let maximumAge: Int64?

  /// One channel in one step.
  public struct Cell: Sendable, Hashable {
    /// The last value, carried forward; not-a-number where there is none young enough.
    public var value: Double
    /// Whether one became known in the step.
    public var isObserved: Bool
    /// Hours from the last value to the end of the step; not-a-number where there is none, or no time of
    /// it.
    public var hoursSince: Double
  }

  /// A row of the grid: who, and when the index event was.
  public struct Key: Sendable, Hashable {
    public var subject: String
    public var indexTime: Int64
  }

  private let recipe: RecordsRecipe
  private let index: CohortIndex?
  private let channels: [Int: Int]
  private var binding: EventBinding
  private var marks: RecordMarks
  private var cells: [Accumulator] = []
  private var rowCount = 0
  private var tally = VariableTally()

  /// - Parameters:
  ///   - index: of the recipe's scan; nil where none is needed.
  ///   - span: seconds that the grid looks back from the prediction time; nil for the time since the index
  ///     event.
  /// - Throws: `badRecipe` when there is no time to divide or no number; `tooLarge`.
  public init(
    _ recipe: RecordsRecipe, index: CohortIndex?, undeclared: DiagnosisCode.System? = nil,
    step: Int64, span: Int64? = nil, maximumAge: Int64? = nil
  ) throws(RecordsError) {
    try recipe.validate()
    let span = span ?? recipe.predictionOffset
    guard step > 0, span >= step, (maximumAge ?? 1) > 0 else {
      throw RecordsError(
        .badRecipe, name: "grid", detail: "the time before the prediction is shorter than a step")
    }
    guard span / step <= 100_000 else { throw RecordsError(.tooLarge, detail: "too many steps") }
    guard index != nil || !IndexScan.isNeeded(for: recipe) else {
      throw RecordsError(.badRecipe, name: "index", detail: "the index events were not looked up")
    }
    let used = Set(recipe.features.filter { !$0.isLabel }.map(\.measure.variable))
    var channels: [Int: Int] = [:]
    var names: [String] = []
    for (number, variable) in recipe.variables.enumerated() where used.contains(variable.name) {
      guard case .number = variable.kind else { continue }
      channels[number] = names.count
      names.append(variable.name)
    }
    guard !names.isEmpty else {
      throw RecordsError(.badRecipe, name: "features", detail: "no feature is of a number")
    }
    self.recipe = recipe
    self.index = index
    self.step = step
    self.maximumAge = maximumAge
    self.channels = channels
    stepCount = Int((span + step - 1) / step)
    variables = names
    binding = EventBinding(recipe, undeclared: undeclared)
    marks = RecordMarks(variableCount: recipe.variables.count)
    try grow(index?.rowCount ?? 0)
  }

  private mutating func grow(_ count: Int) throws(RecordsError) {
    guard rowCount < count else { return }
    let perRow = variables.count * (stepCount + 1)
    guard count <= FeatureBuilder.maximumCells / perRow else {
      throw RecordsError(.tooLarge, detail: "too many rows for so many steps")
    }
    cells += Array(repeating: Accumulator(), count: (count - rowCount) * perRow)
    rowCount = count
  }

  /// Takes the events of a batch.
  public mutating func receive(_ batch: EventBatch) throws(RecordsError) {
    binding.extend(batch.lexicon)
    if index == nil { try grow(batch.lexicon.subjects.count) }
    for event in batch.events {
      let subject = Int(event.subject)
      guard subject >= 0 else { continue }
      marks.begin(event)
      for position in binding.variables(of: event.code) {
        let variable = binding.variable(at: position)
        guard marks.isFirst(variable) else { continue }
        guard let channel = channels[variable],
          !(event.time != RecordTime.always && index?.isImpossible(event, subject) ?? false)
        else { continue }
        let value = binding.number(event, variable, &tally)
        guard !value.isNaN else { continue }
        let rows = index?.rows(of: subject) ?? subject..<min(subject + 1, rowCount)
        for row in rows {
          let time = prediction(row)
          guard let known = time.known(event) else { continue }
          // Slot 0 is all that was known before the first step.
          let back = (time.seconds - RecordTime.clamping(known.knownAt)) / step
          let slot = max(0, stepCount - Int(clamping: back))
          cells[(row * variables.count + channel) * (stepCount + 1) + slot].add(known, value: value)
        }
      }
    }
  }

  private func prediction(_ row: Int) -> PredictionTime {
    index?.rows[row] ?? PredictionTime(index: 0, offset: recipe.predictionOffset)
  }

  /// The rows, by subject and time of the index event.
  public func rows(_ lexicon: Lexicon) -> [Key: Int] {
    var rows: [Key: Int] = [:]
    for row in 0..<rowCount {
      let subject = index.map { $0.subjects[row] } ?? Int32(row)
      rows[Key(subject: lexicon.subjects.text(subject), indexTime: prediction(row).index)] = row
    }
    return rows
  }

  /// Hours from the index event to the end of a step of a row.
  public func hours(row: Int, step number: Int) -> Double {
    let time = prediction(row)
    return Double(end(time, number) - time.index) / 3600
  }

  private func end(_ time: PredictionTime, _ number: Int) -> Int64 {
    time.seconds - Int64(stepCount - 1 - number) * step
  }

  /// One channel of a row, step by step.
  public func channel(row: Int, _ channel: Int) -> [Cell] {
    let start = (row * variables.count + channel) * (stepCount + 1)
    let time = prediction(row)
    var last = cells[start]
    return (0..<stepCount).map { number in
      let own = cells[start + number + 1]
      // A late result of an earlier time is no newer value.
      if own.count > 0, last.count == 0 || own.lastTime >= last.lastTime { last = own }
      guard last.count > 0 else {
        return Cell(value: .nan, isObserved: own.count > 0, hoursSince: .nan)
      }
      let isTimed = last.lastTime != RecordTime.always
      let age = isTimed ? end(time, number) - RecordTime.clamping(last.lastTime) : 0
      let isYoung = maximumAge.map { age <= $0 } ?? true
      return Cell(
        value: isYoung ? last.last : .nan, isObserved: own.count > 0,
        hoursSince: isTimed ? Double(age) / 3600 : .nan)
    }
  }
}
