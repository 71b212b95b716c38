/// What a reader did with records that cannot be read.
public enum ReadingPolicy: Sendable, Hashable {
  /// The first bad record ends the reading with an error that names its place.
  case fail
  /// Bad records are left out and counted, up to a number of them; one more ends the reading.
  case skip(atMost: Int)

  /// How many records may be skipped.
  public var allowance: Int {
    switch self {
    case .fail: 0
    case .skip(let count): count
    }
  }
}

/// What was read, and what was left out and why, with the first places.
public struct ReadingReport: Sendable, Hashable {
  /// Why a record was left out.
  public enum Reason: String, Sendable, Hashable, CaseIterable {
    case malformed
    case wrongEncoding = "wrong-encoding"
    case raggedRow = "ragged-row"
    case fieldTooLarge = "field-too-large"
    case noSubject = "no-subject"
    case noCode = "no-code"
    case noTime = "no-time"
    case badTime = "bad-time"
    case badNumber = "bad-number"

    /// What it means, in words.
    public var words: String {
      switch self {
      case .malformed: "not well formed"
      case .wrongEncoding: "not in the declared encoding"
      case .raggedRow: "another number of fields than the header"
      case .fieldTooLarge: "a field beyond its limit"
      case .noSubject: "no patient"
      case .noCode: "no code"
      case .noTime: "no time"
      case .badTime: "a time that cannot be read"
      case .badNumber: "a number that cannot be read"
      }
    }
  }

  /// Where a record was left out.
  public struct Place: Sendable, Hashable {
    public let reason: Reason
    public let file: String
    /// Line of the file or number of the row, from 1.
    public let line: Int
    /// Column from 1; 0 when it concerns the whole record.
    public let column: Int
  }

  /// How many places are kept.
  public static let maximumPlaces = 20

  /// Records of each table or file, by name; in a database also those that stayed there.
  public var rows: [String: Int] = [:]
  /// Of them, those that stayed in their database because no variable of the recipe gathers them, by table.
  public var passedOver: [String: Int] = [:]
  /// Events made of them.
  public var eventCount = 0
  public var skipped: [Reason: Int] = [:]
  /// Records that their own source took back (entered in error, refuted, cancelled, not done) and
  /// that are therefore no facts, by type. They are no faults: no allowance counts them.
  public var withdrawn: [String: Int] = [:]
  public var places: [Place] = []
  /// Times with a zone of their own, times without, and dates without a time of day.
  public var zonedTimeCount = 0
  public var localTimeCount = 0
  public var dateOnlyCount = 0
  /// Of the dates, those that a database keeps as the midnight that begins them.
  public var midnightCount = 0

  public init() {}

  /// Records left out.
  public var skippedCount: Int { skipped.values.reduce(0, +) }

  /// Counts a record that is left out.
  public mutating func skip(_ reason: Reason, file: String, line: Int, column: Int = 0) {
    skipped[reason, default: 0] += 1
    if places.count < Self.maximumPlaces {
      places.append(Place(reason: reason, file: file, line: line, column: column))
    }
  }

  /// Counts a time.
  public mutating func count(_ time: TimeFormat.Reading) {
    if time.isDateOnly {
      dateOnlyCount += 1
    } else if time.hasZone {
      zonedTimeCount += 1
    } else {
      localTimeCount += 1
    }
  }

  /// Adds what another reader of another part of the source reports.
  public mutating func add(_ other: Self) {
    rows.merge(other.rows, uniquingKeysWith: +)
    passedOver.merge(other.passedOver, uniquingKeysWith: +)
    eventCount += other.eventCount
    skipped.merge(other.skipped, uniquingKeysWith: +)
    withdrawn.merge(other.withdrawn, uniquingKeysWith: +)
    places = Array((places + other.places).prefix(Self.maximumPlaces))
    zonedTimeCount += other.zonedTimeCount
    localTimeCount += other.localTimeCount
    dateOnlyCount += other.dateOnlyCount
    midnightCount += other.midnightCount
  }
}
