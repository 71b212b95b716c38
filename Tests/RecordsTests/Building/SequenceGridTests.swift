import Testing

@testable import Records

/// Regular grids with masks and the time since the last value.
@Suite struct SequenceGridTests {
  private static func recipe(_ index: IndexRule) -> RecordsRecipe {
    RecordsRecipe(
      variables: [
        RecordVariable("stay", codes: [.exact("stay")]),
        RecordVariable(
          "lactate", codes: [.exact("lact")],
          kind: .number(unit: nil, hardRange: 0...50, warnRange: nil)),
        RecordVariable(
          "age", codes: [.exact("age")], kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
        RecordVariable(
          "unused", codes: [.exact("x")], kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
      ], index: index, predictionOffset: 4 * hour,
      features: [
        FeatureRequest(Measure("lactate", .ever, .last)),
        FeatureRequest(Measure("age", .ever, .last)),
        FeatureRequest(Measure("unused", .ever, .last), isLabel: true),
      ])
  }

  private func grid(
    _ story: Story, _ recipe: RecordsRecipe, step: Int64 = hour, span: Int64? = nil,
    age: Int64? = nil
  ) throws -> (grid: SequenceGrid, rows: [SequenceGrid.Key: Int]) {
    var index: CohortIndex?
    if IndexScan.isNeeded(for: recipe) {
      var scan = try IndexScan(recipe)
      try scan.receive(story.batch)
      index = scan.finish(story.batch.lexicon)
    }
    var grid = try SequenceGrid(recipe, index: index, step: step, span: span, maximumAge: age)
    try grid.receive(story.batch)
    return (grid, grid.rows(story.batch.lexicon))
  }

  private func story() throws -> Story {
    var story = Story()
    try story.add("a", "stay", at: 100 * hour)
    try story.add("a", "age", at: RecordTime.always, 70)
    try story.add("a", "lact", at: 99 * hour, 1)
    // Taken in the first hour, known in the third; and a newer one known before.
    try story.add("a", "lact", at: 100 * hour + 600, known: 102 * hour + 60, 2)
    try story.add("a", "lact", at: 101 * hour + 600, 3)
    // On the edge of a step it belongs to it; impossible values and the future do not count.
    try story.add("a", "lact", at: 104 * hour, 5)
    try story.add("a", "lact", at: 103 * hour, 999)
    try story.add("a", "lact", at: 104 * hour + 1, 7)
    try story.add("a", "lact", at: 103 * hour, known: 105 * hour, 8)
    try story.add("b", "lact", at: 100 * hour, 4)
    return story
  }

  @Test func valuesMasksAndAgesByStep() throws {
    let recipe = Self.recipe(IndexRule(.event(variable: "stay", condition: nil)))
    let (grid, rows) = try grid(story(), recipe)
    #expect(grid.variables == ["lactate", "age"] && grid.stepCount == 4 && rows.count == 1)
    let row = try #require(rows[.init(subject: "a", indexTime: 100 * hour)])
    #expect((0..<4).map { grid.hours(row: row, step: $0) } == [1, 2, 3, 4])
    let lactate = grid.channel(row: row, 0)
    #expect(lactate.map(\.value) == [1, 3, 3, 5])
    // The late result is seen in the step in which it became known, and is no newer value.
    #expect(lactate.map(\.isObserved) == [false, true, true, true])
    let ages = lactate.map(\.hoursSince)
    let expected: [Double] = [2, 5.0 / 6, 11.0 / 6, 0]
    for (age, value) in zip(ages, expected) { #expect(abs(age - value) < 1e-12) }
    #expect(ages[3] == 0)
    let age = grid.channel(row: row, 1)
    #expect(age.map(\.value) == [70, 70, 70, 70] && age.allSatisfy { $0.hoursSince.isNaN })
  }

  @Test func aValueIsCarriedNoLongerThanItsAge() throws {
    let recipe = Self.recipe(IndexRule(.event(variable: "stay", condition: nil)))
    let (grid, _) = try grid(story(), recipe, age: hour)
    let values = grid.channel(row: 0, 0).map(\.value)
    #expect(values[0].isNaN && values[2].isNaN)
    #expect(values[1] == 3)
    #expect(values[3] == 5)
    // Longer steps, and a grid that looks further back than the index event.
    let (wide, _) = try self.grid(story(), recipe, step: 2 * hour, span: 6 * hour)
    #expect(wide.stepCount == 3 && wide.hours(row: 0, step: 0) == 0)
    #expect(wide.channel(row: 0, 0).map(\.value) == [1, 3, 5])
  }

  /// The grid's last step says what the features say: the same rule for what was known.
  @Test func theLastStepIsTheFeature() throws {
    for index in [IndexRule(.start), IndexRule(.event(variable: "stay", condition: nil))] {
      let recipe = Self.recipe(index)
      var story = Story()
      for hour in 0..<6 {
        try story.add("p", "lact", at: Int64(hour) * 3600 + 7, Double(hour) + 1)
        try story.add(
          "q", "lact", at: Int64(hour) * 3600, known: Int64(hour + 2) * 3600, Double(hour))
      }
      try story.add("p", "stay", at: 3600)
      try story.add("q", "stay", at: 0)
      let table = try story.table(recipe)
      let (grid, rows) = try grid(story, recipe)
      for (position, subject) in table.subjects.enumerated() {
        let row = try #require(rows[.init(subject: subject, indexTime: table.indexTimes[position])])
        #expect(
          grid.channel(row: row, 0).last?.value == table.numbers("lactate_last_ever")[position])
      }
    }
  }

  @Test func whatCannotBeDividedIsRefused() throws {
    let recipe = Self.recipe(IndexRule(.start))
    func refused(_ step: Int64, _ span: Int64?, _ age: Int64?) -> Bool {
      (try? SequenceGrid(recipe, index: nil, step: step, span: span, maximumAge: age)) == nil
    }
    #expect(refused(0, nil, nil) && refused(5 * hour, nil, nil))
    #expect(refused(hour, 60, nil) && refused(hour, nil, 0))
    #expect(refused(1, 1 << 40, nil) && !refused(hour, nil, nil))
    var words = recipe
    words.features = [FeatureRequest(Measure("stay", .ever, .count))]
    #expect(throws: RecordsError.self) { try SequenceGrid(words, index: nil, step: hour) }
  }
}
