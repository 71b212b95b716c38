import Cohort
import Records
import Testing

/// Readmission within 30 days of a discharge: the whole cohort language in one recipe.
@Suite struct CohortRulesTests {
  private let variables = [
    RecordVariable("birth", codes: [.exact("birth")]),
    RecordVariable("death", codes: [.exact("death")]),
    RecordVariable("admission", codes: [.exact("in")]),
    RecordVariable(
      "discharge", codes: [.exact("out")],
      kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
    RecordVariable("end", codes: [.exact("end")]),
    RecordVariable("chf", codes: [.group(.charlson, "chf")]),
  ]

  private func recipe(
    _ occurrence: IndexRule.Occurrence = .every, gap: Int64 = 0,
    censoring: RecordOutcome.Censoring = .exclude, atRisk: Bool = false, offset: Int64 = 0
  ) -> RecordsRecipe {
    RecordsRecipe(
      variables: variables, birth: "birth", death: "death",
      index: IndexRule(
        .event(variable: "discharge", condition: nil), occurrence, minimumGap: gap),
      predictionOffset: offset,
      criteria: [
        RecordCriterion(
          Measure("birth", .ever, .yearsSince), ValueCondition(.greaterOrEqual, ["18"]),
          reason: "adults"),
        RecordCriterion(
          Measure("death", .ever, .present), ValueCondition(.equal, ["1"]), excludes: true,
          reason: "died in hospital"),
      ],
      outcome: RecordOutcome(
        "readmitted", variable: "admission", horizon: 30 * day, censoring: censoring,
        requiresAtRisk: atRisk, followUpVariable: "end"),
      features: [
        FeatureRequest(Measure("chf", .ever, .present), name: "chf"),
        FeatureRequest(Measure("birth", .ever, .yearsSince), name: "age"),
      ])
  }

  private func story() throws -> Story {
    var story = Story()
    let start = 20_000 * day
    for (name, age) in [("a", 60), ("b", 17), ("c", 70), ("d", 50), ("e", 40)] {
      try story.add(name, "birth", at: start - Int64(Double(age) * RecordTime.year) - day)
    }
    // a: two stays ten days apart, then followed for a year.
    for (shift, length) in [(0, 5), (15, 2)] {
      try story.add("a", "in", at: start + Int64(shift) * day)
      try story.add("a", "out", at: start + Int64(shift + length) * day, Double(length))
    }
    try story.add("a", "end", at: start + 365 * day)
    try story.add("a", "icd9cm:428.0", at: start, known: start + 5 * day)
    // b is a child, c dies in hospital, d is lost after ten days, e has no stay.
    for name in ["b", "c", "d"] {
      try story.add(name, "in", at: start)
      try story.add(name, "out", at: start + 3 * day, 3)
    }
    try story.add("c", "death", at: start + 3 * day)
    try story.add("c", "icd10:I50.9", at: start + 20 * day)
    try story.add("d", "end", at: start + 13 * day)
    return story
  }

  @Test func flowAndOutcome() throws {
    let table = try story().table(recipe())
    #expect(table.flow.map(\.rowCount) == [5, 5, 4, 3, 2])
    #expect(table.flow.map(\.subjectCount) == [5, 4, 3, 2, 1])
    #expect(table.subjects == ["a", "a"])
    #expect(
      table.outcomes == [
        .event(after: 10 * day), .none(after: 30 * day, isCensored: false),
      ])
    #expect(table.numbers("chf") == [1, 1])
    #expect(table.numbers("age").allSatisfy { (60.0...60.2).contains($0) })
    let chf = try #require(table.tallies.first { $0.variable == "chf" })
    #expect(chf.tally.impossibleTimeCount == 1, "a record seventeen days after death")
  }

  @Test func censoringPolicies() throws {
    #expect(try story().table(recipe(censoring: .exclude)).rowCount == 2)
    let negative = try story().table(recipe(censoring: .negative))
    #expect(negative.outcomes.last == RowOutcome.none(after: 30 * day, isCensored: false))
    let kept = try story().table(recipe(censoring: .keep))
    #expect(kept.subjects == ["a", "a", "d"])
    #expect(kept.outcomes.last == RowOutcome.none(after: 10 * day, isCensored: true))
  }

  /// "Whether a death is recorded" excludes those who died, whichever way it is asked.
  @Test(arguments: [FeatureFunction.present, .count, .hoursSince])
  func whetherSomethingIsRecorded(function: FeatureFunction) throws {
    var recipe = recipe()
    recipe.criteria[1] = RecordCriterion(
      Measure("death", .ever, function), ValueCondition(.present, []), excludes: true,
      reason: "died in hospital")
    let table = try story().table(recipe)
    #expect(table.flow.map(\.rowCount) == [5, 5, 4, 3, 2])
    recipe.criteria[1].excludes = false
    #expect(try story().table(recipe).flow.map(\.rowCount) == [5, 5, 4, 1, 0])
  }

  @Test func occurrencesAndGaps() throws {
    #expect(try story().table(recipe(.first, censoring: .keep)).subjects == ["a", "d"])
    #expect(try story().table(recipe(.last, censoring: .keep)).subjects == ["a", "d"])
    let last = try story().table(recipe(.last)).indexTimes
    #expect(last == [20_017 * day])
    #expect(try story().table(recipe(.every, gap: 13 * day)).rowCount == 1)
    #expect(try story().table(recipe(.every, gap: 12 * day)).rowCount == 2)
  }

  /// Who has the outcome before the prediction is not at risk any more.
  @Test func atRisk() throws {
    let table = try story().table(recipe(atRisk: true, offset: 12 * day))
    #expect(table.indexTimes == [20_017 * day])
  }

  @Test func conditions() {
    #expect(ValueCondition(.oneOf, ["1", "2"]).isMet(number: 2, text: nil))
    #expect(ValueCondition(.oneOf, ["icu"]).isMet(number: .nan, text: " icu "))
    #expect(!ValueCondition(.greater, ["3"]).isMet(number: .nan, text: nil))
    #expect(ValueCondition(.notEqual, ["x"]).isMet(number: .nan, text: "y"))
    #expect(ValueCondition(.present, []).isMet(number: 1, text: nil))
    #expect(!ValueCondition(.present, []).isMet(number: .nan, text: nil))
  }

  @Test func contradictionsAreRefused() throws {
    func refusal(_ change: (inout RecordsRecipe) -> Void) -> RecordsError.Code? {
      var recipe = recipe()
      change(&recipe)
      do {
        try recipe.validate()
        return nil
      } catch {
        return error.code
      }
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.features = [] } == .badRecipe)
    #expect(refusal { $0.features.append($0.features[0]) } == .badRecipe)
    #expect(refusal { $0.variables.append($0.variables[0]) } == .badRecipe)
    #expect(refusal { $0.birth = "nobody" } == .badRecipe)
    #expect(refusal { $0.predictionOffset = -1 } == .badRecipe)
    #expect(refusal { $0.features[0].name = "readmitted" } == .badRecipe)
    #expect(refusal { $0.features[0].measure.function = .mean } == .badRecipe)
    #expect(refusal { $0.features[0].measure.window = .last(0) } == .badRecipe)
    #expect(refusal { $0.derived = [DerivedFeature("x", .ratio, of: ["chf"])] } == .badRecipe)
    #expect(refusal { $0.derived = [DerivedFeature("x", .ratio, of: ["chf", "y"])] } == .badRecipe)
    #expect(throws: RecordsError(.badRecipe)) { try FeatureBuilder(recipe(), index: nil) }
  }
}
