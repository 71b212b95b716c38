import Foundation
import Records
import Testing

@testable import SiteData

/// Words are kept where a recipe reads them: memory does not grow with free texts.
@Suite struct WordsTests {
  private let number = RecordVariable.Kind.number(unit: nil, hardRange: nil, warnRange: nil)

  private var recipe: RecordsRecipe {
    RecordsRecipe(
      variables: [
        RecordVariable("ward", codes: [.exact("ward")], kind: .category),
        RecordVariable("lab", codes: [.exact("lab")], kind: number),
        RecordVariable("note", codes: [.exact("note")]),
        RecordVariable("culture", codes: [.prefix("cult")], kind: .category),
      ], index: IndexRule(.start), predictionOffset: RecordTime.day,
      outcome: RecordOutcome(
        "grew", variable: "culture", condition: ValueCondition(.equal, ["positive"])),
      features: [
        FeatureRequest(Measure("ward", .ever, .last), name: "ward"),
        FeatureRequest(Measure("lab", .ever, .count), name: "lab"),
        FeatureRequest(Measure("note", .ever, .count), name: "note"),
      ])
  }

  private let mapping = DelimitedMapping(
    subject: .column("id"), when: .column("t", .elapsed(unit: 3600)),
    layout: .long(code: "c", value: "v", unit: nil))

  private func source(_ rows: [String]) throws -> DelimitedSource {
    DelimitedSource(
      files: [try RecordsFixture.write("id,t,c,v\n" + rows.joined(separator: "\n"))],
      mapping: mapping)
  }

  private let rows: [String] =
    ["1,1,ward,surgery", "1,40,culture,positive", "2,1,ward,icu", "2,40,culture,negative"]
    + (0..<3000).flatMap { ["1,2,note,word \($0)", "1,2,lab,\"\($0),5\"", "1,3,other,text \($0)"] }

  @Test func onlyWhatIsReadIsKept() throws {
    var batch = EventBatch()
    batch.lexicon.words = WordNeed(recipe)
    var reader = try source(rows).open()
    var commas = 0
    while try reader.next(&batch) {
      commas += batch.events.count { batch.lexicon.isDecimalComma($0) }
    }
    #expect(batch.lexicon.texts.texts == ["surgery", "positive", "icu", "negative"])
    #expect(commas == 3000)
    batch = EventBatch()
    reader = try source(rows).open()
    while try reader.next(&batch) {}
    #expect(batch.lexicon.texts.count == 9004)
  }

  @Test func theTableIsTheSame() throws {
    var recipe = recipe
    for removes in [false, true] {
      recipe.removesDuplicates = removes
      let extraction = try FeatureExtraction(recipe, source: try source(rows + rows))
      let table = extraction.table
      #expect(table.column("ward")?.values == .words(["surgery", "icu"]))
      #expect(table.column("lab")?.values == .numbers([0, 0]))
      #expect(table.column("note")?.values == .numbers([removes ? 3000 : 6000, 0]))
      #expect(
        table.outcomes == [
          .event(after: 16 * 3600), .none(after: nil, isCensored: false),
        ])
      let lab = try #require(table.tallies.first { $0.variable == "lab" }?.tally)
      #expect(lab.wordCount == (removes ? 3000 : 6000))
      #expect(lab.decimalCommaCount == lab.wordCount)
    }
  }

  /// A long word is cut between two characters.
  @Test func longWordsAreCut() {
    var lexicon = Lexicon()
    let text = "a" + String(repeating: "\u{e4}", count: 300)
    let number = lexicon.word(text, of: CollectionOfOne(0))
    #expect(lexicon.texts.text(number ?? -1) == "a" + String(repeating: "\u{e4}", count: 127))
  }

  /// What nobody dates is said by the check too.
  @Test func theCheckCountsWhatNobodyDates() throws {
    let path = try RecordsFixture.write("id,t,k,c\n1,1,,a\n1,1,2,a\n")
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .column("t", .elapsed(unit: 3600)), knownColumn: "k",
      layout: .long(code: "c", value: nil, unit: nil))
    let check = RecordsCheck.run(
      RecordsDescription(sources: [.delimited(files: [path], mapping: mapping)]), site: "a")
    #expect(check.problems.map(\.kind) == ["never-known"] && check.problems.first?.count == 1)
    #expect(check.isUsable)
  }
}
