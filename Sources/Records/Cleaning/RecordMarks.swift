/// Which variables have taken the record at hand: one record may have several codes, as a local one beside
/// the standard's, and is one value of a variable to which more than one of them belongs.
struct RecordMarks: Sendable {
  private var record = 0
  /// The last record that each variable took.
  private var last: [Int]

  init(variableCount: Int) { last = Array(repeating: 0, count: variableCount) }

  /// Goes on to an event, which begins another record unless it says that it repeats the one before.
  @inline(__always)
  mutating func begin(_ event: Event) {
    if !event.repeatsRecord { record &+= 1 }
  }

  /// Whether a variable has not taken the record at hand yet; from now on it has.
  @inline(__always)
  mutating func isFirst(_ variable: Int) -> Bool {
    if last[variable] == record { return false }
    last[variable] = record
    return true
  }
}
