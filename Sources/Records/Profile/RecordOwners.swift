import Cohort

/// Whose the records of a profile are: what a small-cell rule needs to count patients and not records.
struct RecordOwners: Sendable {
  /// Records of each variable, and its parts in the order of `RecordsFacts.Variable.parts`.
  private(set) var variables: [RecordsFacts.Part]
  private(set) var parts: [[RecordsFacts.Split]]
  private(set) var units: [RecordsProfile.UnitKey: RecordsFacts.Part] = [:]
  private(set) var unmapped = RecordsFacts.Split()
  /// By public name; the system of each code of the lexicon is a position in it.
  private(set) var systems: [(name: String, records: RecordsFacts.Part)] = []
  private var systemOfCode: [Int] = []

  /// The name of every system that is in no public list: any text can stand before a colon.
  static let localSystem = "local"

  /// The systems whose names may leave the hospital.
  private static let publicSystems = Set(DiagnosisCode.systemWords).union([
    "atc", "cpt4", "cvx", "hcpcs", "icd10pcs", "icd9proc", "loinc", "ndc", "omop", "omop-source",
    "ops", "rxnorm", "snomed", "visit",
  ])

  init(variableCount: Int) {
    variables = Array(repeating: RecordsFacts.Part(), count: variableCount)
    let none = [RecordsFacts.Split](
      repeating: .init(), count: RecordsFacts.Variable.partCount)
    parts = Array(repeating: none, count: variableCount)
  }

  /// Takes up the codes that are new.
  mutating func extend(_ lexicon: Lexicon) {
    for code in systemOfCode.count..<max(lexicon.codes.count, systemOfCode.count) {
      var name = RecordsProfile.system(of: lexicon.codes.text(Int32(code)))
      if !Self.publicSystems.contains(name) { name = Self.localSystem }
      let position = systems.firstIndex { $0.name == name } ?? systems.count
      if position == systems.count { systems.append((name, RecordsFacts.Part())) }
      systemOfCode.append(position)
    }
  }

  /// Counts a record.
  mutating func take(_ event: Event, isMapped: Bool) {
    if isMapped { unmapped.rest.add(event.subject) } else { unmapped.part.add(event.subject) }
    systems[systemOfCode[Int(event.code)]].records.add(event.subject)
  }

  /// Counts a record of a variable by what cleaning did with it.
  mutating func take(
    _ event: Event, _ variable: Int, before: VariableTally, after: VariableTally
  ) {
    variables[variable].add(event.subject)
    add(event.subject, variable, 0, after.missingCount != before.missingCount)
    add(event.subject, variable, 1, after.unknownUnitCount != before.unknownUnitCount)
    add(event.subject, variable, 2, after.convertedCount != before.convertedCount)
    add(event.subject, variable, 3, after.hardRangeCount != before.hardRangeCount)
    add(event.subject, variable, 4, after.warnRangeCount != before.warnRangeCount)
  }

  private mutating func add(_ subject: Int32, _ variable: Int, _ part: Int, _ isOfIt: Bool) {
    if isOfIt {
      parts[variable][part].part.add(subject)
    } else {
      parts[variable][part].rest.add(subject)
    }
  }

  /// Counts a value in a unit.
  mutating func take(_ subject: Int32, _ unit: RecordsProfile.UnitKey) {
    units[unit, default: RecordsFacts.Part()].add(subject)
  }
}
