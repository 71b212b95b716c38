import Cohort
import PortableNumerics
import Records
import Testing

@Suite struct FeatureTests {
  private let hr = RecordVariable(
    "hr", codes: [.exact("HR")],
    kind: .number(unit: "/min", hardRange: 0...350, warnRange: 20...250))

  private func recipe(
    _ functions: [FeatureFunction], _ window: FeatureWindow = .ever, after: Int64 = 24 * hour
  ) -> RecordsRecipe {
    RecordsRecipe(
      variables: [hr], index: IndexRule(.start), predictionOffset: after,
      features: functions.map { FeatureRequest(Measure("hr", window, $0), name: $0.rawValue) })
  }

  /// A number without a date is the last one when it is the only one, and gives way to any dated one.
  @Test func factsKnownFromEverCount() throws {
    var story = Story()
    try story.add("a", "HR", at: RecordTime.always, 61)
    try story.add("b", "HR", at: RecordTime.always, 61)
    try story.add("b", "HR", at: 2 * hour, 55)
    let table = try story.table(recipe([.first, .last, .minimum, .count]))
    #expect(table.numbers("last") == [61, 55])
    #expect(table.numbers("first") == [61, 61])
    #expect(table.numbers("min") == [61, 55])
    let ward = RecordsRecipe(
      variables: [RecordVariable("ward", codes: [.exact("ward")], kind: .category)],
      index: IndexRule(.start),
      features: [FeatureRequest(Measure("ward", .ever, .last), name: "ward")])
    var numbered = Story()
    try numbered.add("a", "ward", at: RecordTime.always, 7)
    #expect(try numbered.table(ward).words("ward") == ["7"])
  }

  /// Worked by hand.
  @Test func knownAnswers() throws {
    var story = Story()
    for (time, value) in [(hour, 80.0), (2 * hour, 90), (4 * hour, 70), (30 * hour, 300)] {
      try story.add("a", "HR", at: time, value)
    }
    try story.add("a", "HR", at: 3 * hour)
    let table = try story.table(recipe(FeatureFunction.allCases))
    func value(_ function: FeatureFunction) -> Double { table.numbers(function.rawValue)[0] }
    #expect(value(.minimum) == 70)
    #expect(value(.maximum) == 90)
    #expect(value(.mean) == 80)
    #expect(value(.first) == 80)
    #expect(value(.last) == 70)
    #expect(value(.count) == 3)
    #expect(value(.sum) == 240)
    #expect(value(.present) == 1)
    #expect(value(.variability) == 10)
    #expect(value(.range) == 20)
    #expect(value(.change) == -10)
    #expect(value(.hoursSince) == 20)
    // Least squares of (1, 80), (2, 90), (4, 70): slope −30/7 · (1/…): Σ(t−7/3)(x−80) / Σ(t−7/3)².
    #expect(abs(value(.slope) - (-20.0 / (14.0 / 3.0))) < 1e-12)
  }

  @Test func windows() throws {
    var story = Story()
    for time in 0...30 { try story.add("a", "HR", at: Int64(time) * hour, Double(50 + time)) }
    let counts: [(FeatureWindow, Double)] = [
      (.ever, 25), (.last(6 * hour), 7), (.first(6 * hour), 7), (.sinceIndex, 25),
      (.first(100 * hour), 25), (.last(1), 1),
    ]
    for (window, count) in counts {
      #expect(try story.table(recipe([.count], window)).numbers("count") == [count], "\(window)")
    }
  }

  /// Whatever the recipe, records known after the prediction change no feature.
  @Test func nothingFromTheFutureEnters() throws {
    var random = SplitMix64(seed: 3)
    var past = Story()
    for _ in 0..<200 {
      let time = Int64(random.next() % UInt64(24 * hour))
      try past.add("p\(random.next() % 5)", "HR", at: time, Double(40 + random.next() % 90))
    }
    var whole = past
    for _ in 0..<200 {
      let time = Int64(random.next() % UInt64(60 * hour))
      let known = 24 * hour + 1 + Int64(random.next() % UInt64(hour))
      try whole.add("p\(random.next() % 5)", "HR", at: time, known: known, 340)
    }
    for window in [FeatureWindow.ever, .last(9 * hour), .first(40 * hour), .sinceIndex] {
      let recipe = recipe(FeatureFunction.allCases, window)
      #expect(try past.table(recipe).csv() == whole.table(recipe).csv(), "seed 3, \(window)")
    }
    #expect(PredictionTime(index: 0, offset: 10).known(Event(subject: 0, code: 0, time: 11)) == nil)
    let late = Event(subject: 0, code: 0, time: 1, knownAt: 11)
    #expect(PredictionTime(index: 0, offset: 10).known(late) == nil)
    #expect(PredictionTime(index: 0, offset: 11).known(late) != nil)
  }

  /// Any order of the records and any division into batches gives the same bytes.
  @Test func orderAndDivisionDoNotMatter() throws {
    var random = SplitMix64(seed: 8)
    var story = Story()
    for _ in 0..<600 {
      let time = Int64(random.next() % 20) * hour
      let value = Double(random.next() % 2000) / 13
      try story.add(
        "p\(random.next() % 7)", "HR", at: time, known: time + Int64(random.next() % 3) * hour,
        value)
    }
    let recipe = recipe(FeatureFunction.allCases, .last(20 * hour))
    let whole = try story.table(recipe)
    var shuffled = story
    shuffled.batch.events.shuffle(using: &random)
    #expect(try shuffled.table(recipe).csv() == whole.csv(), "seed 8")
    for count in [1, 7, 599] {
      var builder = try FeatureBuilder(recipe, index: nil)
      var part = shuffled.batch
      for start in stride(from: 0, to: 600, by: count) {
        part.events = Array(shuffled.batch.events[start..<min(start + count, 600)])
        try builder.receive(part)
      }
      #expect(builder.finish(part.lexicon).csv() == whole.csv(), "seed 8, batches of \(count)")
    }
  }

