import CanonicalBytes

/// The stretch of time before the prediction over which a feature looks. No value of this type
/// reaches past the prediction time: that is what keeps the future out.
public enum FeatureWindow: Sendable, Hashable {
  /// Everything known at the prediction time.
  case ever
  /// The last so many seconds before the prediction time.
  case last(Int64)
  /// The first so many seconds after the index time, as far as they lie before the prediction.
  case first(Int64)
  /// From the index time to the prediction time.
  case sinceIndex

  /// In feature names: `ever`, `last24h`, `first6h`, `since`.
  public var label: String {
    switch self {
    case .ever: "ever"
    case .last(let seconds): "last\(Self.duration(seconds))"
    case .first(let seconds): "first\(Self.duration(seconds))"
    case .sinceIndex: "since"
    }
  }

  static func duration(_ seconds: Int64) -> String {
    if seconds % RecordTime.day == 0, seconds > 2 * RecordTime.day {
      return "\(seconds / RecordTime.day)d"
    }
    if seconds % RecordTime.hour == 0 { return "\(seconds / RecordTime.hour)h" }
    if seconds % RecordTime.minute == 0 { return "\(seconds / RecordTime.minute)min" }
    return "\(seconds)s"
  }

  /// First second of the window; events before it are outside.
  func start(index: Int64, prediction: Int64) -> Int64 {
    switch self {
    case .ever: .min
    case .last(let seconds): prediction - seconds
    case .first, .sinceIndex: index
    }
  }

  /// Last second of the window, never after the prediction time.
  func end(index: Int64, prediction: Int64) -> Int64 {
    switch self {
    case .first(let seconds): min(index + seconds, prediction)
    case .ever, .last, .sinceIndex: prediction
    }
  }

  func write(to writer: inout ByteWriter) {
    switch self {
    case .ever: writer.integer(UInt8(0))
    case .last(let seconds):
      writer.integer(UInt8(1))
      writer.integer(seconds)
    case .first(let seconds):
      writer.integer(UInt8(2))
      writer.integer(seconds)
    case .sinceIndex: writer.integer(UInt8(3))
    }
  }
}

/// What is made of a variable's values in a window.
public enum FeatureFunction: String, Sendable, Hashable, Codable, CaseIterable {
  case minimum = "min"
  case maximum = "max"
  case mean
  case first
  case last
  /// How many values; 0 when there are none.
  case count
  case sum
  /// 1 when there is any record, else 0.
  case present
  /// Least-squares slope per hour; missing below two different times.
  case slope
  /// Standard deviation with divisor n − 1; missing below two values.
  case variability = "sd"
  /// Largest less smallest value.
  case range
  /// Last less first value.
  case change
  /// Hours from the last value to the prediction time.
  case hoursSince = "hours_since"
  /// Years (365.2425 days) from the first record to the prediction time: age, from a birth.
  case yearsSince = "years_since"

  /// Whether the function can be asked of words.
  public var fitsCategory: Bool {
    switch self {
    case .first, .last, .count, .present, .hoursSince, .yearsSince: true
    default: false
    }
  }

  /// Whether the function can be asked of occurrences without a value.
  public var fitsOccurrence: Bool {
    switch self {
    case .count, .present, .hoursSince, .yearsSince: true
    default: false
    }
  }

  /// Whether the function can be asked of a variable of a kind.
  public func fits(_ kind: RecordVariable.Kind) -> Bool {
    switch kind {
    case .number: true
    case .category: fitsCategory
    case .occurrence: fitsOccurrence
    }
  }

  /// Whether 0 stands for "no record" rather than a missing value.
  var isCounting: Bool { self == .count || self == .present }
}

/// One value per row of the table: a function of a variable over a window.
public struct Measure: Sendable, Hashable, Codable {
  public var variable: String
  public var window: FeatureWindow
  public var function: FeatureFunction

  public init(_ variable: String, _ window: FeatureWindow, _ function: FeatureFunction) {
    self.variable = variable
    self.window = window
    self.function = function
  }

  /// `hr_min_last24h`.
  public var name: String { "\(variable)_\(function.rawValue)_\(window.label)" }

  func write(to writer: inout ByteWriter) {
    writer.string(variable)
    window.write(to: &writer)
    writer.string(function.rawValue)
  }
}

/// A named feature.
public struct FeatureRequest: Sendable, Hashable, Codable {
  public var name: String
  public var measure: Measure
  /// Whether it is a column of the table that no model gets, to choose rows, holdout or sites by.
  public var isLabel: Bool

  public init(_ measure: Measure, name: String? = nil, isLabel: Bool = false) {
    self.measure = measure
    self.name = name ?? measure.name
    self.isLabel = isLabel
  }

  func write(to writer: inout ByteWriter) {
    writer.string(name)
    measure.write(to: &writer)
    writer.boolean(isLabel)
  }
}
