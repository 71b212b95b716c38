import Cohort

/// Counts of one column while the check reads the file. Numbers are kept up to a limit, for the
/// median and the outer tenths alone.
struct ColumnTally {
  /// The most numbers kept for a median.
  static let maximumKept = 200_000
  /// The most different words counted.
  static let maximumLevels = 1000

  let name: String
  let declared: DataDescription.Column?
  private let missing: Set<String>
  private let levels: Set<String>?

  private(set) var missingCount = 0
  private(set) var presentCount = 0
  private(set) var zeroCount = 0
  private var words: Set<String> = []
  private var numbers: [Double] = []
  private(set) var largest = -Double.infinity

  /// What a cell turned out to be.
  enum Finding {
    case sound
    case notANumber
    case notAFlag
    case notADate
    case outOfRange
    case unknownLevel
  }

  init(name: String, declared: DataDescription.Column?, missingCodes: [String]) {
    self.name = name
    self.declared = declared
    missing = Set(((declared?.missingCodes ?? []) + missingCodes).map { CellText.canonical($0) })
    levels = declared?.levels.map { Set($0.map { CellText.canonical($0) }) }
  }

  var type: DataDescription.ColumnType { declared?.type ?? .text }
  var levelCount: Int? { type == .category ? words.count : nil }

  mutating func add(_ field: String) -> Finding {
    let text = CellText.canonical(field)
    if CellText.isStandardMissing(text) || missing.contains(text) {
      missingCount += 1
      return .sound
    }
    switch type {
    case .number:
      guard let value = CellText.number(text) else { return .notANumber }
      presentCount += 1
      largest = max(largest, value)
      if value == 0 { zeroCount += 1 }
      if numbers.count < Self.maximumKept { numbers.append(value) }
      if let range = declared?.range, !range.contains(value) { return .outOfRange }
    case .flag:
      guard CellText.flag(declared?.levelNames[text] ?? text) != nil else { return .notAFlag }
      presentCount += 1
    case .date:
      guard CellText.isDate(text) else { return .notADate }
      presentCount += 1
    case .category:
      presentCount += 1
      if words.count < Self.maximumLevels { words.insert(text) }
      if let levels, !levels.contains(text) { return .unknownLevel }
    case .text:
      presentCount += 1
    }
    return .sound
  }

  /// The median of the numbers kept, with their 10th and 90th hundredth; nil for fewer than `least`.
  func typical(least: Int) -> (median: Double, tenths: ClosedRange<Double>)? {
    guard numbers.count >= max(least, 1) else { return nil }
    let sorted = numbers.sorted()
    return (
      sorted[sorted.count / 2],
      sorted[sorted.count / 10]...sorted[min(sorted.count * 9 / 10, sorted.count - 1)]
    )
  }
}
