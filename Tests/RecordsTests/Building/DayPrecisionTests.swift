import Records
import Testing

/// Records of which the source says only the day, or the year, or not when they became known.
@Suite struct DayPrecisionTests {
  private let variables = [
    RecordVariable("birth", codes: [.exact("birth")]),
    RecordVariable("death", codes: [.exact("death")]),
    RecordVariable("stay", codes: [.exact("stay")]),
    RecordVariable(
      "lact", codes: [.exact("lact")], kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
  ]

  /// 2024-01-04T00:00.
  private let start: Int64 = 19_726 * day
  private let date = day - 1

  private func recipe(
    after offset: Int64 = 24 * hour, outcome: String = "death", atRisk: Bool = true,
    horizon: Int64? = 30 * day
  ) -> RecordsRecipe {
    RecordsRecipe(
      variables: variables, birth: "birth", death: "death",
      index: IndexRule(.event(variable: "stay", condition: nil), .every),
      predictionOffset: offset,
      outcome: RecordOutcome(
        "outcome", variable: outcome, horizon: horizon, requiresAtRisk: atRisk),
      features: [
        FeatureRequest(Measure("lact", .ever, .count), name: "lact"),
        FeatureRequest(Measure("birth", .ever, .yearsSince), name: "age"),
      ])
  }

  /// The stay of 2024-01-04T08:00, predicted after 24 h: the laboratory's value of the next day may
  /// be from its evening.
  @Test func theRestOfTheDayIsTheFuture() throws {
    var story = Story()
    try story.add("a", "stay", at: start + 8 * hour)
    try story.add("a", "lact", at: start + day, span: date, 9)
    #expect(try story.table(recipe()).numbers("lact") == [0])
    #expect(try story.table(recipe(after: 40 * hour)).numbers("lact") == [1])
    let event = story.batch.events[1]
    #expect(event.knownAt == start + 2 * day - 1 && event.latest == event.knownAt)
  }

  /// A rule about the death, at a discharge in the afternoon: of the day of a death alone it counts the whole
  /// day, and of two records of one death the exacter.
  @Test(arguments: [
    (Int64(0), ["alive", "evening", "later", "tomorrow"]), (24 * hour, ["alive", "later"]),
  ])
  func theDeadAreLeftOut(within: Int64, kept: [String]) throws {
    var story = Story()
    for name in ["alive", "evening", "inside", "later", "same", "tomorrow"] {
      try story.add(name, "stay", at: start + 14 * hour)
    }
    try story.add("inside", "death", at: start + 3 * hour)
    try story.add("same", "death", at: start, span: date)
    try story.add("evening", "death", at: start, span: date)
    try story.add("evening", "death", at: start + 20 * hour)
    try story.add("tomorrow", "death", at: start + day, span: date)
    try story.add("later", "death", at: start + 3 * day, span: date)
    var recipe = recipe(after: 0, outcome: "lact", atRisk: false)
    recipe.criteria = [
      RecordCriterion(deathWithin: within, of: "death", excludes: true, reason: "died")
    ]
    #expect(try story.table(recipe).subjects == kept)
    story.batch.events.reverse()
    #expect(try story.table(recipe).subjects == kept)
    recipe.criteria[0].excludes = false
    #expect(try story.table(recipe).rowCount == 6 - kept.count)
    recipe.death = nil
    #expect(throws: RecordsError.self) { try recipe.validate() }
  }

  /// A discharge of which the day alone is known is on that day too.
  @Test func aDayMeetsADay() throws {
    var story = Story()
    for name in ["before", "same", "after"] { try story.add(name, "stay", at: start, span: date) }
    try story.add("before", "death", at: start - day, span: date)
    try story.add("same", "death", at: start + 15 * hour)
    try story.add("after", "death", at: start + day, span: date)
    var recipe = recipe(after: 0, outcome: "lact", atRisk: false)
    recipe.criteria = [RecordCriterion(deathWithin: 0, of: "death", excludes: true, reason: "died")]
    #expect(try story.table(recipe).subjects == ["after"])
  }

  /// Who died on the day of the prediction, the hour unknown, died; who died on a day before is not
  /// there any more, whoever is called at risk. Nobody of them survives.
  @Test(arguments: [true, false]) func theDeadAreNoSurvivors(atRisk: Bool) throws {
    var story = Story()
    for name in ["before", "early", "same", "later", "alive"] {
      try story.add(name, "stay", at: start + 8 * hour)
    }
    try story.add("before", "death", at: start - day, span: date)
    try story.add("early", "death", at: start, span: date)
    try story.add("same", "death", at: start + day, span: date)
    try story.add("later", "death", at: start + 3 * day, span: date)
    let table = try story.table(recipe(atRisk: atRisk))
    #expect(table.subjects == ["alive", "later", "same"])
    #expect(
      table.outcomes == [
        .none(after: 30 * day, isCensored: false), .event(after: 3 * day - 32 * hour),
        .event(after: 1),
      ])
  }

