import Foundation
import PortableNumerics
import Records
import Testing

@testable import SiteData

/// Input as it should not be: an error or a counted skip, as the site's policy says, with place and
/// advice, and no value of a patient in the message.
@Suite struct BadInputTests {
  private let mapping = DelimitedMapping(
    subject: .column("id"), when: .column("t", .calendar(zone: 0)),
    layout: .long(code: "c", value: "v", unit: nil))

  private func error(_ source: any EventSource) -> SiteDataError? {
    do {
      _ = try RecordsFixture.events(source)
      return nil
    } catch {
      return error as? SiteDataError
    }
  }

  /// Dates as other countries and programs write them, beside ISO 8601.
  @Test(arguments: [
    "31.01.2024", "01/31/2024", "31-01-2024", "2024/01/31", "Jan 31 2024", "20240131", "45322",
    "1706659200", "2024-01-31 8:15", "2024-01-31T08:15:00+25:00", "0000-00-00",
  ])
  func mixedTimeFormats(_ time: String) throws {
    let path = try RecordsFixture.write(
      "id,t,c,v\n1,2024-01-31,a,1\n1,\(time),a,2\n1,2024-02-01,a,3\n")
    let found = try #require(error(DelimitedSource(files: [path], mapping: mapping)))
    #expect(found.code == .badRecord)
    #expect(found.line == 3)
    #expect(found.column == 2)
    #expect(found.advice.contains("`time_format`"))
    #expect(!found.description.contains(time))
    let (events, batch) = try RecordsFixture.events(
      DelimitedSource(files: [path], mapping: mapping, policy: .skip(atMost: 1)))
    #expect(events.count == 2)
    #expect(batch.report.skipped == [.badTime: 1])
    #expect(batch.report.places.map(\.line) == [3])
  }

