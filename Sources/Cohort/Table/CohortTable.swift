import PortableNumerics

/// A site's cohort in memory: typed columns, one row per eligible admission.
///
/// This is row data. It never leaves the process that holds it; the queries in `Queries/` reduce
/// it to integers that may be summed.
public struct CohortTable: Sendable, Hashable {
  /// The values of one feature, one entry per row.
  public enum Column: Sendable, Hashable {
    /// Numbers in the study's unit; NaN is missing.
    case number([Double])
    /// Indices into `levels`; `missingCode` and `otherCode` are the two negative codes.
    case category([Int32], levels: [String])
    /// 0 or 1; NaN is missing.
    case flag([Double])

    /// The code of a missing category.
    public static let missingCode: Int32 = -1
    /// The code of a word outside the study's vocabulary.
    public static let otherCode: Int32 = -2

    public var count: Int {
      switch self {
      case .number(let values), .flag(let values): values.count
      case .category(let codes, _): codes.count
      }
    }

    /// Whether the value of a row is missing.
    public func isMissing(_ row: Int) -> Bool {
      switch self {
      case .number(let values), .flag(let values): values[row].isNaN
      case .category(let codes, _): codes[row] == Self.missingCode
      }
    }

    // NaN equals NaN here: two tables with the same gaps are the same table.
    public static func == (left: Self, right: Self) -> Bool {
      switch (left, right) {
      case (.number(let a), .number(let b)), (.flag(let a), .flag(let b)):
        a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
      case (.category(let a, let levelsA), .category(let b, let levelsB)):
        a == b && levelsA == levelsB
      default: false
      }
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(count) }
  }

  /// One step of the cohort's flow diagram.
  public struct FlowStep: Sendable, Hashable {
    /// The criterion in words.
    public let reason: String
    /// Rows that were still in before the step and are out after it.
    public let excludedCount: Int
    /// Rows that are in after the step.
    public let remainingCount: Int
    /// How many patients the rows that went out belong to; some may have other rows that stayed.
    public let excludedPatientCount: Int

    public init(
      reason: String, excludedCount: Int, remainingCount: Int, excludedPatientCount: Int
    ) {
      self.reason = reason
      self.excludedCount = excludedCount
      self.remainingCount = remainingCount
      self.excludedPatientCount = excludedPatientCount
    }
  }

  /// What was read as missing although something stood in the cell, per feature, over the rows of
  /// the table.
  public struct CellFaults: Sendable, Hashable {
    /// Numbers outside the hard range.
    public var outOfRangeCount: Int
    /// Texts that are not of the feature's kind.
    public var unreadableCount: Int
    /// The median of the numbers as recorded, those outside the hard range included, in the study's
    /// unit; nil without numbers, for other kinds, and for pooled tables. A site that declares a
    /// wrong unit shows here even when the range turns its values into gaps.
    public var recordedMedian: Double?

    public init(
      outOfRangeCount: Int = 0, unreadableCount: Int = 0, recordedMedian: Double? = nil
    ) {
      self.outOfRangeCount = outOfRangeCount
      self.unreadableCount = unreadableCount
      self.recordedMedian = recordedMedian
    }
  }

  public let features: [FeatureSpecification]
  /// One per feature, each with `rowCount` entries.
  public let columns: [Column]
  /// 1 where the event happened; all zero when `hasOutcome` is false.
  public let outcome: [UInt8]
  /// What the outcome's column holds, where the specification says what that can be: a number, a count, or a
  /// class's index. Nil where there is the event alone.
  public let outcomeValues: [Double]?
  /// False for a table that was read for prediction.
  public let hasOutcome: Bool
  /// Whether the row belongs to a patient kept aside for validation.
  public let isHoldout: [Bool]
  /// The patient of each row, numbered from 0 in order of first appearance.
  public let patients: [Int32]
  /// A hash of each row's patient, by row: the same wherever the patient's rows are held. It decides
  /// how a tree's derivatives are rounded and which patients a tree is grown on, and never leaves.
  public let patientKeys: [UInt64]
  /// Row of the data from which each row was read, from 1, header not counted.
  public let sourceRows: [Int]
  /// The flow diagram, from "rows read" on.
  public private(set) var flow: [FlowStep]
  /// What the records were like from which the rows were made; nil for a table that was there, and for a
  /// part of a table.
  public private(set) var recordsFacts: RecordsFacts?
  /// One per feature.
  public let faults: [CellFaults]

  public var rowCount: Int { outcome.count }

  /// The same table with another flow: that of records from which its rows were made, and what those were
  /// like.
  public func with(flow: [FlowStep], recordsFacts: RecordsFacts? = nil) -> CohortTable {
    var table = self
    table.flow = flow
    table.recordsFacts = recordsFacts
    return table
  }

  /// How many patients the rows belong to.
  public var patientCount: Int { Set(patients).count }
  /// Values outside the hard range, per feature.
  public var outOfRangeCounts: [Int] { faults.map(\.outOfRangeCount) }

  /// Checks that all parts have the same number of rows and fit the features.
  ///
  /// `patients` and `sourceRows` default to one patient per row, `patientKeys` to hashes of
  /// `patients`, `flow` and `faults` to empty ones. Throws `shapeMismatch`.
  public init(
    features: [FeatureSpecification], columns: [Column], outcome: [UInt8], isHoldout: [Bool],
    outcomeValues: [Double]? = nil, hasOutcome: Bool = true, patients: [Int32]? = nil,
    patientKeys: [UInt64]? = nil,
    sourceRows: [Int]? = nil, flow: [FlowStep] = [], faults: [CellFaults]? = nil
  ) throws(CohortError) {
    let rowCount = outcome.count
    guard rowCount <= Int(Int32.max) else { throw CohortError(.tooLarge) }
    let patients = patients ?? (0..<rowCount).map { Int32($0) }
    let patientKeys =
      patientKeys ?? patients.map { SplitMix64.mix(UInt64(UInt32(bitPattern: $0)) &+ 1) }
    let sourceRows = sourceRows ?? Array(1..<(rowCount + 1))
    let faults = faults ?? features.map { _ in CellFaults() }
    guard columns.count == features.count, isHoldout.count == rowCount,
      patients.count == rowCount, patientKeys.count == rowCount, sourceRows.count == rowCount,
      faults.count == features.count,
      outcome.allSatisfy({ $0 <= 1 }),
      outcomeValues.map({ $0.count == rowCount && $0.allSatisfy(\.isFinite) }) ?? true
    else { throw CohortError(.shapeMismatch) }
    for (feature, column) in zip(features, columns) {
      let fits =
        switch (feature.kind, column) {
        case (.number, .number(let values)):
          values.allSatisfy { $0.isFinite || $0.isNaN }
        case (.flag, .flag(let values)):
          values.allSatisfy { $0 == 0 || $0 == 1 || $0.isNaN }
        case (.category, .category(let codes, let levels)):
          codes.allSatisfy { $0 >= Column.otherCode && Int($0) < levels.count }
        default: false
        }
      guard fits, column.count == rowCount else {
        throw CohortError(.shapeMismatch, name: feature.name)
      }
    }
    self.features = features
    self.columns = columns
    self.outcome = outcome
    self.outcomeValues = outcomeValues
    self.hasOutcome = hasOutcome
    self.isHoldout = isHoldout
    self.patients = patients
    self.patientKeys = patientKeys
    self.sourceRows = sourceRows
    self.flow = flow
    recordsFacts = nil
    self.faults = faults
  }
}
