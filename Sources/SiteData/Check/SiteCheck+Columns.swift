import Cohort

extension SiteCheck {
  /// What only the whole column shows: emptiness, hidden missing codes, units.
  static func checkColumn(
    _ tally: ColumnTally, _ index: Int, _ rowCount: Int, _ minimumCell: Int,
    _ log: inout ProblemLog
  ) {
    guard let declared = tally.declared, rowCount > 0 else { return }
    func add(
      _ kind: String, _ severity: CheckReport.Severity, _ message: String, _ advice: String
    ) {
      log.add(
        kind, severity, column: index, name: tally.name, message: message, advice: advice)
    }
    if tally.missingCount == rowCount {
      add(
        "empty-column", .warning, "every value is missing",
        "check the export, or remove the column from site.yaml")
      return
    }
    guard declared.type == .number else {
      if let levels = tally.levelCount, levels > 100 {
        add(
          "many-levels", .warning, "more than 100 different words in a category",
          "declare it as text, or group the words")
      }
      return
    }
    checkZeros(tally, add)
    checkUnit(tally, declared, minimumCell, add)
  }

  private typealias Add = (String, CheckReport.Severity, String, String) -> Void

  /// A zero where the variable cannot be zero is a missing code in disguise.
  private static func checkZeros(_ tally: ColumnTally, _ add: Add) {
    guard tally.zeroCount > 0, let variable = ClinicalVariable.named(tally.name) else { return }
    let floor = variable.warnRange?.lowerBound ?? 0
    guard floor > 0, !Set(["tnt", "tni"]).contains(variable.key) else { return }
    add(
      "zero-value", .warning,
      "zero occurs, and \(variable.label.lowercased()) cannot be zero",
      "if zero stands for \"not measured\", add \"0\" to the column's `missing`")
  }

  /// Compares the median with what is known of the variable; proposes, never changes.
  private static func checkUnit(
    _ tally: ColumnTally, _ declared: DataDescription.Column, _ minimumCell: Int, _ add: Add
  ) {
    guard let variable = ClinicalVariable.named(tally.name) else { return }
    guard let unit = declared.unit else {
      add(
        "no-unit", .warning,
        "no unit is declared for \(variable.label.lowercased()); a study takes its own for granted",
        "add `unit: \"\(variable.unit)\"`, or the unit it is recorded in")
      return
    }
    do {
      _ = try UnitConversion.from(unit, to: variable.unit, feature: variable.key)
    } catch {
      add(
        "unknown-unit", .warning,
        "no conversion from the declared unit to \(variable.unit) is known",
        "write the unit in UCUM, as mg/dL, mmol/L, /min, mm[Hg]")
      return
    }
    guard let typical = tally.typical(least: max(minimumCell, 20)) else { return }
    switch variable.judge(typical: typical.median, tenths: typical.tenths, unit: unit) {
    case .plausible: return
    case .anotherUnit(let mistake):
      add(
        "suspicious-unit", .warning,
        "the typical value does not fit \(unit); it would fit \(mistake.recordedUnit)",
        "ask the laboratory, and correct `unit` to \"\(mistake.recordedUnit)\" if that is so")
    case .implausible:
      add(
        "implausible-values", .warning,
        "the typical value is far from what is known of \(variable.label.lowercased())",
        "check the column and its unit")
    }
  }
}

/// What the check counts over rows: patients and repeated rows.
struct RowTally {
  /// The most rows whose repetition is looked for.
  static let maximumRemembered = 2_000_000

  let patientIndex: Int?
  var rowCount = 0
  private var patients: Set<String> = []
  private var seen: Set<Int> = []

  init(patientIndex: Int?) {
    self.patientIndex = patientIndex
  }

  var patientCount: Int? { patientIndex == nil ? nil : patients.count }

  mutating func add(_ fields: [String], row: Int, line: Int, _ log: inout ProblemLog) {
    if let patientIndex {
      let identifier = CellText.trim(fields[patientIndex])
      if CellText.isStandardMissing(identifier) {
        log.add(
          "missing-patient", .warning, column: patientIndex, row: row, line: line,
          message: "the patient's identifier is missing; studies leave the row out",
          advice: "complete the identifier")
      } else if !patients.insert(identifier).inserted {
        log.add(
          "repeated-patient", .note, column: patientIndex, row: row, line: line,
          message: "a patient who occurred before; a study uses one row or keeps them together",
          advice: "nothing, if the patient has several admissions")
      }
    }
    guard seen.count < Self.maximumRemembered else { return }
    if !seen.insert(fields.hashValue).inserted {
      log.add(
        "repeated-row", .warning, row: row, line: line,
        message: "the row equals an earlier row in every field",
        advice: "remove it if it is the same admission exported twice")
    }
  }
}
