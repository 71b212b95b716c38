import Records

/// Why a record cannot be read, and where in it.
struct RecordFault: Error {
  let reason: ReadingReport.Reason
  /// Column from 1; 0 when it concerns the whole record.
  var column = 0
}

extension Event {
  /// An event of a subject at a time as read, its code still to be named.
  @inline(__always)
  init(subject: Int32, at time: TimeFormat.Reading, knownAt: Int64? = nil) {
    self.init(subject: subject, code: 0, time: time.seconds, span: time.span, knownAt: knownAt)
  }
}

extension EventBatch {
  /// Adds the events of one record: all of them, or none when it turns out to be at fault.
  @inline(__always)
  mutating func addWhole(_ record: (inout EventBatch) -> RecordFault?) -> RecordFault? {
    let count = events.count
    guard let fault = record(&self) else { return nil }
    events.removeSubrange(count...)
    return fault
  }
}

extension ReadingReport {
  /// Counts a record that is left out, or ends the reading when the policy allows no more of them.
  mutating func leaveOut(
    _ fault: RecordFault, file: String, line: Int, _ policy: ReadingPolicy
  ) throws(SiteDataError) {
    skip(fault.reason, file: file, line: line, column: fault.column)
    guard skippedCount > policy.allowance else { return }
    let isFirst = policy.allowance == 0
    throw SiteDataError(
      isFirst ? .badRecord : .tooManyBadRecords, file: file, line: line,
      column: fault.column == 0 ? nil : fault.column,
      message: isFirst
        ? "the record cannot be read: \(fault.reason.words)"
        : "more than \(policy.allowance) records cannot be read, this one because of "
          + fault.reason.words,
      advice: fault.reason.advice)
  }
}

extension ReadingReport.Reason {
  /// What to do about it.
  var advice: String {
    switch self {
    case .malformed: "correct the quotes or brackets, or allow `skip` in the mapping"
    case .wrongEncoding: "export the file as UTF-8"
    case .raggedRow: "check the delimiter and unquoted delimiters inside fields"
    case .fieldTooLarge: "check for an unclosed quote"
    case .noSubject, .noCode, .noTime: "fill the column or remove the record"
    case .badTime:
      "write times as 2024-01-31T08:15:00 or 2024-01-31 (iso); where a file has others, say in"
        + " `time_format` which: clock, seconds, minutes, hours or days"
    case .badNumber: "write numbers with one decimal sign (`decimal`) and without separators"
    }
  }
}

extension String {
  /// Without blanks around it.
  var trimmed: String {
    var text = Substring(self)
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
