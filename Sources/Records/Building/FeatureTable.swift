/// One column of a finished table.
public struct FeatureColumn: Sendable, Hashable {
  public enum Values: Sendable, Hashable {
    /// Not-a-number where missing.
    case numbers([Double])
    case words([String?])
  }

  public let name: String
  /// The variable's unit, where the values are in it.
  public let unit: String?
  public var values: Values

  public init(name: String, unit: String?, values: Values) {
    self.name = name
    self.unit = unit
    self.values = values
  }

  /// Whether a row has no value.
  public func isMissing(_ row: Int) -> Bool {
    switch values {
    case .numbers(let numbers): numbers[row].isNaN
    case .words(let words): words[row] == nil
    }
  }
}

/// What happened to a row after its prediction time.
public enum RowOutcome: Sendable, Hashable {
  /// The outcome, so many seconds after the prediction.
  case event(after: Int64)
  /// None up to the end of the window or of the records; `after` is nil when neither is known.
  case none(after: Int64?, isCensored: Bool)
}

/// How many rows and subjects are left after a step.
public struct FlowStep: Sendable, Hashable {
  public let name: String
  public let rowCount: Int
  public let subjectCount: Int
}

/// The rows of a study, made of raw records: one per index event, in the order of the subjects'
/// identifiers and their index times.
public struct FeatureTable: Sendable, Hashable {
  public let subjects: [String]
  /// ``RecordTime`` of the index events.
  public let indexTimes: [Int64]
  public var columns: [FeatureColumn]
  /// Name of the outcome; nil for a table to predict on.
  public let outcomeName: String?
  public let outcomes: [RowOutcome]
  public let flow: [FlowStep]
  /// What cleaning did, by variable.
  public let tallies: [(variable: String, tally: VariableTally)]

  public var rowCount: Int { subjects.count }

  public static func == (left: Self, right: Self) -> Bool {
    left.subjects == right.subjects && left.indexTimes == right.indexTimes
      && left.csv() == right.csv()
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(subjects)
    hasher.combine(indexTimes)
  }

  /// The column with a name.
  public func column(_ name: String) -> FeatureColumn? {
    columns.first { $0.name == name }
  }
}

extension FeatureTable {
  /// A number as text: the shortest decimal that reads back as the same double; whole numbers
  /// without a point, no value as nothing.
  public static func text(_ value: Double) -> String {
    guard value.isFinite else { return "" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    return "\(value)"
  }

  /// The header line of the table as CSV.
  public var header: String { CSVWriter.record(columnNames) }

  /// The names of the columns, from left to right.
  public var columnNames: [String] {
    var names = ["subject", "index_time"] + columns.map(\.name)
    if let outcomeName {
      names += [outcomeName, outcomeName + "_hours", outcomeName + "_censored"]
    }
    return names
  }

  /// One row as texts, one for each name of `columnNames`; no value is an empty text. Elapsed index
  /// times are in seconds.
  public func fields(_ row: Int, isElapsed: Bool = false) -> [String] {
    let time = isElapsed ? String(indexTimes[row]) : RecordTime.text(indexTimes[row])
    var fields = [subjects[row], time]
    for column in columns {
      switch column.values {
      case .numbers(let numbers): fields.append(Self.text(numbers[row]))
      case .words(let words): fields.append(words[row] ?? "")
      }
    }
    if outcomeName != nil {
      func hours(_ seconds: Int64?) -> String {
        seconds.map { Self.text(Double($0) / 3600) } ?? ""
      }
      switch outcomes[row] {
      case .event(let after): fields += ["1", hours(after), "0"]
      case .none(let after, let isCensored): fields += ["0", hours(after), isCensored ? "1" : "0"]
      }
    }
    return fields
  }

  /// One row as CSV, with its line end.
  public func line(_ row: Int, isElapsed: Bool = false) -> String {
    CSVWriter.record(fields(row, isElapsed: isElapsed))
  }

  /// The whole table as CSV.
  public func csv(isElapsed: Bool = false) -> String {
    var text = header
    for row in 0..<rowCount { text += line(row, isElapsed: isElapsed) }
    return text
  }
}
