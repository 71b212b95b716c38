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
  /// Subjects whose rows the step took out, if only some of them; between the first step, which counts
  /// subjects, and the second those with other than one row.
  public let leaverCount: Int
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
    if abs(value) < 1e15, Double(Int64(value)) == value { return String(Int64(value)) }
    return value.description
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
    if outcomeName != nil { fields += outcomeFields(row) }
    return fields
  }

  /// One row as CSV, with its line end.
  public func line(_ row: Int, isElapsed: Bool = false) -> String {
    var bytes: [UInt8] = []
    append(row, isElapsed: isElapsed, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Adds one row as CSV, with its line end, to some bytes: `CSVWriter.record` of its `fields`.
  public func append(_ row: Int, isElapsed: Bool = false, to bytes: inout [UInt8]) {
    func separator() { bytes.append(UInt8(ascii: ",")) }
    func plain(_ text: String) { bytes.append(contentsOf: text.utf8) }
    plain(CSVWriter.field(subjects[row]))
    separator()
    plain(isElapsed ? String(indexTimes[row]) : RecordTime.text(indexTimes[row]))
    for column in columns {
      separator()
      switch column.values {
      case .numbers(let numbers): Self.append(numbers[row], to: &bytes)
      case .words(let words): plain(CSVWriter.field(words[row] ?? ""))
      }
    }
    if outcomeName != nil {
      for field in outcomeFields(row) {
        separator()
        plain(field)
      }
    }
    bytes.append(10)
  }

  /// Adds `text` of a number to some bytes.
  static func append(_ value: Double, to bytes: inout [UInt8]) {
    guard value >= 0, value < 1e9, Double(UInt32(value)) == value else {
      bytes.append(contentsOf: text(value).utf8)
      return
    }
    // Small whole numbers, as counts, by their digits.
    var rest = UInt32(value)
    let first = bytes.count
    repeat {
      bytes.append(48 + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[first...].reverse()
  }

  private func outcomeFields(_ row: Int) -> [String] {
    func hours(_ seconds: Int64?) -> String {
      seconds.map { Self.text(Double($0) / 3600) } ?? ""
    }
    switch outcomes[row] {
    case .event(let after): return ["1", hours(after), "0"]
    case .none(let after, let isCensored): return ["0", hours(after), isCensored ? "1" : "0"]
    }
  }

  /// The whole table as CSV.
  public func csv(isElapsed: Bool = false) -> String {
    var bytes = Array(header.utf8)
    for row in 0..<rowCount { append(row, isElapsed: isElapsed, to: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
