/// Turns a site's rows, one at a time, into a `CohortTable`.
///
/// Keeps the typed values of eligible rows only; the texts of a row are dropped when `append`
/// returns. Cost: one pass, O(rows × features) time and 8 bytes per number kept.
public struct CohortBuilder: Sendable {
  /// What the table is for.
  public enum Purpose: Sendable, Hashable {
    /// Criteria, outcome, one row per patient and holdout all apply.
    case study
    /// Every row is kept in its order and only the features' columns are needed.
    case prediction
  }

  public let specification: CohortSpecification
  public let purpose: Purpose
  private let fieldCount: Int
  private let features: [CellReader]
  private let criteria: [(Criterion, CellReader)]
  private let outcome: CellReader?
  private let patient: CellReader?
  private let order: CellReader?
  private let holdout: CellReader?
  private let assignment: HoldoutAssignment?

  private var values: [[Double]]
  private var words: [[Int32]]
  private var vocabularies: [Vocabulary]
  private var fixedVocabulary: [Bool]
  private var readings: [[UInt8]]
  /// Values outside the hard range by row, per feature.
  private var outside: [[Int: Double]]
  private var outcomes: [UInt8] = []
  private var outcomeValues: [Double] = []
  private var patients: [Int32] = []
  private var patientKeys: [UInt64] = []
  private let patientKey: PatientKey
  private var patientIndex: [String: Int32] = [:]
  private var holdoutFlags: [Bool] = []
  private var orderTexts: [String?] = []
  private var sourceRows: [Int] = []
  private var readCount = 0
  private var exclusions: [Int]
  /// The patients of the excluded rows, by the same steps; empty without a patient column.
  private var excludedPatients: [Set<String>]

  /// The most distinct words of a category whose vocabulary is taken from the data.
  public static let maximumLevels = 1024

  /// Finds the columns and the unit conversions the specification needs.
  ///
  /// Throws `badSpecification`, `missingColumn`, `duplicateColumn` or `unitMismatch`.
  public init(
    _ specification: CohortSpecification, columns: [SourceColumn], purpose: Purpose = .study
  ) throws(CohortError) {
    try specification.validate()
    self.specification = specification
    self.purpose = purpose
    fieldCount = columns.count
    var indexOf: [String: Int] = [:]
    for (index, column) in columns.enumerated() {
      guard indexOf.updateValue(index, forKey: column.name) == nil else {
        throw CohortError(.duplicateColumn, name: column.name)
      }
    }
    func reader(_ name: String) throws(CohortError) -> CellReader {
      guard let index = indexOf[name] else { throw CohortError(.missingColumn, name: name) }
      return CellReader(column: index, source: columns[index])
    }
    func outcomeReader() throws(CohortError) -> CellReader {
      let outcome = specification.outcome
      guard let index = indexOf[outcome.column] else {
        throw CohortError(.missingColumn, name: outcome.column)
      }
      return CellReader(
        column: index, source: columns[index],
        conversion: try .from(
          outcome.unit == nil ? nil : columns[index].unit, to: outcome.unit, feature: outcome.name,
          column: outcome.column))
    }
    var readers: [CellReader] = []
    var readerOfColumn: [String: CellReader] = [:]
    for feature in specification.features {
      guard let index = indexOf[feature.column] else {
        throw CohortError(
          .missingColumn, name: feature.column, detail: "needed for feature \(feature.name)")
      }
      var conversion = UnitConversion.identity
      var range: ClosedRange<Double>?
      if case .number(let unit, let hardRange, _) = feature.kind {
        conversion = try .from(
          columns[index].unit, to: unit, feature: feature.name, column: feature.column)
        range = hardRange
      }
      let reader = CellReader(
        column: index, source: columns[index], missingCodes: feature.missingCodes,
        conversion: conversion, hardRange: range)
      readers.append(reader)
      if readerOfColumn[feature.column] == nil { readerOfColumn[feature.column] = reader }
    }
    features = readers
    if purpose == .study {
      var tests: [(Criterion, CellReader)] = []
      for criterion in specification.include {
        if let known = readerOfColumn[criterion.column] {
          tests.append((criterion, known))
        } else {
          tests.append((criterion, try reader(criterion.column)))
        }
      }
      criteria = tests
      outcome = try outcomeReader()
      patient = try specification.patientColumn.map(throwing: reader)
      order = try specification.orderColumn.map(throwing: reader)
      holdout = try specification.holdout.column.map(throwing: reader)
      if case .hash(let fraction, let key) = specification.holdout {
        assignment = HoldoutAssignment(fraction: fraction, key: key)
      } else {
        assignment = nil
      }
    } else {
      criteria = []
      outcome = nil
      patient = nil
      order = nil
      holdout = nil
      assignment = nil
    }
    patientKey = PatientKey(specification)
    values = readers.map { _ in [] }
    words = readers.map { _ in [] }
    readings = readers.map { _ in [] }
    outside = readers.map { _ in [:] }
    vocabularies = specification.features.map { feature in
      if case .category(let levels?) = feature.kind { return Vocabulary(levels) }
      return Vocabulary([])
    }
    fixedVocabulary = specification.features.map { feature in
      if case .category(.some) = feature.kind { return true }
      return false
    }
    exclusions = [Int](repeating: 0, count: criteria.count + 2)
    excludedPatients = Array(repeating: [], count: criteria.count + 2)
  }

