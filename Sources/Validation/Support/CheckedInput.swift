/// Predicted risks and outcomes after the checks every measure needs.
///
/// Rows are kept in ascending order of score, patients without the outcome first among equal
/// scores. A measure that sums over these rows gives the same bits however the caller ordered the
/// patients, which is what makes a signed result reproducible.
struct CheckedInput {
  /// Scores in ascending order.
  let scores: [Double]
  /// The outcome of the row at the same index.
  let outcomes: [Bool]
  /// Whose the row at the same index is; nil when every row is another patient's.
  let patients: [Int32]?
  /// How many rows have the outcome.
  let eventCount: Int

  /// How many rows there are.
  var count: Int { scores.count }
  /// How many rows do not have the outcome.
  var nonEventCount: Int { count - eventCount }

  /// Checks lengths and finiteness, and that scores are risks when `asRisks` is true.
  init(
    scores: [Double], outcomes: [Bool], patients: [Int32]? = nil, asRisks: Bool
  ) throws(ValidationError) {
    guard patients.map({ $0.count == scores.count }) ?? true else {
      throw ValidationError(.lengthMismatch, "one patient per score", field: "patients")
    }
    guard scores.count == outcomes.count else {
      throw ValidationError(
        .lengthMismatch, "scores and outcomes must have one entry per patient", field: "outcomes")
    }
    for index in scores.indices {
      let score = scores[index]
      guard score.isFinite else {
        throw ValidationError(
          .outOfRange, "a score must be a finite number", field: "scores", index: index)
      }
      guard !asRisks || (score >= 0 && score <= 1) else {
        throw ValidationError(
          .outOfRange, "a predicted risk must lie in [0, 1]", field: "scores", index: index)
      }
    }
    let order = scores.indices.sorted { left, right in
      if scores[left] != scores[right] { return scores[left] < scores[right] }
      return !outcomes[left] && outcomes[right]
    }
    // Adding zero turns a negative zero into zero, so that equal scores have equal bits.
    self.scores = order.map { scores[$0] + 0 }
    self.outcomes = order.map { outcomes[$0] }
    self.patients = patients.map { patients in order.map { patients[$0] } }
    self.eventCount = outcomes.reduce(0) { $0 + ($1 ? 1 : 0) }
  }

  /// How many patients have rows with, or without, the outcome.
  func patientCount(withOutcome outcome: Bool) -> Int {
    guard let patients else { return outcome ? eventCount : nonEventCount }
    return Set(zip(patients, outcomes).lazy.filter { $0.1 == outcome }.map(\.0)).count
  }

  /// How many patients the rows belong to.
  var patientCount: Int { patients.map { Set($0).count } ?? count }

  /// Events and non-events at each distinct score, in ascending order of score.
  func distinctScoreCounts() -> (events: [Int], nonEvents: [Int]) {
    var events: [Int] = []
    var nonEvents: [Int] = []
    for index in scores.indices {
      if index == 0 || scores[index] != scores[index - 1] {
        events.append(0)
        nonEvents.append(0)
      }
      if outcomes[index] {
        events[events.count - 1] += 1
      } else {
        nonEvents[nonEvents.count - 1] += 1
      }
    }
    return (events, nonEvents)
  }
}
