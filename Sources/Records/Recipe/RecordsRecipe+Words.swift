import Cohort

/// A recipe as a person reads it before it is run on a hospital's records.
extension RecordsRecipe {
  /// What is read, which moments make rows, what is known and what is predicted; one line each.
  public var words: [String] {
    var lines = [
      "variables read, under their own codes or those of your mapping: "
        + variables.map { variable in
          if case .number(let unit?, _, _) = variable.kind { return "\(variable.name) (\(unit))" }
          return variable.name
        }.joined(separator: ", "),
      index.words,
      "predicted \(Self.duration(predictionOffset)) after it: no record of a later time, and none that"
        + " became known later, enters a feature",
    ]
    lines += criteria.map { ($0.excludes ? "left out: " : "kept: ") + $0.reason }
    if let outcome { lines.append(outcome.words) }
    let windows = features.map { Self.words($0.measure.window) }
    var kinds: [String] = []
    for window in windows where !kinds.contains(window) { kinds.append(window) }
    lines.append(
      "\(features.count + derived.count) columns computed per row, over: "
        + kinds.joined(separator: ", "))
    if removesDuplicates { lines.append("records that are there twice count once") }
    if birth != nil || death != nil {
      lines.append("records before birth or more than a day after death are left out")
    }
    return lines
  }

  private static func words(_ window: FeatureWindow) -> String {
    switch window {
    case .ever: "everything known before"
    case .last(let seconds): "the last \(duration(seconds)) before it"
    case .first(let seconds): "the first \(duration(seconds))"
    case .sinceIndex: "the time since the index event"
    }
  }

  static func duration(_ seconds: Int64) -> String {
    if seconds == 0 { return "0 h" }
    for (unit, length) in [
      ("d", RecordTime.day), ("h", RecordTime.hour), ("min", RecordTime.minute),
    ]
    where seconds % length == 0 && (unit != "d" || seconds > 2 * RecordTime.day) {
      return "\(seconds / length) \(unit)"
    }
    return "\(seconds) s"
  }
}

extension IndexRule {
  fileprivate var words: String {
    switch anchor {
    case .start: return "one row for every patient, from the source's own start"
    case .event(let variable, let condition):
      let which =
        switch occurrence {
        case .first: "the first"
        case .last: "the last"
        case .every: "every"
        }
      var text = "one row for \(which) `\(variable)` of a patient"
      if let condition { text += " with a value \(condition.words)" }
      if minimumGap > 0 { text += ", at least \(RecordsRecipe.duration(minimumGap)) apart" }
      return text
    }
  }
}

extension RecordOutcome {
  fileprivate var words: String {
    var text = "outcome `\(name)`: `\(variable)`"
    if let condition { text += " with a value \(condition.words)" }
    text +=
      horizon.map { " within \(RecordsRecipe.duration($0)) after the prediction" }
      ?? " at any time after the prediction"
    switch absence {
    case .negative: text += "; without a record of it, the patient did not have it"
    case .unknown: text += "; a patient without any record of it is left out"
    }
    if horizon != nil, censoring == .exclude {
      text += "; patients whose records end before are left out"
    }
    return text
  }
}

extension ValueCondition {
  fileprivate var words: String {
    let value = values.joined(separator: ", ")
    return switch comparison {
    case .less: "below \(value)"
    case .lessOrEqual: "of at most \(value)"
    case .equal: "of \(value)"
    case .notEqual: "other than \(value)"
    case .greaterOrEqual: "of at least \(value)"
    case .greater: "above \(value)"
    case .oneOf: "among \(value)"
    case .present: "that is recorded"
    }
  }
}