  /// Reads one row. `fields` are the row's texts in the order of the columns; `sourceRow` is its
  /// number from 1, for messages. Throws `raggedRow`.
  public mutating func append(_ fields: [String], sourceRow: Int) throws(CohortError) {
    guard fields.count == fieldCount else {
      throw CohortError(
        .raggedRow, row: sourceRow, detail: "\(fields.count) fields, \(fieldCount) columns")
    }
    guard readCount < Int(Int32.max) else { throw CohortError(.tooLarge, row: sourceRow) }
    readCount += 1
    for (index, test) in criteria.enumerated() where !test.0.isMet(by: test.1.comparable(fields)) {
      exclude(fields, at: index)
      return
    }
    var event: (event: UInt8, value: Double) = (0, 0)
    if let outcome {
      guard let value = specification.outcome.value(of: outcome.comparable(fields)) else {
        exclude(fields, at: criteria.count)
        return
      }
      event = value
    }
    var number = Int32(outcomes.count)
    if let patient {
      let identifier = CellText.trim(fields[patient.column])
      guard patient.text(fields) != nil else {
        exclude(fields, at: criteria.count + 1)
        return
      }
      number = patientIndex[identifier] ?? Int32(patientIndex.count)
      patientIndex[identifier] = number
      holdoutFlags.append(isHeldOut(fields, parts: { [identifier] }))
      patientKeys.append(patientKey.hash([identifier]))
    } else {
      holdoutFlags.append(isHeldOut(fields, parts: { content(fields) }))
      patientKeys.append(purpose == .study ? patientKey.hash(content(fields)) : 0)
    }
    patients.append(number)
    outcomes.append(event.event)
    if specification.outcome.values != nil { outcomeValues.append(event.value) }
    orderTexts.append(order?.text(fields))
    sourceRows.append(sourceRow)
    for index in features.indices { store(index, fields) }
  }

  private mutating func exclude(_ fields: [String], at step: Int) {
    exclusions[step] += 1
    if let patient { excludedPatients[step].insert(CellText.trim(fields[patient.column])) }
  }

  /// The study's view of a row without a patient column: every feature's and the outcome's text.
  private func content(_ fields: [String]) -> [String] {
    (features + (outcome.map { [$0] } ?? [])).map { $0.text(fields) ?? "" }
  }

  private func isHeldOut(_ fields: [String], parts: () -> [String]) -> Bool {
    switch specification.holdout {
    case .hash: return assignment?.isHeldOut(parts: parts()) ?? false
    case .time(_, let from):
      guard let text = holdout?.text(fields) else { return false }
      return CellText.order(text, from).map { $0 >= 0 } ?? false
    case .column(_, let value):
      guard let text = holdout?.text(fields) else { return false }
      return CellText.areEqual(text, value)
    }
  }

  private mutating func store(_ index: Int, _ fields: [String]) {
    let reading: CellReader.Reading
    switch specification.features[index].kind {
    case .number: reading = features[index].number(fields)
    case .flag: reading = features[index].flag(fields)
    case .category:
      var code = CohortTable.Column.missingCode
      if let text = features[index].text(fields) {
        code = vocabularies[index].code(
          text, mayGrow: !fixedVocabulary[index], limit: Self.maximumLevels)
      }
      words[index].append(code)
      readings[index].append(0)
      return
    }
    var stored = Double.nan
    var mark: UInt8 = 0
    switch reading {
    case .value(let value): stored = value
    case .missing: break
    case .outOfRange(let value):
      mark = 1
      outside[index][values[index].count] = value
    case .unreadable: mark = 2
    }
    values[index].append(stored)
    readings[index].append(mark)
  }

  /// The rows so far, by their source numbers, of the cells of a number or flag that count as missing
  /// though something stands in them. For a category, none.
  public func unusedCells(_ feature: Int) -> (unreadable: [Int], outOfRange: [Int]) {
    guard readings.indices.contains(feature) else { return ([], []) }
    func rows(_ mark: UInt8) -> [Int] {
      zip(readings[feature], sourceRows).filter { $0.0 == mark }.map(\.1)
    }
    return (rows(2), rows(1))
  }