  @Test(arguments: [";", "\t", "|", " "]) func wrongDelimiter(_ delimiter: String) throws {
    let text = "id,t,c,v\n1,2024-01-31,a,1\n".replacing(",", with: delimiter)
    let found = try #require(
      error(DelimitedSource(files: [try RecordsFixture.write(text)], mapping: mapping)))
    #expect(found.code == .missingColumn)
    #expect(found.line == 1)
    #expect(found.message.contains("delimiter"))
    #expect(found.advice.contains("delimiter"))
  }

  @Test func wrongEncodingIsCounted() throws {
    let latin =
      Array("id,t,c,v\n1,2024-01-31,a,f".utf8) + [0xFC] + Array("r\n1,2024-01-31,b,2\n".utf8)
    let path = try RecordsFixture.write(latin, "latin.csv")
    let (events, batch) = try RecordsFixture.events(
      DelimitedSource(files: [path], mapping: mapping, policy: .skip(atMost: 1)))
    #expect(events == ["1 b @1706659200 (day) = 2"])
    #expect(batch.report.skipped == [.wrongEncoding: 1])
    #expect(batch.report.places.map(\.column) == [4])
  }

  /// A file of whose compressed bytes the end is missing, at every tenth of its length.
  @Test func aTruncatedArchiveIsNoEnd() throws {
    var text = "id,t,c,v\n"
    for row in 0..<3000 { text += "p\(row * 7919 % 3001),2024-01-31,a,\(row * row % 997)\n" }
    let plain = try RecordsFixture.write(text, "records.csv")
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/gzip")
    process.arguments = [plain]
    try process.run()
    process.waitUntilExit()
    let bytes = Array(try Data(contentsOf: URL(filePath: plain + ".gz")))
    #expect(error(DelimitedSource(files: [plain + ".gz"], mapping: mapping)) == nil)
    for tenth in 1..<10 {
      let path = try RecordsFixture.write(
        Array(bytes.prefix(bytes.count * tenth / 10)), "cut.csv.gz")
      for threads in 1...2 {
        let source = DelimitedSource(
          files: [path], mapping: mapping, policy: .skip(atMost: 1000), threads: threads,
          blockBytes: 4096)
        #expect(error(source)?.code == .unreadableFile, "\(tenth) tenths")
      }
    }
  }

  /// A database file that ends in the middle is an error, and no shorter table.
  @Test func aTruncatedDatabaseIsNoEnd() throws {
    let path = try RecordsFixture.database(
      PushDownFixture.statements(seed: 9, time: "TEXT", date: "TEXT"))
    let bytes = Array(try Data(contentsOf: URL(filePath: path)))
    let cut = try RecordsFixture.write(Array(bytes.prefix(bytes.count / 2)), "cut.sqlite")
    let recipe = PushDownFixture.recipes[0].recipe
    for pushesDown in [false, true] {
      let failure = #expect(throws: FeatureExtraction.Failure.self) {
        _ = try FeatureExtraction(
          recipe, source: OMOPSource(.sqlite(path: cut), pushesDown: pushesDown))
      }
      guard case .source(let error)? = failure else { continue }
      #expect(error.code == .database || error.code == .unreadableFile)
      #expect(!error.advice.isEmpty)
    }
  }

  /// Cells of a database are no more to be trusted than those of a file.
  @Test func randomCellsNeverTrap() throws {
    var random = SplitMix64(seed: 21)
    func cell() -> String {
      let pool = [
        "NULL", "''", "1", "0", "-1", "9223372036854775807", "1e308", "-1e308", "1e999", "5",
        "'5'", "' 5 '", "'2020-01-01'", "'9999-12-31 23:59:60'", "'0000-01-01'", "'x'",
        "X'FFC3'", "X'00'", "'1e999'", "2020", "99999", "8532", "'ICD9CM'", "'428.0'",
      ]
      return pool[Int(random.next() % UInt64(pool.count))]
    }
    let columns = [
      "person": 6, "visit_occurrence": 8, "condition_occurrence": 7, "measurement": 8,
      "drug_exposure": 5, "death": 2,
    ]
    for round in 0..<12 {
      var statements = PushDownFixture.statements(seed: 1, time: "TEXT", date: "TEXT")
        .filter { $0.hasPrefix("CREATE") }
      for (table, count) in columns.sorted(by: { $0.key < $1.key }) {
        for _ in 0..<40 {
          let cells = (0..<count).map { _ in cell() }.joined(separator: ", ")
          statements.append("INSERT INTO \(table) VALUES (\(cells))")
        }
      }
      let path = try RecordsFixture.database(statements)
      for pushesDown in [false, true] {
        let source = OMOPSource(
          .sqlite(path: path), policy: .skip(atMost: 100_000), pushesDown: pushesDown)
        let recipe = PushDownFixture.recipes[round % PushDownFixture.recipes.count].recipe
        let extraction = try FeatureExtraction(recipe, source: source)
        #expect(!extraction.report.skipped.isEmpty, "seed 21, round \(round)")
      }
    }
  }

  /// Lines of an export with bytes changed, lost or put in: every line is an event, a counted skip or
  /// passed over, and the lines behind are read.
  @Test func brokenLinesAreCountedOneByOne() throws {
    let good =
      #"{"resourceType":"Observation","subject":{"reference":"Patient/p"},"status":"final","#
      + #""effectiveDateTime":"2020-01-01T05:00:00Z","code":{"coding":[{"system":"http://loinc.org","#
      + #""code":"8480-6"}]},"valueQuantity":{"value":1.2e2,"unit":"mmHg","code":"mm[Hg]"}}"#
    var random = SplitMix64(seed: 23)
    for round in 0..<20 {
      var bytes: [UInt8] = []
      for _ in 0..<30 {
        var line = Array(good.utf8)
        for _ in 0..<Int(random.next() % 4) {
          let position = Int(random.next() % UInt64(line.count))
          let byte = UInt8(truncatingIfNeeded: random.next())
          switch random.next() % 3 {
          case 0: line[position] = byte == 10 ? 11 : byte
          case 1: line.remove(at: position)
          default: line.insert(byte == 10 ? 34 : byte, at: position)
          }
        }
        bytes += line + [10]
      }
      bytes += Array(good.replacing("Patient/p", with: "Patient/last").utf8) + [10]
      let path = try RecordsFixture.write(bytes, "broken.ndjson")
      let (events, batch) = try RecordsFixture.events(
        try FHIRSource(path: path, policy: .skip(atMost: 1000)))
      #expect(
        events.last == "last loinc:8480-6 @1577854800 = 120 mm[Hg]", "seed 23, round \(round)")
      #expect(batch.report.places.allSatisfy { (1...30).contains($0.line) }, "seed 23")
      guard batch.report.skippedCount > 0 else { continue }
      let found = error(try FHIRSource(path: path))
      #expect(found?.code == .badRecord, "seed 23, round \(round)")
      #expect(found?.line == batch.report.places.first?.line, "seed 23, round \(round)")
      #expect(found?.advice.isEmpty == false)
    }
  }
}
