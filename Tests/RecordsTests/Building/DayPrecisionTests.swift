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
}
