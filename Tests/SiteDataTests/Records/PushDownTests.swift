import Records
import Testing

@testable import SiteData

/// The database chooses the records, and the table stays the same bytes.
@Suite struct PushDownTests {
  @Test(arguments: [UInt64(1), 2, 3]) func sqlite(seed: UInt64) throws {
    let path = try RecordsFixture.database(
      PushDownFixture.statements(seed: seed, time: "TEXT", date: "TEXT"))
    let counts = try PushDownFixture.check(.sqlite(path: path), "seed \(seed)")
    #expect(counts.some < counts.all * 4 / 5)
  }

  /// SQLite keeps any type in any column: what is no whole number is handed out.
  @Test func columnsOfOtherTypes() throws {
    let statements = PushDownFixture.statements(seed: 4, time: "TEXT", date: "TEXT")
      .map { $0.replacing("measurement_concept_id INTEGER", with: "measurement_concept_id") }
      .enumerated().map { position, line in
        position % 3 == 0
          ? line.replacing(", 5, '20", with: ", ' 5', '20").replacing(
            ", 55, '20", with: ", 5.0, '20")
          : line
      }
    let path = try RecordsFixture.database(statements)
    _ = try PushDownFixture.check(.sqlite(path: path), "other types")
  }

  @Test func whatARecipeAsksFor() {
    let selection = RecordSelection(
      patterns: [.exact("omop:5"), .prefix("omop-source:a"), .exact("visit"), .prefix("omop:4")],
      followUp: .nothing)
    #expect(selection.codes(of: "omop").exact == ["5"])
    #expect(selection.codes(of: "omop").prefixes == ["4"])
    #expect(selection.codes(of: "omop-source").prefixes == ["a"])
    #expect(!selection.asksForDiagnoses)
    let all = RecordSelection(patterns: [.prefix("om")], followUp: .nothing)
    #expect(all.codes(of: "omop").isEverything)
    #expect(all.codes(of: "omop-source").isEverything)
    #expect(RecordSelection(patterns: [.prefix("i")], followUp: .nothing).asksForDiagnoses)
    #expect(
      RecordSelection(patterns: [.group(.charlson, "chf")], followUp: .nothing).asksForDiagnoses)
  }
}
