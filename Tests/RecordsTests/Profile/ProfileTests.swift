import PortableNumerics
import Testing

@testable import Records

@Suite struct ProfileTests {
  private func recipe() throws -> RecordsRecipe {
    let variables = try [
      #require(RecordVariable("glucose", clinical: "glu")),
      #require(RecordVariable("temp", clinical: "temp")),
      #require(RecordVariable("hr", clinical: "hr")),
    ]
    return RecordsRecipe(
      variables: variables + [RecordVariable("chf", codes: [.group(.charlson, "chf")])],
      index: IndexRule(.start), predictionOffset: day,
      features: [FeatureRequest(Measure("hr", .ever, .mean), name: "hr")])
  }

  /// A sound hospital; `plant` spoils it.
  private func profile(
    _ plant: (inout Story, inout SplitMix64) throws -> Void = { _, _ in }
  ) throws -> (RecordsProfile, Lexicon) {
    var random = SplitMix64(seed: 4)
    var story = Story()
    for patient in 0..<40 {
      for hours in 0..<6 {
        let time = Int64(hours) * hour
        try story.add("p\(patient)", "glu", at: time, Double(70 + random.next() % 90))
        try story.add("p\(patient)", "hr", at: time, Double(60 + random.next() % 50))
        try story.add(
          "p\(patient)", "temp", at: time, 36 + Double(random.next() % 30) / 10, unit: "Cel")
      }
      try story.add("p\(patient)", "icd10:I509", at: 0, known: day)
      try story.add("p\(patient)", "loinc:1-1", at: 0, 3)
    }
    try plant(&story, &random)
    var profile = try RecordsProfile(recipe())
    profile.receive(story.batch)
    return (profile, story.batch.lexicon)
  }

  @Test func aSoundHospitalHasNothingToLookAt() throws {
    let (profile, lexicon) = try profile()
    #expect(profile.unitSuspicions(lexicon).isEmpty)
    #expect(profile.duplicateSubjects(lexicon).isEmpty)
    #expect(profile.duplicateShare == 0)
    #expect(profile.undatedDiagnoses(lexicon).isEmpty)
    #expect(profile.unmappedCodes(lexicon).map(\.code) == ["loinc:1-1"])
    #expect(profile.unmappedCount == 40)
    #expect(profile.text(lexicon).contains("  nothing\n"))
    #expect(profile.codeSystems(lexicon).first?.system == "local")
  }

  @Test func aPlantedUnitErrorIsNamed() throws {
    let (whole, lexicon) = try profile { story, random in
      for number in 0..<2000 {
        try story.add(
          "q\(number % 50)", "glu", at: 1, 4 + Double(random.next() % 50) / 10, unit: "mg/dL")
      }
    }
    let found = try #require(whole.unitSuspicions(lexicon).first)
    #expect(found.variable == "glucose")
    #expect(found.declaredUnit == "mg/dL")
    #expect(found.likelyUnit == "mmol/L")
    #expect(found.concernsAll)
    let (part, words) = try profile { story, _ in
      for number in 0..<60 { try story.add("q\(number % 5)", "temp", at: 1, 98.4, unit: "Cel") }
    }
    let mixed = try #require(part.unitSuspicions(words).first)
    #expect(mixed.likelyUnit == "[degF]")
    #expect(!mixed.concernsAll)
    #expect((0.15...0.25).contains(mixed.share))
    #expect(part.text(words).contains("20 % of the values declared as Cel look recorded in [degF]"))
  }

  /// Lactate in mg/dL at usual values declared as mmol/L, and in mmol/L as it should be.
  @Test(arguments: [true, false]) func aPlantedUnitOfLactate(isMistaken: Bool) throws {
    var random = SplitMix64(seed: 9)
    var story = Story()
    for patient in 0..<300 {
      let usual = 0.6 + Double(random.next() % 120) / 100 + (patient % 10 == 0 ? 4 : 0)
      try story.add(
        "p\(patient)", "lact", at: 0, isMistaken ? usual / 0.111 : usual, unit: "mmol/L")
    }
    let lactate = try #require(RecordVariable("lactate", clinical: "lact"))
    var profile = try RecordsProfile(
      RecordsRecipe(
        variables: [lactate], index: IndexRule(.start),
        features: [FeatureRequest(Measure("lactate", .ever, .last), name: "lactate")]))
    profile.receive(story.batch)
    let found = profile.unitSuspicions(story.batch.lexicon)
    #expect(found.map(\.likelyUnit) == (isMistaken ? ["mg/dL"] : []))
    #expect(found.allSatisfy { $0.concernsAll && $0.declaredUnit == "mmol/L" })
  }

