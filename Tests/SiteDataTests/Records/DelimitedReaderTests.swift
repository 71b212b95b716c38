import Foundation
import PortableNumerics
import Records
import StrictYAML
import Testing

@testable import SiteData

@Suite struct DelimitedReaderTests {
  private let long = DelimitedMapping(
    subject: .column("id"), when: .column("t", .elapsed(unit: 3600)),
    layout: .long(code: "what", value: "value", unit: "unit"), codes: ["HR": "hr"],
    units: ["hr": "/min"], missing: ["-1"])

  private func events(
    _ text: String, _ mapping: DelimitedMapping? = nil, _ policy: ReadingPolicy = .fail
  ) throws -> [String] {
    let path = try RecordsFixture.write(text)
    return try RecordsFixture.events(
      DelimitedSource(files: [path], mapping: mapping ?? long, policy: policy)
    ).events
  }

  private func failure(
    _ text: String, _ mapping: DelimitedMapping? = nil, _ policy: ReadingPolicy = .fail
  ) -> SiteDataError? {
    do {
      _ = try events(text, mapping, policy)
      return nil
    } catch {
      return error as? SiteDataError
    }
  }

  @Test func longLayout() throws {
    let text = """
      id,t,what,value,unit
      7,1,HR,80,
      7,2.5,HR,-1,
      "a,b",0,K,"<3.5",mmol/L

      8, 3 ,note,"two ""words"" here",
      """
    #expect(
      try events(text) == [
        "7 hr @3600 = 80 /min", "7 hr @9000 /min", "a,b K @0 = 3.5 mmol/L",
        "8 note @10800 = two \"words\" here",
      ])
    #expect(try events(text.replacingOccurrences(of: "\n", with: "\r\n")).count == 4)
    #expect(try events("\u{FEFF}" + text + "\n").count == 4)
  }

  @Test func wideLayout() throws {
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .column("at", .calendar(zone: 0)), knownColumn: "seen",
      layout: .wide([.init("HR", code: "hr", unit: "/min"), .init("ward")]), delimiter: 59)
    let text = """
      id;at;seen;HR;ward
      1;1970-01-01 01:00;1970-01-01 02:00;80;icu
      1;1970-01-01T02:00+01:00;;;icu
      """
    #expect(
      try events(text, mapping) == [
        "1 hr @3600 known 7200 = 80 /min", "1 ward @3600 known 7200 = icu",
        "1 ward @3600 known never = icu",
      ])
  }

  /// A German export without `decimal` is no sound one.
  @Test func decimalCommas() throws {
    let text = "id;t;what;value;unit\n1;1,5;HR;80,5;\n1;2;HR;<0,5;\n1;2;HR;7.5;\n"
    var mapping = long
    mapping.delimiter = UInt8(ascii: ";")
    #expect(failure(text, mapping)?.column == 2)
    let plain = text.replacingOccurrences(of: "1,5", with: "1")
    let path = try RecordsFixture.write(plain)
    let check = RecordsCheck.run(
      RecordsDescription(sources: [.delimited(files: [path], mapping: mapping)]), site: "a")
    #expect(check.problems.map(\.kind) == ["decimal-comma"])
    #expect(check.text().contains("decimal: \",\"") && !check.text().contains("80,5"))
    mapping.decimal = UInt8(ascii: ",")
    #expect(
      try events(text, mapping) == [
        "1 hr @5400 = 80.5 /min", "1 hr @7200 = 0.5 /min", "1 hr @7200 = 7.5 /min",
      ])
    let described = try RecordsDescription(
      yaml: YAMLDocument(
        text: "sources: [{form: long, file: a, subject: i, time: t, code: c, decimal: \",\"}]",
        file: "r.yaml"
      ).root, folder: "")
    guard case .delimited(_, let read)? = described.sources.first else {
      Issue.record("a long file")
      return
    }
    #expect(read.decimal == UInt8(ascii: ","))
  }

  @Test func factsWithoutDate() throws {
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .always, layout: .wide([.init("sex")]))
    #expect(try events("id,sex\n1,F\n", mapping) == ["1 sex @always = F"])
  }

  /// Mixed zones become one clock, and are counted.
  @Test func mixedZones() throws {
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .column("t", .calendar(zone: 3600)),
      layout: .long(code: "c", value: nil, unit: nil))
    let path = try RecordsFixture.write(
      "id,t,c\n1,2024-01-01T01:00,a\n1,2024-01-01T00:00Z,a\n1,2024-01-01T02:00+02:00,a\n"
        + "1,2024-01-01,a\n")
    let (events, batch) = try RecordsFixture.events(
      DelimitedSource(files: [path], mapping: mapping))
    #expect(Set(events.prefix(3)).count == 1)
    #expect(batch.report.zonedTimeCount == 2)
    #expect(batch.report.localTimeCount == 1)
    #expect(batch.report.dateOnlyCount == 1)
  }

  @Test func faultsHaveAPlaceAndAdvice() throws {
    let header = "id,t,what,value,unit\n1,1,HR,80,\n"
    let cases: [(String, SiteDataError.Code, Int, Int?)] = [
      ("1,1,HR,80\n", .badRecord, 3, 4), ("1,1,HR,80,,\n", .badRecord, 3, 6),
      ("1,yesterday,HR,80,\n", .badRecord, 3, 2), (",1,HR,80,\n", .badRecord, 3, 1),
      ("1,1,,80,\n", .badRecord, 3, 3), ("1,1,\"HR\"x,80,\n", .badRecord, 3, nil),
      ("1,,HR,80,\n", .badRecord, 3, 2), ("1,1,\"HR,80,\n", .badRecord, 3, nil),
    ]
    for (text, code, line, column) in cases {
      let error = try #require(failure(header + text), "\(text)")
      #expect(error.code == code, "\(text)")
      #expect(error.line == line, "\(text)")
      #expect(error.column == column, "\(text)")
      #expect(!error.advice.isEmpty)
      #expect(!error.description.contains("yesterday"), "no value in a message")
    }
    #expect(failure("id;t;what;value;unit\n")?.code == .missingColumn)
    #expect(failure("id,t,value,unit\n")?.columnName == "what")
    #expect(failure("")?.code == .emptyFile)
    let missing = DelimitedSource(files: ["/nowhere/at-all.csv"], mapping: long)
    #expect(throws: SiteDataError.self) { try RecordsFixture.events(missing) }
  }

  @Test func badRecordsAreSkippedAndCounted() throws {
    let text = """
      id,t,what,value,unit
      1,1,HR,80,
      1,x,HR,80,
      1,1,HR
      2,1,HR,"90
      91",
      3,1,HR,100,
      """
    let path = try RecordsFixture.write(text)
    let source = DelimitedSource(files: [path], mapping: long, policy: .skip(atMost: 2))
    let (events, batch) = try RecordsFixture.events(source)
    #expect(events.count == 3)
    #expect(batch.report.skipped == [.badTime: 1, .raggedRow: 1])
    #expect(batch.report.places.map(\.line) == [3, 4])
    #expect(batch.report.rows[path] == 5)
    #expect(failure(text, nil, .skip(atMost: 1))?.code == .tooManyBadRecords)
  }

  @Test func otherEncodingsAndHugeFields() throws {
    let latin = Array("id,t,what,value,unit\n1,1,note,".utf8) + [0xFC, 0x62, 0x65, 0x72, 44, 10]
    let path = try RecordsFixture.write(latin, "latin.csv")
    #expect(throws: SiteDataError(.badRecord, file: "", message: "", advice: "")) {
      try RecordsFixture.events(DelimitedSource(files: [path], mapping: long))
    }
    let wide: [UInt8] = [0xFF, 0xFE] + "id".utf8.flatMap { [$0, 0] }
    let utf16 = try RecordsFixture.write(wide, "utf16.csv")
    #expect(throws: SiteDataError(.wrongEncoding, file: "", message: "", advice: "")) {
      try RecordsFixture.events(DelimitedSource(files: [utf16], mapping: long))
    }
    let header = "id,t,what,value,unit\n"
    let huge = String(repeating: "x", count: 5000)
    #expect(failure(header + "1,1,HR,\(huge),\n")?.code == .badRecord)
    let endless = String(repeating: "x", count: 3 << 20)
    #expect(failure(header + "1,1,\"\(endless)")?.code == .unclosedQuote)
    #expect(failure(header + "1,1,\(endless)")?.code == .recordTooLarge)
  }

  /// Bytes behind the first chunk are read like those in it.
  @Test func recordsAcrossChunks() throws {
    var text = "id,t,what,value,unit\n"
    for row in 0..<40_000 { text += "p\(row % 9),\(row),\"HR\",\(row % 200),\n" }
    let path = try RecordsFixture.write(text)
    let (events, batch) = try RecordsFixture.events(DelimitedSource(files: [path], mapping: long))
    #expect(events.count == 40_000)
    #expect(events.last == "p3 hr @143996400 = 199 /min")
    #expect(batch.lexicon.subjects.count == 9)
  }

  @Test func randomBytesNeverTrap() throws {
    var random = SplitMix64(seed: 77)
    let pool = Array("id,t,what,value,unit\n\r\"HR1234567890.:;|".utf8)
    for round in 0..<120 {
      var bytes = Array("id,t,what,value,unit\n".utf8)
      for _ in 0..<Int(random.next() % 400) {
        bytes.append(
          random.next() % 20 == 0
            ? UInt8(truncatingIfNeeded: random.next())
            : pool[Int(random.next() % UInt64(pool.count))])
      }
      let path = try RecordsFixture.write(bytes, "random.csv")
      let policy = round % 2 == 0 ? ReadingPolicy.fail : .skip(atMost: 10_000)
      do {
        let source = DelimitedSource(files: [path], mapping: long, policy: policy)
        let (events, batch) = try RecordsFixture.events(source)
        #expect(batch.report.eventCount == events.count, "seed 77")
      } catch let error as SiteDataError {
        #expect(!error.advice.isEmpty, "seed 77")
      }
      try FileManager.default.removeItem(atPath: path)
    }
  }
}
