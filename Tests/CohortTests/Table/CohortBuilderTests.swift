import Testing

@testable import Cohort

@Suite struct CohortBuilderTests {
  @Test func readsEveryKindOfCell() throws {
    let table = try build(
      wardSpecification(rows: .all),
      [
        ["a", "2024-01-01", "1.20", "70", "med", "yes", "1"],
        ["b", "2024-01-01", "-9.0", "999", "attic", "?", "0"],
        ["c", "2024-01-01", "67", "12", "", "NA", "0.0"],
        ["d", "2024-01-01", "high", "40", "surgery", "0", "1.0"],
      ])
    #expect(table.rowCount == 4)
    #expect(table.outcome == [1, 0, 0, 1])
    #expect(table.columns[0] == .number([1.2, .nan, .nan, .nan]))
    #expect(table.columns[1] == .number([70, .nan, .nan, 40]))
    #expect(table.columns[2] == .category([0, -2, -1, 1], levels: ["medicine", "surgery"]))
    #expect(table.columns[3] == .flag([1, .nan, .nan, 0]))
    #expect(
      table.faults[0] == .init(outOfRangeCount: 1, unreadableCount: 1, recordedMedian: 1.2))
    #expect(table.faults[1].recordedMedian == 40)
    #expect(table.outOfRangeCounts == [1, 1, 0, 0])
  }

  /// A row whose outcome is no possible value leaves the cohort with those that have none.
  @Test(arguments: [
    (OutcomeValues.number(0...20), ["1.5", "20.0", "21", "-1", "", "x", "0"], [1.5, 20, 0]),
    (.count(maximum: 20), ["1.5", "20.0", "21", "-1", "", "x", "0"], [20, 0]),
    (.classes(["1", "home", "0"]), ["1.0", "home", "Home", "", "x", "0"], [0, 1, 2]),
  ])
  func outcomeValuesAreReadOrLeaveTheCohort(
    values: OutcomeValues, cells: [String], expected: [Double]
  ) throws {
    var specification = wardSpecification()
    specification.outcome.values = values
    specification.outcome.positive = .comparison(.greaterOrEqual, 1)
    if case .classes = values { specification.outcome.positive = .oneOf(["1"]) }
    try specification.validate()
    let table = try build(
      specification,
      cells.enumerated().map {
        ["p\($0.offset)", "2024-01-01", "1", "40", "med", "1", $0.element]
      })
    #expect(table.outcomeValues == expected)
    #expect(
      table.flow.first { $0.reason == "outcome recorded" }?.excludedCount == cells.count
        - expected.count)
    if case .classes = values {
      #expect(table.outcome == [1, 0, 0])
    } else {
      #expect(table.outcome == expected.map { $0 >= 1 ? 1 : 0 })
    }
    #expect(try table.selecting([1, 0]).outcomeValues == [expected[1], expected[0]])
    #expect(try CohortTable.pooling([table, table]).outcomeValues == expected + expected)
    var plain = specification
    plain.outcome.values = nil
    #expect(
      try build(plain, [["a", "2024-01-01", "1", "40", "med", "1", "1"]]).outcomeValues == nil)
  }

  /// A number that is the outcome is converted as a feature is, before it is compared.
  @Test func anOutcomeIsConvertedToItsUnit() throws {
    var specification = wardSpecification()
    specification.features.removeFirst()
    specification.outcome = OutcomeSpecification(
      column: "creatinine", positive: .comparison(.greater, 2), name: "creatinine above 2",
      values: .number(0...10), unit: "mg/dL")
    let rows = [
      ["a", "2024-01-01", "88.4", "70", "med", "1", "0"],
      ["b", "2024-01-01", "265.2", "70", "med", "1", "0"],
    ]
    let table = try build(specification, rows, columns: wardColumns(creatinineUnit: "µmol/l"))
    #expect(table.outcome == [0, 1])
    let values = try #require(table.outcomeValues)
    #expect(abs(values[0] - 1) < 1e-3 && abs(values[1] - 3) < 1e-3)
    specification.outcome.unit = "kg"
    #expect(throws: CohortError.self) {
      try build(specification, rows, columns: wardColumns(creatinineUnit: "µmol/l"))
    }
  }

  @Test func convertsToTheStudysUnit() throws {
    let table = try build(
      wardSpecification(), [["a", "2024-01-01", "88.4", "70", "med", "1", "0"]],
      columns: wardColumns(creatinineUnit: "µmol/l"))
    #expect(abs(table.numbers(0)[0] - 1) < 1e-4)
  }

  @Test func keepsOneRowPerPatientByDate() throws {
    let rows = [
      ["a", "2024-03-01", "3", "70", "med", "1", "0"],
      ["b", "2024-05-01", "5", "70", "med", "1", "0"],
      ["a", "2024-01-01", "1", "70", "med", "1", "1"],
      ["a", "2024-09-01", "9", "70", "med", "1", "0"],
      ["a", "", "2", "70", "med", "1", "0"],
    ]
    #expect(try build(wardSpecification(rows: .first), rows).numbers(0) == [5, 1])
    #expect(try build(wardSpecification(rows: .last), rows).numbers(0) == [5, 9])
    #expect(try build(wardSpecification(rows: .first, order: nil), rows).numbers(0) == [3, 5])
    #expect(try build(wardSpecification(rows: .last, order: nil), rows).numbers(0) == [5, 2])
    let all = try build(wardSpecification(rows: .all), rows)
    #expect(all.rowCount == 5 && all.patientCount == 2)
    #expect(all.patients == [0, 1, 0, 0, 0])
  }

  @Test func countsEveryStepOfTheFlow() throws {
    let adult = Criterion(
      column: "age", comparison: .greaterOrEqual, values: ["18"], reason: "adult")
    let recorded = Criterion(column: "ward", comparison: .present, reason: "ward known")
    let table = try build(
      wardSpecification(include: [adult, recorded]),
      [
        ["a", "2024-01-01", "1", "17", "med", "1", "0"],
        ["b", "2024-01-01", "1", "", "med", "1", "0"],
        ["c", "2024-01-01", "1", "40", "", "1", "0"],
        ["d", "2024-01-01", "1", "40", "med", "1", "?"],
        ["", "2024-01-01", "1", "40", "med", "1", "1"],
        ["e", "2024-01-01", "1", "40", "med", "1", "1"],
        ["e", "2024-01-02", "1", "40", "med", "1", "1"],
      ])
    #expect(
      table.flow.map(\.reason) == [
        "rows read", "adult", "ward known", "outcome recorded", "patient identifier recorded",
        "first row per patient",
      ])
    #expect(table.flow.map(\.remainingCount) == [7, 5, 4, 3, 2, 1])
    #expect(table.flow.map(\.excludedCount) == [0, 2, 1, 1, 1, 1])
    #expect(table.sourceRows == [6])
  }

  @Test func criteriaCompareInTheStudysUnit() throws {
    let high = Criterion(
      column: "creatinine", comparison: .greater, values: ["1.5"], reason: "renal")
    let table = try build(
      wardSpecification(include: [high]),
      [
        ["a", "2024-01-01", "88", "70", "med", "1", "0"],
        ["b", "2024-01-01", "200", "70", "med", "1", "0"],
      ], columns: wardColumns(creatinineUnit: "umol/L"))
    #expect(table.sourceRows == [2])
  }

  @Test func namesMissingColumnsAndUnits() throws {
    let columns = wardColumns().filter { $0.name != "ward" }
    #expect(throws: CohortError(.missingColumn)) {
      try CohortBuilder(wardSpecification(), columns: columns)
    }
    #expect(throws: CohortError(.unitMismatch)) {
      try CohortBuilder(wardSpecification(), columns: wardColumns(creatinineUnit: "parsec"))
    }
    #expect(throws: CohortError(.duplicateColumn)) {
      try CohortBuilder(wardSpecification(), columns: wardColumns() + [SourceColumn("age")])
    }
    #expect(throws: CohortError(.raggedRow)) {
      try build(wardSpecification(), [["a", "b"]])
    }
  }

  @Test func predictionKeepsEveryRowAndNeedsNoOutcome() throws {
    let columns = wardColumns().filter {
      ["creatinine", "age", "ward", "diabetes"].contains($0.name)
    }
    let table = try build(
      wardSpecification(), [["1", "30", "med", "1"], ["", "", "", ""]], columns: columns,
      purpose: .prediction)
    #expect(table.rowCount == 2 && !table.hasOutcome)
    #expect(table.isHoldout == [false, false])
  }

  @Test func vocabulariesFromTheDataDoNotDependOnRowOrder() throws {
    var specification = wardSpecification(patientColumn: nil, order: nil)
    specification.features[2].kind = .category(levels: nil)
    let rows = ["b", "a", "c", "a"].map { ["x", "", "1", "30", $0, "1", "0"] }
    let table = try build(specification, rows)
    #expect(table.columns[2] == .category([1, 0, 2, 0], levels: ["a", "b", "c"]))
    let reversed = try build(specification, rows.reversed())
    #expect(reversed.columns[2] == .category([0, 2, 0, 1], levels: ["a", "b", "c"]))
  }

  @Test func poolingIsTheUnionOfTheRows() throws {
    let rows = randomRows(200, seed: 11)
    let whole = try build(wardSpecification(patientColumn: nil, order: nil), rows)
    let parts = try [0..<50, 50..<51, 51..<200].map {
      try build(wardSpecification(patientColumn: nil, order: nil), Array(rows[$0]))
    }
    let pooled = try CohortTable.pooling(parts)
    #expect(pooled.columns == whole.columns)
    #expect(pooled.outcome == whole.outcome)
    #expect(pooled.isHoldout == whole.isHoldout)
    #expect(pooled.flow.map(\.remainingCount) == whole.flow.map(\.remainingCount))
    #expect(Set(pooled.patients).count == 200)
  }

  @Test func badSpecificationsAreRefused() {
    var none = wardSpecification()
    none.features = []
    var twice = wardSpecification()
    twice.features.append(wardFeatures[0])
    var leak = wardSpecification()
    leak.features[0].column = "died"
    var share = wardSpecification()
    share.holdout = .hash(fraction: 1, key: "k")
    var order = wardSpecification()
    order.include = [Criterion(column: "age", comparison: .less, reason: "no value")]
    for specification in [none, twice, leak, share, order] {
      #expect(throws: CohortError(.badSpecification)) { try specification.validate() }
    }
  }
}