  /// The finished table: one row per patient where the specification says so, whole patients on
  /// one side of the holdout, vocabularies in order.
  public consuming func finish() throws(CohortError) -> CohortTable {
    let kept = keptRows()
    let chosen = kept.sorted()
    let heldOut = heldOutPatients(chosen)
    var columns: [CohortTable.Column] = []
    var faults: [CohortTable.CellFaults] = []
    for (index, feature) in specification.features.enumerated() {
      let marks = readings[index]
      faults.append(
        CohortTable.CellFaults(
          outOfRangeCount: chosen.count { marks[$0] == 1 },
          unreadableCount: chosen.count { marks[$0] == 2 },
          recordedMedian: recordedMedian(index, chosen)))
      switch feature.kind {
      case .number:
        let column = values[index]
        columns.append(.number(chosen.map { column[$0] }))
      case .flag:
        let column = values[index]
        columns.append(.flag(chosen.map { column[$0] }))
      case .category:
        let column = words[index]
        columns.append(
          vocabularies[index].column(chosen.map { column[$0] }, sorted: !fixedVocabulary[index]))
      }
    }
    var renumbered: [Int32: Int32] = [:]
    let numbers = chosen.map { row -> Int32 in
      let number = renumbered[patients[row]] ?? Int32(renumbered.count)
      renumbered[patients[row]] = number
      return number
    }
    return try CohortTable(
      features: specification.features, columns: columns, outcome: chosen.map { outcomes[$0] },
      isHoldout: chosen.map { heldOut.contains(patients[$0]) },
      outcomeValues: purpose == .study && specification.outcome.values != nil
        ? chosen.map { outcomeValues[$0] } : nil, hasOutcome: purpose == .study,
      patients: numbers, patientKeys: chosen.map { patientKeys[$0] },
      sourceRows: chosen.map { sourceRows[$0] }, flow: flow(chosen.count),
      faults: faults)
  }

  /// The lower median of a number as it was recorded, over the chosen rows.
  private func recordedMedian(_ index: Int, _ rows: [Int]) -> Double? {
    guard specification.features[index].isNumber else { return nil }
    let column = values[index]
    let excluded = outside[index]
    let recorded = rows.compactMap { column[$0].isNaN ? excluded[$0] : column[$0] }.sorted()
    return recorded.isEmpty ? nil : recorded[(recorded.count - 1) / 2]
  }

  private func keptRows() -> [Int] {
    let all = Array(outcomes.indices)
    guard patient != nil, specification.rowsPerPatient != .all else { return all }
    var best: [Int32: Int] = [:]
    for row in all {
      guard let current = best[patients[row]] else {
        best[patients[row]] = row
        continue
      }
      if replaces(current, by: row) { best[patients[row]] = row }
    }
    return Array(best.values)
  }

  /// Whether a later row of the data takes the place of an earlier one.
  private func replaces(_ current: Int, by row: Int) -> Bool {
    let wantsLast = specification.rowsPerPatient == .last
    guard order != nil else { return wantsLast }
    switch (orderTexts[current], orderTexts[row]) {
    case (nil, nil): return wantsLast
    case (nil, _?): return true
    case (_?, nil): return false
    case (let old?, let new?):
      guard let order = CellText.order(new, old) else { return wantsLast }
      return wantsLast ? order >= 0 : order < 0
    }
  }

  /// A patient is held out when any of the chosen rows is.
  private func heldOutPatients(_ rows: [Int]) -> Set<Int32> {
    var held: Set<Int32> = []
    for row in rows where holdoutFlags[row] { held.insert(patients[row]) }
    return held
  }

  private func flow(_ finalCount: Int) -> [CohortTable.FlowStep] {
    var remaining = readCount
    var steps = [
      CohortTable.FlowStep(
        reason: "rows read", excludedCount: 0, remainingCount: remaining, excludedPatientCount: 0)
    ]
    guard purpose == .study else { return steps }
    func step(_ reason: String, _ excluded: Int, _ patients: Int) {
      remaining -= excluded
      steps.append(
        CohortTable.FlowStep(
          reason: reason, excludedCount: excluded, remainingCount: remaining,
          excludedPatientCount: patients))
    }
    /// Without a patient column every row is another patient's.
    func patients(_ index: Int) -> Int {
      patient == nil ? exclusions[index] : excludedPatients[index].count
    }
    for (index, test) in criteria.enumerated() {
      step(test.0.reason, exclusions[index], patients(index))
    }
    step("outcome recorded", exclusions[criteria.count], patients(criteria.count))
    if patient != nil {
      // Nobody knows whose they are.
      step("patient identifier recorded", exclusions[criteria.count + 1], 1)
      if specification.rowsPerPatient != .all {
        var rows: [Int32: Int] = [:]
        for patient in self.patients { rows[patient, default: 0] += 1 }
        step(
          "\(specification.rowsPerPatient.rawValue) row per patient", remaining - finalCount,
          rows.values.count { $0 > 1 })
      }
    }
    return steps
  }
}

extension Optional {
  /// `map` for a body with a typed error.
  fileprivate func map<Result, Failure: Error>(
    throwing body: (Wrapped) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard let self else { return nil }
    return try body(self)
  }
}