  /// The horizon is compared with the day's beginning.
  @Test func theHorizonIsCompletelySeen() throws {
    var story = Story()
    try story.add("a", "stay", at: start)
    try story.add("a", "death", at: start + 31 * day, span: date)
    #expect(try story.table(recipe()).outcomes == [.event(after: 30 * day)])
    #expect(
      try story.table(recipe(horizon: 30 * day - 1)).outcomes == [
        .none(after: 30 * day - 1, isCensored: false)
      ])
  }

  /// A stay known by its day is not its own readmission; the next one is.
  @Test func anIndexEventIsNotItsOwnOutcome() throws {
    var story = Story()
    try story.add("a", "stay", at: start, span: date)
    try story.add("a", "stay", at: start + 5 * day, span: date)
    let table = try story.table(recipe(after: 0, outcome: "stay"))
    #expect(table.outcomes == [.event(after: 5 * day), .none(after: 30 * day, isCensored: false)])
    #expect(try story.table(recipe(after: 2 * day, outcome: "stay")).rowCount == 2)
  }

  /// An infant born in a year has an age, and its records are possible.
  @Test func infants() throws {
    var story = Story()
    // 2024, from its middle.
    let half = 183 * day
    for (name, time) in [("winter", 20 * day), ("autumn", 290 * day)] {
      try story.add(name, "birth", at: start - 3 * day + half, span: half)
      try story.add(name, "stay", at: start + time)
      try story.add(name, "lact", at: start + time, 2)
    }
    try story.add("newborn", "birth", at: start, span: date)
    try story.add("newborn", "stay", at: start + 8 * hour)
    try story.add("newborn", "lact", at: start - 2 * day, 2)
    let table = try story.table(recipe(after: hour))
    #expect(table.subjects == ["autumn", "newborn", "winter"])
    let ages = table.numbers("age")
    #expect(ages[0] > 0.25 && ages[0] < 0.35 && ages[1] > 0 && ages[1] < 0.01 && ages[2] == 0)
    #expect(table.numbers("lact") == [1, 0, 1])
    #expect(table.tallies.map(\.tally.impossibleTimeCount) == [0, 0, 0, 1])
  }

  /// Impossible is only what no moment of the days allows.
  @Test func daysOfDeath() throws {
    var story = Story()
    try story.add("a", "stay", at: start)
    try story.add("a", "death", at: start + 5 * day, span: date)
    try story.add("a", "lact", at: start + 7 * day - 1, 1)
    try story.add("a", "lact", at: start + 7 * day, 1)
    let table = try story.table(recipe(after: 20 * day, outcome: "stay"))
    #expect(table.numbers("lact") == [1])
    #expect(table.tallies[3].tally.impossibleTimeCount == 1)
  }

  /// What nobody can date enters no feature and is counted; as an outcome it is what it is.
  @Test func knownAtNoStatedTime() throws {
    var story = Story()
    try story.add("a", "stay", at: start)
    try story.add("a", "lact", at: start - day, known: RecordTime.never, 3)
    try story.add("a", "death", at: start + 2 * day, known: RecordTime.never)
    let table = try story.table(recipe(after: 0))
    #expect(table.numbers("lact") == [0])
    #expect(table.outcomes == [.event(after: 2 * day)])
    #expect(table.tallies.map(\.tally.neverKnownCount) == [0, 1, 0, 1])
    var profile = try RecordsProfile(recipe())
    profile.receive(story.batch)
    let text = profile.text(story.batch.lexicon)
    #expect(text.contains("  lact: 1 records, 100 % of the patients, 1 known at no stated time"))
    #expect(text.contains("  at no stated time: 67 %"))
  }

  /// Who died at no stated time is neither dead nor alive at the horizon, and is counted.
  @Test func aDeathWithoutATime() throws {
    var story = Story()
    for name in ["alive", "dated", "undated"] { try story.add(name, "stay", at: start) }
    try story.add("undated", "death", at: RecordTime.always, known: RecordTime.never)
    try story.add("dated", "death", at: RecordTime.always, known: RecordTime.never)
    try story.add("dated", "death", at: start + 2 * day)
    let table = try story.table(recipe(after: 0))
    #expect(table.subjects == ["alive", "dated"])
    #expect(table.outcomes.last == .event(after: 2 * day))
    #expect(table.tallies[1].tally.undatedCount == 2)
    #expect(table.tallies[1].tally.neverKnownCount == 0)
  }

  /// A diagnosis coded at discharge makes no row of the admission: nobody knew it then.
  @Test func indexEventsKnownTooLate() throws {
    var story = Story()
    try story.add("coded", "stay", at: start, known: start + 6 * day)
    try story.add("coded", "stay", at: start + 50 * day)
    try story.add("never", "stay", at: start, known: RecordTime.never)
    try story.add("dated", "stay", at: start, span: date)
    for (offset, rows) in [
      (Int64(0), ["coded", "dated"]), (6 * day, ["coded", "coded", "dated"]),
    ] {
      let recipe = recipe(after: offset)
      #expect(try story.table(recipe).subjects == rows)
      var scan = try IndexScan(recipe)
      try scan.receive(story.batch)
      #expect(scan.finish(story.batch.lexicon).lateCount == 4 - rows.count)
    }
    var first = recipe(after: 0)
    first.index.occurrence = .first
    #expect(try story.table(first).indexTimes == [start + 50 * day, start])
  }

  /// Whatever the order of the files: a value, its correction and its repetition.
  @Test func duplicatesDoNotDependOnTheOrder() throws {
    var recipe = recipe(after: 2 * day)
    recipe.removesDuplicates = true
    var story = Story()
    try story.add("a", "stay", at: start)
    for known in [start + 9 * day, start + day, start + day] {
      try story.add("a", "lact", at: start, known: known, 5)
    }
    try story.add("a", "lact", at: start, known: start + day, 5, unit: "mmol/L")
    let table = try story.table(recipe)
    #expect(table.numbers("lact") == [2])
    #expect(table.tallies[3].tally.duplicateCount == 1)
    story.batch.events.reverse()
    #expect(try story.table(recipe) == table)
  }

  /// Discharges by the day, the admission of each stay and the next: a stay's own admission is never its
  /// readmission, and another stay that begins on that day is one where the clock or the stay's identifier
  /// says so.
  @Test(arguments: [nil, true, false]) func readmissionOnTheDayOfTheDischarge(sameDay: Bool?) throws
  {
    func outcomes(
      admission code: String = "visit:9201", _ build: (inout Story) throws -> Void
    ) throws -> [RowOutcome] {
      var story = Story()
      try build(&story)
      let recipe = RecordsRecipe(
        variables: [
          RecordVariable("admission", codes: [.exact(code)]),
          RecordVariable("discharge", codes: [.exact("out")]),
        ],
        index: IndexRule(.event(variable: "discharge", condition: nil), .every),
        outcome: RecordOutcome(
          "readmitted", variable: "admission", horizon: 30 * day, requiresAtRisk: false,
          countsSameDay: sameDay),
        features: [FeatureRequest(Measure("admission", .ever, .count), name: "stays")])
      let table = try story.table(recipe)
      story.batch.events.reverse()
      #expect(try story.table(recipe) == table)
      return table.outcomes
    }
    let none = RowOutcome.none(after: 30 * day, isCensored: false)
    func stay(
      _ story: inout Story, from first: Int64, to last: Int64, _ identifier: String?,
      code: String = "visit:9201", span: Int64? = nil
    ) throws {
      let number = identifier.map { Event.encounterNumber($0) } ?? 0
      try story.add("a", code, at: first, span: span ?? date)
      story.batch.events[story.batch.events.count - 1].encounter = number
      try story.add("a", "out", at: last, span: span ?? date)
      story.batch.events[story.batch.events.count - 1].encounter = -number
    }
    // One stay of one day, with and without an identifier: only who asks for it counts the day itself.
    #expect(try outcomes { try stay(&$0, from: start, to: start, "1") } == [none])
    let unnamed = try outcomes { try stay(&$0, from: start, to: start, nil) }
    #expect(unnamed == [sameDay == true ? .event(after: 1) : none])
    // Of codes that are no visits the outcome counts unless it is said not to.
    let other = try outcomes(admission: "in") {
      try stay(&$0, from: start, to: start, nil, code: "in")
    }
    #expect(other == [sameDay == false ? none : .event(after: 1)])
    // Two stays that meet on one day: with identifiers a readmission, whatever is asked.
    let met = try outcomes {
      try stay(&$0, from: start - 4 * day, to: start, "1")
      try stay(&$0, from: start, to: start + 3 * day, "2")
    }
    #expect(met == [.event(after: 1), none])
    // Two stays within one day make one row, and the one followed the other.
    let both = try outcomes {
      try stay(&$0, from: start, to: start, "1")
      try stay(&$0, from: start, to: start, "2")
    }
    #expect(both == [.event(after: 1)])
    // With clocks nothing has to be guessed.
    let clocked = try outcomes {
      try stay(&$0, from: start, to: start + 6 * hour, nil, span: 0)
      try stay(&$0, from: start + 8 * hour, to: start + 9 * hour, nil, span: 0)
    }
    #expect(clocked == [.event(after: 2 * hour), none])
    // The admission has a clock and the discharge only its day.
    let mixed = try outcomes {
      try stay(&$0, from: start + 8 * hour, to: start, nil)
      $0.batch.events[0].span = 0
    }
    #expect(mixed == [sameDay == true ? .event(after: 8 * hour) : none])
  }

  /// The end of the very stay that the index event begins comes after it.
  @Test func theDischargeOfTheSameDay() throws {
    var story = Story()
    for (code, sign) in [("stay", 1), ("death", -1)] {
      try story.add("a", code, at: start, span: date)
      story.batch.events[story.batch.events.count - 1].encounter =
        Int32(sign) * Event.encounterNumber("1")
    }
    var recipe = recipe(after: 0)
    recipe.death = nil
    #expect(try story.table(recipe).outcomes == [.event(after: 1)])
  }

  /// Two stays on one day are not one record twice.
  @Test func staysOfOneDayAreNoDuplicates() throws {
    var story = Story()
    for identifier in ["1", "2", "2"] {
      try story.add("a", "stay", at: start, span: date)
      story.batch.events[story.batch.events.count - 1].encounter =
        Event.encounterNumber(identifier)
    }
    var recipe = recipe(after: 0)
    recipe.removesDuplicates = true
    #expect(try story.table(recipe).tallies[2].tally.duplicateCount == 1)
    #expect(
      Event.encounterNumber("") > 0 && Event.encounterNumber("1") != Event.encounterNumber("2"))
  }

  /// A record without a time whose value is not the outcome says nothing against the others.
  @Test(arguments: [(8.0, ["alive"]), (1.0, ["alive", "undated"])])
  func anUndatedRecordThatIsNotTheOutcome(value: Double, subjects: [String]) throws {
    var story = Story()
    for name in ["alive", "undated"] { try story.add(name, "stay", at: start) }
    try story.add("undated", "lact", at: RecordTime.always, known: RecordTime.never, value)
    var recipe = recipe(after: 0, outcome: "lact")
    recipe.outcome?.condition = ValueCondition(.greaterOrEqual, ["4"])
    #expect(try story.table(recipe).subjects == subjects)
  }
}
