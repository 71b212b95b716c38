import Foundation
import PortableNumerics
import Records
import Testing

@testable import SiteData

/// What is read does not depend on how a file is cut and who parses the pieces.
@Suite struct DelimitedBlocksTests {
  private static let long = DelimitedMapping(
    subject: .column("id"), when: .column("t", .calendar(zone: 3600)), knownColumn: "known",
    layout: .long(code: "what", value: "value", unit: "unit"), codes: ["HR": "hr"],
    units: ["hr": "/min"], missing: ["-1"])

  /// Everything that reading says, or the error with its place.
  private struct Result: Equatable {
    var events: [Event] = []
    var subjects: [String] = []
    var codes: [String] = []
    var units: [String] = []
    var texts: [String] = []
    var report = ReadingReport()
    var error: String?
  }

  private func read(_ source: DelimitedSource) -> Result {
    var result = Result()
    var batch = EventBatch()
    do {
      var reader = try source.open()
      while try reader.next(&batch) {
        result.events += batch.events.map { event in
          var event = event
          // Not-a-number equals nothing.
          if event.value.isNaN { event.value = -12345.5 }
          return event
        }
      }
    } catch {
      result.events = []
      result.error = "\(error)"
      return result
    }
    result.subjects = batch.lexicon.subjects.texts
    result.codes = batch.lexicon.codes.texts
    result.units = batch.lexicon.units.texts
    result.texts = batch.lexicon.texts.texts
    result.report = batch.report
    return result
  }

  /// Compares one block on one thread with many cuttings; returns what is read.
  private func check(
    _ files: [String], _ mapping: DelimitedMapping, _ policy: ReadingPolicy, _ note: String
  ) -> Result {
    func source(_ threads: Int, _ blockBytes: Int) -> DelimitedSource {
      DelimitedSource(
        files: files, mapping: mapping, policy: policy, threads: threads, blockBytes: blockBytes)
    }
    let whole = read(source(1, 1 << 24))
    for (threads, blockBytes) in [(1, 1), (1, 37), (2, 7), (2, 200), (3, 64), (2, 4096)] {
      let other = read(source(threads, blockBytes))
      #expect(other == whole, "\(note), \(threads) threads, \(blockBytes) bytes")
    }
    return whole
  }

  private static func field(_ random: inout SplitMix64) -> String {
    let pool = [
      "7", "p12", "p\u{E4}", "", " ", "2020-01-02", "2020-01-02 03:04", "2020-01-02T03:04:05+01:00",
      "HR", "K", "\"a,b\"", "\"two\nlines\"", "\"cr\rlf\r\n\"", "\"say \"\"no\"\"\"", "80", "-1.5",
      "<3.5", "1e5", "word", "mmol/L", "\"open", "x\"y", "\"a\" ", "\"a\"b", "2020-13-01",
    ]
    return pool[Int(random.next() % UInt64(pool.count))]
  }

  /// Mostly readable records with quotes across lines, all line ends and some faults.
  private static func text(_ random: inout SplitMix64, faults: Bool) -> String {
    var text = random.next() % 3 == 0 ? "\u{FEFF}" : ""
    let ends = ["\n", "\r\n", "\r"]
    let own = ends[Int(random.next() % 3)]
    text += "id,t,known,what,value,unit" + own
    for _ in 0..<Int(random.next() % 60) {
      let end = random.next() % 20 == 0 ? ends[Int(random.next() % 3)] : own
      if faults, random.next() % 6 == 0 {
        let count = random.next() % 8
        text += (0..<count).map { _ in field(&random) }.joined(separator: ",") + end
        continue
      }
      let day = 1 + random.next() % 28
      let id = ["7", "8", "\"9\n9\"", "\"q\"\"q\"", "p\u{E4}"][Int(random.next() % 5)]
      let code = ["HR", "K", "\"a\nb\"", "Na\u{A0}x"][Int(random.next() % 4)]
      let value = ["80", "1.25", "<4", "high", "\"very\nhigh\"", "-1", ""][Int(random.next() % 7)]
      let unit = ["", "", "mmol/L", "\"m\"\"g\""][Int(random.next() % 4)]
      text += "\(id),2020-01-0\(1 + day % 9),,\(code),\(value),\(unit)" + end
    }
    return text
  }

  @Test func blocksAndThreadsChangeNothing() throws {
    var random = SplitMix64(seed: 41)
    var readable = 0
    for round in 0..<60 {
      let count = 1 + Int(random.next() % 3)
      let files = try (0..<count).map { _ in
        try RecordsFixture.write(Self.text(&random, faults: round % 2 == 1))
      }
      for policy in [ReadingPolicy.fail, .skip(atMost: 3), .skip(atMost: 1000)] {
        let result = check(files, Self.long, policy, "seed 41, round \(round)")
        if !result.events.isEmpty { readable += 1 }
      }
    }
    #expect(readable > 60)
  }

  @Test func randomBytesNeverTrapAndAreReadTheSame() throws {
    var random = SplitMix64(seed: 43)
    let pool = Array("\"\"\",,,\n\r\n 1.5:-TZ<>abc\u{E4}\t;".utf8) + [0, 0xFF, 0xC3]
    for round in 0..<80 {
      let bytes = (0..<Int(random.next() % 400)).map { _ in
        pool[Int(random.next() % UInt64(pool.count))]
      }
      let header = round % 8 == 0 ? [] : Array("id,t,known,what,value,unit\n".utf8)
      let file = try RecordsFixture.write(header + bytes, "random.csv")
      _ = check([file], Self.long, .skip(atMost: 1000), "seed 43, round \(round)")
    }
  }

