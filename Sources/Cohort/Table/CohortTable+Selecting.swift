/// Which rows a query counts.
public enum RowSet: String, Sendable, Hashable, CaseIterable {
  case all
  /// Rows of patients that are not held out.
  case training
  case holdout
}

extension CohortTable {
  /// Whether a row belongs to the set.
  @inlinable
  public func contains(_ row: Int, in rows: RowSet) -> Bool {
    switch rows {
    case .all: true
    case .training: !isHoldout[row]
    case .holdout: isHoldout[row]
    }
  }

  /// The indices of the set's rows, ascending.
  public func rowIndices(_ rows: RowSet) -> [Int] {
    (0..<rowCount).filter { contains($0, in: rows) }
  }

  /// The table of the given rows, in the given order. Indices outside the table throw.
  ///
  /// Flow and faults describe how the whole table was built and are kept as they are.
  public func selecting(_ indices: [Int]) throws(CohortError) -> CohortTable {
    guard indices.allSatisfy({ $0 >= 0 && $0 < rowCount }) else {
      throw CohortError(.shapeMismatch)
    }
    let selected = columns.map { column -> Column in
      switch column {
      case .number(let values): .number(indices.map { values[$0] })
      case .flag(let values): .flag(indices.map { values[$0] })
      case .category(let codes, let levels): .category(indices.map { codes[$0] }, levels: levels)
      }
    }
    return try CohortTable(
      features: features, columns: selected, outcome: indices.map { outcome[$0] },
      isHoldout: indices.map { isHoldout[$0] },
      outcomeValues: outcomeValues.map { values in indices.map { values[$0] } },
      hasOutcome: hasOutcome,
      patients: indices.map { patients[$0] },
      patientKeys: indices.map { patientKeys[$0] }, sourceRows: indices.map { sourceRows[$0] },
      flow: flow, faults: faults)
  }

  /// The table of the set's rows.
  public func selecting(_ rows: RowSet) throws(CohortError) -> CohortTable {
    try selecting(rowIndices(rows))
  }

  /// The rows of several sites in one table, as the pooled oracle of tests and simulations sees
  /// them. Patients of different tables stay different patients.
  ///
  /// Throws `shapeMismatch` when the tables' features differ or there is none. Vocabularies that
  /// were found in the data are united and sorted.
  public static func pooling(_ tables: [CohortTable]) throws(CohortError) -> CohortTable {
    guard let first = tables.first, tables.allSatisfy({ $0.features == first.features }) else {
      throw CohortError(.shapeMismatch)
    }
    var columns: [Column] = []
    for index in first.features.indices {
      switch first.columns[index] {
      case .number:
        columns.append(.number(tables.flatMap { $0.numbers(index) }))
      case .flag:
        columns.append(.flag(tables.flatMap { $0.numbers(index) }))
      case .category(_, let firstLevels):
        let all = tables.map { $0.levels(index) }
        let levels =
          all.allSatisfy { $0 == firstLevels } ? firstLevels : Set(all.joined()).sorted()
        var codes: [Int32] = []
        for table in tables { codes += table.codes(index, in: levels) }
        columns.append(.category(codes, levels: levels))
      }
    }
    var patients: [Int32] = []
    var next: Int32 = 0
    for table in tables {
      let (limit, overflow) = next.addingReportingOverflow((table.patients.max() ?? -1) + 1)
      guard !overflow else { throw CohortError(.tooLarge) }
      patients += table.patients.map { $0 + next }
      next = limit
    }
    var faults = first.faults
    if tables.count > 1 {
      for index in faults.indices { faults[index].recordedMedian = nil }
    }
    for table in tables.dropFirst() {
      for index in faults.indices {
        faults[index].outOfRangeCount += table.faults[index].outOfRangeCount
        faults[index].unreadableCount += table.faults[index].unreadableCount
      }
    }
    let values = tables.compactMap(\.outcomeValues)
    return try CohortTable(
      features: first.features, columns: columns, outcome: tables.flatMap(\.outcome),
      isHoldout: tables.flatMap(\.isHoldout),
      outcomeValues: values.count == tables.count ? values.flatMap { $0 } : nil,
      hasOutcome: tables.allSatisfy(\.hasOutcome),
      patients: patients, patientKeys: tables.flatMap(\.patientKeys),
      sourceRows: tables.flatMap(\.sourceRows), flow: pooledFlow(tables),
      faults: faults)
  }

  private static func pooledFlow(_ tables: [CohortTable]) -> [FlowStep] {
    guard let first = tables.first,
      tables.allSatisfy({ $0.flow.map(\.reason) == first.flow.map(\.reason) })
    else { return [] }
    return first.flow.indices.map { step in
      FlowStep(
        reason: first.flow[step].reason,
        excludedCount: tables.reduce(0) { $0 + $1.flow[step].excludedCount },
        remainingCount: tables.reduce(0) { $0 + $1.flow[step].remainingCount },
        excludedPatientCount: tables.reduce(0) { $0 + $1.flow[step].excludedPatientCount })
    }
  }

  /// The values of a number or flag; empty for a category.
  public func numbers(_ feature: Int) -> [Double] {
    switch columns[feature] {
    case .number(let values), .flag(let values): values
    case .category: []
    }
  }

  /// The vocabulary of a category; empty for other kinds.
  public func levels(_ feature: Int) -> [String] {
    if case .category(_, let levels) = columns[feature] { levels } else { [] }
  }

  /// The codes of a category in another vocabulary: words outside it become `otherCode`.
  public func codes(_ feature: Int, in vocabulary: [String]) -> [Int32] {
    guard case .category(let codes, let levels) = columns[feature] else { return [] }
    if levels == vocabulary { return codes }
    var indexOf: [String: Int32] = [:]
    for (index, level) in vocabulary.enumerated() { indexOf[level] = Int32(index) }
    let translated = levels.map { indexOf[$0] ?? Column.otherCode }
    return codes.map { $0 < 0 ? $0 : translated[Int($0)] }
  }
}