  /// Against a plain implementation in doubles.
  @Test func agreesWithANaiveTwin() throws {
    var random = SplitMix64(seed: 21)
    var story = Story()
    var values: [(time: Double, value: Double)] = []
    for step in 0..<50 {
      let value = Double(random.next() % 20_000) / 100
      values.append((Double(step) / 2, value))
      try story.add("a", "HR", at: Int64(step) * hour / 2, value)
    }
    let table = try story.table(recipe([.mean, .variability, .slope], after: 100 * hour))
    let n = Double(values.count)
    let mean = values.reduce(0) { $0 + $1.value } / n
    let middle = values.reduce(0) { $0 + $1.time } / n
    let spread = values.reduce(0) { $0 + ($1.value - mean) * ($1.value - mean) }
    let shared = values.reduce(0) { $0 + ($1.value - mean) * ($1.time - middle) }
    let times = values.reduce(0) { $0 + ($1.time - middle) * ($1.time - middle) }
    #expect(abs(table.numbers("mean")[0] - mean) < 1e-9)
    #expect(abs(table.numbers("sd")[0] - (spread / (n - 1)).squareRoot()) < 1e-9)
    #expect(abs(table.numbers("slope")[0] - shared / times) < 1e-9)
  }

  /// A planted unit, planted impossible values and a planted unknown unit are counted.
  @Test func cleaning() throws {
    let glucose = try #require(RecordVariable("glu", clinical: "glu", codes: [.exact("G")]))
    let recipe = RecordsRecipe(
      variables: [glucose], index: IndexRule(.start), predictionOffset: day,
      features: [FeatureRequest(Measure("glu", .ever, .last), name: "glu")])
    var story = Story()
    try story.add("a", "G", at: 1, 5.5, unit: "mmol/L")
    try story.add("b", "G", at: 1, 99)
    try story.add("c", "G", at: 1, 99_999, unit: "mg/dL")
    try story.add("d", "G", at: 1, 4, unit: "furlong")
    try story.add("e", "G", at: 1, 1900, unit: "mg/dl")
    try story.add("f", "loinc:2345-7", at: 1, -0.0, unit: "mg/dL")
    let table = try story.table(recipe)
    let values = table.numbers("glu")
    #expect(abs(values[0] - 5.5 * 18.016) < 1e-9)
    #expect(values[1] == 99)
    #expect(values[2].isNaN && values[3].isNaN)
    #expect(values[4] == 1900)
    #expect(values[5].bitPattern == 0.0.bitPattern)
    let tally = table.tallies[0].tally
    #expect(tally.eventCount == 6)
    #expect(tally.convertedCount == 1)
    #expect(tally.unitAssumedCount == 1)
    #expect(tally.hardRangeCount == 1)
    #expect(tally.unknownUnitCount == 1)
    #expect(tally.warnRangeCount == 2)
  }

  @Test func duplicatesCountOnce() throws {
    var story = Story()
    for _ in 0..<3 { try story.add("a", "HR", at: hour, 80) }
    try story.add("a", "HR", at: 2 * hour, 100)
    var recipe = recipe([.mean, .count])
    #expect(try story.table(recipe).numbers("mean") == [85])
    recipe.removesDuplicates = true
    let table = try story.table(recipe)
    #expect(table.numbers("mean") == [90])
    #expect(table.numbers("count") == [2])
    #expect(table.tallies[0].tally.duplicateCount == 2)
  }

  @Test func categoriesAndTies() throws {
    let ward = RecordVariable("ward", codes: [.exact("W")], kind: .category)
    let recipe = RecordsRecipe(
      variables: [ward], index: IndexRule(.start), predictionOffset: day,
      features: [
        FeatureRequest(Measure("ward", .ever, .first), name: "first"),
        FeatureRequest(Measure("ward", .ever, .last), name: "last"),
      ])
    var story = Story()
    try story.add("a", "W", at: 5, text: "surgery")
    try story.add("a", "W", at: 5, text: "icu")
    try story.add("a", "W", at: 1, 4)
    try story.add("b", "X", at: 1)
    let table = try story.table(recipe)
    #expect(table.words("first") == ["4", nil])
    #expect(table.words("last") == ["surgery", nil])
    var other = story
    other.batch.events.reverse()
    #expect(try other.table(recipe).csv() == table.csv())
  }

  @Test func derivedFeatures() throws {
    var recipe = recipe([.minimum, .maximum, .mean])
    recipe.derived = [
      DerivedFeature("spread", .difference, of: ["max", "min"]),
      DerivedFeature("twice", .ratio, of: ["spread", "min"]),
    ]
    var story = Story()
    try story.add("a", "HR", at: 1, 50)
    try story.add("a", "HR", at: 2, 100)
    try story.add("b", "HR", at: 2, 0)
    let table = try story.table(recipe)
    #expect(table.numbers("spread") == [50, 0])
    #expect(table.numbers("twice")[0] == 1)
    #expect(table.numbers("twice")[1].isNaN, "nothing divided by nothing is missing")
    #expect(Interaction.bodyMassIndex.value([70, 200]) == 17.5)
    #expect(Interaction.oxygenationIndex.value([80, 40]) == 200)
    #expect(Interaction.qsofa.value([90, 30, 14]) == 3)
    #expect(Interaction.anionGap.value([140, 100]).isNaN)
  }
}