  @Test func wideFilesAndFilesOfOnePatient() throws {
    let mapping = DelimitedMapping(
      subject: .fileName, when: .column("hour", .elapsed(unit: 3600)),
      layout: .wide([.init("hr", unit: "/min"), .init("word"), .init("na", code: "sodium")]),
      missing: ["NaN"], delimiter: UInt8(ascii: "|"))
    var files: [String] = []
    for number in 0..<5 {
      var text = "na|hour|hr|word|more\n"
      for hour in 0..<(number * 9) {
        text +=
          "\(130 + hour)|\(hour).5|\(hour % 3 == 0 ? "NaN" : "\(60 + hour)")|\"w\(hour % 4)\"|\n"
      }
      files.append(try RecordsFixture.write(text, "p\(number).psv"))
    }
    let result = check(files, mapping, .fail, "wide")
    #expect(result.error == nil)
    #expect(result.subjects == ["p0", "p1", "p2", "p3", "p4"])
    #expect(result.codes == ["hr", "word", "sodium"])
    #expect(result.units == ["/min"])
    #expect(result.texts == ["w0", "w1", "w2", "w3"])
    #expect(result.report.rows.values.reduce(0, +) == 90)
  }

  /// What makes a file unreadable is named at its place, however the file is cut.
  @Test func errorsKeepTheirPlace() throws {
    let good = "7,2020-01-01,,HR,80,\n"
    let head = "id,t,known,what,value,unit\n" + String(repeating: good, count: 30)
    let long = String(repeating: "x", count: RecordWalk.maximumRecordBytes)
    let cases = [
      (head + "7,2020-01-01,,HR,\"\n" + good, "line 32"),
      (head + "\n\n7,2020-99-01,,HR,1,\n", "line 34, column 2"),
      (head + "\"a\nb\",2020-01-01,,HR,1,\n7,,,HR,1,\n" + good, "line 34, column 2"),
      (head + "7,2020-01-01,,HR,\(long),\n" + good, "line 32: a record is longer"),
      (head + "7,2020-01-01,,HR,\"1\n\(long)\",\n" + good, "line 32: a quoted field"),
      (head + String(repeating: ",", count: 5000) + "\n", "line 32: a record has more than"),
    ]
    for (text, place) in cases {
      let file = try RecordsFixture.write(text)
      let source = { (threads: Int, blockBytes: Int) in
        DelimitedSource(
          files: [file], mapping: Self.long, threads: threads, blockBytes: blockBytes)
      }
      let whole = read(source(1, 1 << 24)).error
      #expect(whole?.contains(place) == true, "\(place): \(whole ?? "no error")")
      // Small pieces of a megabyte would take long.
      for (threads, blockBytes) in text.utf8.count > 1 << 20 ? [(2, 1 << 18)] : [(1, 300), (2, 99)]
      {
        #expect(read(source(threads, blockBytes)).error == whole)
      }
    }
  }

  /// An error in a later file comes behind what an earlier one has to say.
  @Test func theFirstErrorIsTheOneSaid() throws {
    let bad = try RecordsFixture.write("id,t,known,what,value,unit\n7,never,,HR,1,\n", "bad.csv")
    let other = try RecordsFixture.write("id;t\n", "other.csv")
    let result = check([bad, other], Self.long, .fail, "order")
    #expect(result.error?.contains("bad.csv, line 2, column 2") == true)
    let second = check([bad, other], Self.long, .skip(atMost: 1), "order")
    #expect(second.error?.contains("other.csv, line 1, column `id`") == true)
  }

  /// The table is the same bytes for every number of threads, and so are its parts.
  @Test func tablesAreTheSameForEveryNumberOfThreads() throws {
    var random = SplitMix64(seed: 47)
    var text = "id,t,known,what,value,unit\n"
    for _ in 0..<4000 {
      let id = random.next() % 300
      let day = 1 + random.next() % 28
      let date = "2020-01-\(day < 10 ? "0" : "")\(day)"
      text += "p\(id),\(date),\(date),"
      text += "\(random.next() % 2 == 0 ? "HR" : "K"),\(Double(random.next() % 1000) / 8),\n"
    }
    let file = try RecordsFixture.write(text)
    let recipe = RecordsRecipe(
      variables: [
        RecordVariable(
          "hr", codes: [.exact("hr")], kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
        RecordVariable(
          "k", codes: [.exact("K")], kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
      ], index: IndexRule(.event(variable: "k", condition: nil), .every),
      features: [.mean, .slope, .variability, .last].flatMap { function in
        [FeatureRequest(Measure("hr", .last(9 * RecordTime.day), function))]
      } + [FeatureRequest(Measure("k", .ever, .sum))], removesDuplicates: true)
    var tables: [String] = []
    for (threads, blockBytes) in [(1, 1 << 20), (1, 1000), (2, 1000), (3, 5000)] {
      let extraction = try FeatureExtraction(
        recipe,
        source: DelimitedSource(
          files: [file], mapping: Self.long, threads: threads, blockBytes: blockBytes))
      var bytes: [UInt8] = []
      extraction.forEachPart(threads: threads) { bytes += $0 }
      #expect(String(decoding: bytes, as: UTF8.self) == extraction.table.csv())
      tables.append(extraction.table.csv())
    }
    #expect(Set(tables).count == 1)
    #expect(tables[0].utf8.count > 10_000)
  }
}