  /// The dictionary's ranges are converted to the unit that the recipe asks for.
  @Test func rangesFollowTheUnit() throws {
    let creatinine = try #require(
      RecordVariable("crea", clinical: "crea")?.inUnit("umol/L"))
    let glucose = try #require(RecordVariable("glu", clinical: "glu")?.inUnit("mmol/L"))
    let temperature = try #require(RecordVariable("temp", clinical: "temp")?.inUnit("[degF]"))
    #expect(creatinine.inUnit("furlong") == nil)
    guard case .number(let unit, let hard, _) = temperature.kind else { return }
    #expect(unit == "[degF]" && abs((hard?.lowerBound ?? 0) - 50) < 1e-9)
    let recipe = RecordsRecipe(
      variables: [creatinine, glucose], index: IndexRule(.start), predictionOffset: day,
      features: ["crea", "glu"].map { FeatureRequest(Measure($0, .ever, .last), name: $0) })
    var story = Story()
    for number in 0..<30 {
      try story.add("a", "crea", at: Int64(number), 88)
      try story.add("a", "glu", at: Int64(number), 5.5 + Double(number) / 100)
    }
    try story.add("a", "crea", at: 40, 1, unit: "mg/dL")
    try story.add("b", "crea", at: 1, 9000)
    try story.add("b", "glu", at: 1, 0.2)
    let table = try story.table(recipe)
    #expect(abs(table.numbers("crea")[0] - 88.4) < 0.05 && table.numbers("crea")[1].isNaN)
    #expect(table.numbers("glu")[0] == 5.79)
    #expect(table.tallies.map(\.tally.warnRangeCount) == [0, 1])
    var profile = try RecordsProfile(recipe)
    profile.receive(story.batch)
    #expect(profile.unitSuspicions(story.batch.lexicon).isEmpty)
  }

  /// Words under a numeric variable are no missing values; a comma says what they are.
  @Test func wordsUnderANumber() throws {
    let (profile, lexicon) = try profile { story, _ in
      for text in ["80,5", "71,25", "haemolytic"] { try story.add("p1", "hr", at: 1, text: text) }
      try story.add("p1", "glu", at: 1, text: "haemolytic")
    }
    let text = profile.text(lexicon)
    #expect(text.contains("3 words"))
    #expect(
      text.contains(
        "3 values of hr are words and count as missing; 2 are numbers with a comma: set"
          + " `decimal: \",\"` in the mapping"))
    #expect(text.contains("1 values of glucose are words"))
    #expect(!text.contains("80,5") && !text.contains("haemolytic"))
  }

  /// Fractions under per cent are named by at least half of the values; values that mean "not
  /// recorded" are none.
  @Test func fractionsAndMissingValues() throws {
    var oxygen = try #require(RecordVariable("oxygen", clinical: "fio2"))
    oxygen.missingValues = [-1, 999]
    let recipe = RecordsRecipe(
      variables: [oxygen], index: IndexRule(.start),
      features: [FeatureRequest(Measure("oxygen", .ever, .last), name: "o")])
    func suspicions(_ values: [Double]) throws -> [UnitSuspicion] {
      var story = Story()
      for (number, value) in values.enumerated() {
        try story.add("a", "fio2", at: Int64(number), value)
      }
      var profile = try RecordsProfile(recipe)
      profile.receive(story.batch)
      return profile.unitSuspicions(story.batch.lexicon)
    }
    let fractions = (0..<40).map { 0.21 + Double($0) / 80 }
    let percent = (0..<40).map { 21 + Double($0) }
    let found = try #require(suspicions(fractions + percent).first)
    #expect(found.likelyUnit == "1" && found.declaredUnit == "%" && !found.concernsAll)
    #expect(found.share == 0.5)
    #expect(try suspicions(fractions).first?.concernsAll == true)
    #expect(try suspicions(percent).isEmpty)
    let missing = [Double](repeating: 999, count: 400)
    #expect(try suspicions(percent + missing).isEmpty)
    #expect(try suspicions(fractions + missing).first?.concernsAll == true)
  }

  /// One late record says nothing of the others; a database says itself which of its diagnoses it dates.
  @Test func mostDiagnosesDecide() throws {
    var recipe = try recipe()
    recipe.variables.append(RecordVariable("flu", codes: [.exact("snomed:6142004")]))
    recipe.variables.append(RecordVariable("failure", codes: [.exact("omop:316139")]))
    func undated(late: Int, assumed: Int? = nil) throws -> [String] {
      var story = Story()
      for number in 0..<40 {
        for code in ["icd10:I509", "snomed:6142004", "omop:316139"] {
          try story.add("p\(number)", code, at: 0, known: number < late ? day : 0)
        }
      }
      let code = story.batch.lexicon.codes.existing("omop:316139")
      if let assumed { story.batch.lexicon.assumedDiagnoses[try #require(code)] = assumed }
      var profile = try RecordsProfile(recipe)
      profile.receive(story.batch)
      return profile.undatedDiagnoses(story.batch.lexicon)
    }
    #expect(try undated(late: 0) == ["chf", "flu"])
    #expect(try undated(late: 1) == ["chf", "flu"])
    #expect(try undated(late: 20) == [])
    #expect(try undated(late: 40, assumed: 40) == ["failure"])
    #expect(try undated(late: 0, assumed: 0) == ["chf", "flu"])
  }

  /// Whole numbers that never repeat are identifiers; counts, measurements and labels are none.
  @Test func numericIdentifiers() throws {
    var random = SplitMix64(seed: 12)
    var story = Story()
    for number in 0..<150 {
      try story.add("p\(number)", "mrn", at: 0, Double(4_000_000 + number * 17))
      try story.add("p\(number)", "platelets", at: 0, Double(random.next() % 400))
      try story.add("p\(number)", "lactate", at: 0, Double(random.next() % 100_000) / 1000)
    }
    let number = RecordVariable.Kind.number(unit: nil, hardRange: nil, warnRange: nil)
    let names = ["mrn", "platelets", "lactate"]
    func recipe(label: Bool) -> RecordsRecipe {
      RecordsRecipe(
        variables: names.map { RecordVariable($0, codes: [.exact($0)], kind: number) },
        index: IndexRule(.start),
        features: names.map {
          FeatureRequest(Measure($0, .ever, .last), name: $0, isLabel: label && $0 == "mrn")
        })
    }
    let table = try story.table(recipe(label: false))
    #expect(LeakScan.run(table, recipe: recipe(label: false)) == [.identifier(feature: "mrn")])
    #expect(LeakScan.run(table, recipe: recipe(label: true)) == [])
  }

  @Test func aPlantedTwinIsFound() throws {
    let (profile, lexicon) = try profile { story, _ in
      let number = story.batch.lexicon.subjects.index("twin")
      let twin = try #require(number)
      for event in story.batch.events where event.subject == 7 {
        var copy = event
        copy.subject = twin
        story.batch.events.append(copy)
      }
    }
    #expect(profile.duplicateSubjects(lexicon) == [["p7", "twin"]])
    #expect(!profile.text(lexicon).contains("twin"), "no identifier in the text")
  }

  @Test func plantedRepetitionsAndUndatedDiagnoses() throws {
    let (profile, lexicon) = try profile { story, _ in
      story.batch.events += story.batch.events.prefix(200)
      for index in story.batch.events.indices {
        story.batch.events[index].knownAt = story.batch.events[index].time
      }
    }
    #expect(abs(profile.duplicateShare - 200.0 / 1000.0) < 0.01)
    #expect(profile.undatedDiagnoses(lexicon) == ["chf"])
  }

  @Test func sketches() {
    var sketch = ValueSketch()
    #expect(sketch.quantile(0.5) == nil)
    for value in 1...1000 { sketch.add(Double(value) / 10) }
    sketch.add(.nan)
    #expect(sketch.count == 1000)
    #expect(abs((sketch.quantile(0.5) ?? 0) / 50 - 1) < 0.03)
    #expect(abs((sketch.quantile(0.1) ?? 0) / 10 - 1) < 0.03)
    for value in [0.0, -3, 1e300, 1e-300] { sketch.add(value) }
    #expect(sketch.zeroCount == 1 && sketch.negativeCount == 1)
    #expect(sketch.quantile(0) == -.infinity)
  }

  private func table(_ columns: [FeatureColumn], _ labels: [Bool]) -> FeatureTable {
    FeatureTable(
      subjects: labels.indices.map { "p\($0)" }, indexTimes: labels.map { _ in 0 },
      columns: columns, outcomeName: "died",
      outcomes: labels.map { $0 ? .event(after: 1) : .none(after: 2, isCensored: false) },
      flow: [], tallies: [])
  }

  @Test func aPlantedLeakIsNamed() {
    var random = SplitMix64(seed: 9)
    let labels = (0..<300).map { _ in random.next() % 4 == 0 }
    let noise = labels.map { _ in Double(random.next() % 1000) }
    let suspects = LeakScan.run(
      table(
        [
          FeatureColumn(name: "noise", unit: nil, values: .numbers(noise)),
          FeatureColumn(
            name: "leak", unit: nil,
            values: .numbers(zip(labels, noise).map { ($0 ? -900 : 0) + $1 / 2 })),
          FeatureColumn(
            name: "ordered", unit: nil, values: .numbers(labels.map { $0 ? 5 : .nan })),
          FeatureColumn(
            name: "ward", unit: nil,
            values: .words(labels.map { $0 ? ["hospice", "morgue"][Int(random.next() % 2)] : "a" })),
          FeatureColumn(name: "case", unit: nil, values: .words(labels.indices.map { "c\($0)" })),
        ], labels))
    #expect(
      suspects == [
        .separates(feature: "leak", auroc: 1),
        .missingnessSeparates(feature: "ordered", auroc: 1),
        .separates(feature: "ward", auroc: 1), .identifier(feature: "case"),
      ])
  }

  /// A record number in all rows of its patient is an identifier however many rows there are; a birth year is
  /// none.
  @Test func anIdentifierOfSeveralRowsIsNamed() {
    let labels = (0..<360).map { $0 % 5 == 0 }
    let found = LeakScan.run(
      FeatureTable(
        subjects: (0..<360).map { "s\($0 / 3)" }, indexTimes: (0..<360).map { Int64($0) },
        columns: [
          FeatureColumn(
            name: "mrn", unit: nil,
            values: .numbers((0..<360).map { Double(70_000 + 13 * ($0 / 3)) })),
          FeatureColumn(
            name: "born", unit: nil, values: .numbers((0..<360).map { Double(1930 + $0 / 3 % 60) })),
        ], outcomeName: "died",
        outcomes: labels.map { $0 ? .event(after: 1) : .none(after: 2, isCensored: false) },
        flow: [], tallies: []))
    #expect(found == [.identifier(feature: "mrn")])
  }

  /// Persons on both sides of the holdout are found by a column that looks like persons and by no other, and
  /// small counts are not told.
  @Test func personsAcrossSplits() {
    func scan(_ isNamed: Bool = false, _ text: (Int) -> String) -> LeakScan.Suspicion? {
      var splits = LeakScan.Splits()
      for row in 0..<400 { splits.add(text(row), isHoldout: row % 4 == 0) }
      return splits.suspicion("c", isNamed: isNamed)
    }
    // Rows 2k and 2k + 1 are one person: of every two such persons one has a row kept aside.
    let expected = LeakScan.Suspicion.acrossSplits(column: "c", shared: 100, repeated: 200)
    #expect(scan { "p\($0 / 2)" } == expected)
    #expect(scan { "\(900_000 + 37 * ($0 / 2))" } == expected)
    #expect(scan { "\(1 + $0 / 2)" } == nil)
    #expect(scan(true) { "\(1 + $0 / 2)" } == expected)
    #expect(scan { "p\($0)" } == nil)
    #expect(scan { "ward \($0 % 7)" } == nil)
    #expect(scan { "\(Double($0 / 2) + 0.5)" } == nil)
    #expect(expected.words(minimumCell: 10).contains("100 of 200"))
    let small = LeakScan.Suspicion.acrossSplits(column: "c", shared: 4, repeated: 200)
    #expect(small.words(minimumCell: 5).contains("fewer than 5"))
    let rest = LeakScan.Suspicion.acrossSplits(column: "c", shared: 198, repeated: 200)
    #expect(
      rest.words(minimumCell: 5).contains("most") && !rest.words(minimumCell: 5).contains("198"))
  }

  @Test func areasAgainstPairs() throws {
    var random = SplitMix64(seed: 2)
    let labels = (0..<80).map { _ in random.next() % 3 == 0 }
    let scores = labels.map { Double(random.next() % 10) + ($0 ? 2 : 0) }
    var wins = 0.0
    for (a, up) in zip(scores, labels) where up {
      for (b, down) in zip(scores, labels) where !down { wins += a > b ? 1 : a == b ? 0.5 : 0 }
    }
    let positives = labels.count(where: \.self)
    let area = try #require(LeakScan.auroc(scores, labels))
    #expect(abs(area - wins / Double(positives * (80 - positives))) < 1e-12)
  }
}
