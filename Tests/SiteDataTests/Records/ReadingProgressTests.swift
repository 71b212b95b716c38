import Foundation
import Records
import Testing

@testable import SiteData

/// What a person sees while records are read.
@Suite struct ReadingProgressTests {
  private func text(_ rows: Int) -> String {
    (0..<rows).reduce(into: "id,t,what,value\n") { $0 += "p\($1 % 50),\($1),hr,\($1 % 90)\n" }
  }

  private func source(_ files: [String], blockBytes: Int = 1 << 14) -> DelimitedSource {
    DelimitedSource(
      files: files,
      mapping: DelimitedMapping(
        subject: .column("id"), when: .column("t", .elapsed(unit: 1)),
        layout: .long(code: "what", value: "value", unit: nil)), blockBytes: blockBytes)
  }

  /// Every progress of a reading.
  private func progress(
    _ source: any EventSource, index: IndexRule = IndexRule(.start)
  ) throws -> [ReadingProgress] {
    let hr = RecordVariable(
      "hr", codes: [.exact("hr")], kind: .number(unit: nil, hardRange: nil, warnRange: nil))
    var seen: [ReadingProgress] = []
    _ = try FeatureExtraction(
      RecordsRecipe(
        variables: [hr], index: index,
        features: [FeatureRequest(Measure("hr", .ever, .count), name: "n")]), source: source
    ) { seen.append($0) }
    return seen
  }

  /// Bytes grow from pass to pass up to the size of the files, plain, compressed or several.
  @Test(arguments: ["plain", "gzip", "several"]) func bytesAreKnown(kind: String) throws {
    let plain = try RecordsFixture.write(text(60_000))
    let source: any EventSource
    switch kind {
    case "gzip":
      let zipped = plain + ".gz"
      let tool = Process()
      tool.executableURL = URL(fileURLWithPath: "/bin/sh")
      tool.arguments = ["-c", "gzip -c '\(plain)' > '\(zipped)'"]
      try tool.run()
      tool.waitUntilExit()
      source = self.source([zipped])
    case "several":
      source = CombinedSource([
        self.source([plain, try RecordsFixture.write(text(4))]), self.source([plain]),
      ])
    default: source = self.source([plain])
    }
    let total = try #require(source.byteTotal)
    let seen = try progress(
      source, index: IndexRule(.event(variable: "hr", condition: nil), .first))
    #expect(seen.count > 5 && seen.allSatisfy { $0.byteTotal == total && $0.passCount == 2 })
    let fractions = seen.compactMap(\.fraction)
    #expect(fractions.count == seen.count)
    #expect(zip(fractions, fractions.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(fractions.last == 1)
    #expect(seen.filter { $0.pass == 1 }.last?.byteCount == total)
    if kind != "gzip" {
      #expect(Set(fractions).count > 4)
      #expect(fractions.contains { (0.2...0.8).contains($0) })
    }
  }

  @Test func exportsOfFHIRKnowTheirSize() throws {
    let line = { (patient: Int) in
      #"{"resourceType":"Patient","id":"p\#(patient)","birthDate":"1960-05-01"}"# + "\n"
    }
    let path = try RecordsFixture.write((0..<9000).map(line).joined(), "Patient.ndjson")
    var reader = try FHIRSource(path: path).open()
    var batch = EventBatch()
    var counts: [Int] = []
    while try reader.next(&batch) { counts.append(batch.byteCount) }
    let total = try FHIRSource(path: path).byteTotal
    #expect(counts.count > 1 && counts.last == total)
    #expect(zip(counts, counts.dropFirst()).allSatisfy { $0 <= $1 })
  }

  /// A database has no size; records and their rate are all that can be said.
  @Test func withoutASize() throws {
    #expect(OMOPSource(.sqlite(path: "x.sqlite")).byteTotal == nil)
    let file = source([try RecordsFixture.write(text(3))])
    #expect(CombinedSource([file, OMOPSource(.sqlite(path: "x"))]).byteTotal == nil)
    var rate = ReadingRate()
    let line = rate.line(
      ReadingProgress(pass: 1, passCount: 1, recordCount: 1_234_567), seconds: 10)
    #expect(line == "1 234 567 records, 123 456 per second")
  }

  @Test func words() {
    var rate = ReadingRate()
    func step(_ pass: Int, _ count: Int, _ bytes: Int) -> ReadingProgress {
      ReadingProgress(
        pass: pass, passCount: 2, recordCount: count, byteCount: bytes, byteTotal: 400)
    }
    #expect(rate.line(step(1, 10, 1), seconds: 0.1) == "0 %, pass 1 of 2, 10 records")
    #expect(
      rate.line(step(1, 1000, 100), seconds: 10)
        == "12 %, pass 1 of 2, 1 000 records, 100 per second, 70 s left")
    // The rate is of the pass that runs.
    #expect(rate.line(step(2, 0, 0), seconds: 40) == "50 %, pass 2 of 2, 0 records, 40 s left")
    #expect(
      rate.line(step(2, 6000, 200), seconds: 60)
        == "75 %, pass 2 of 2, 6 000 records, 300 per second, 20 s left")
    #expect(
      rate.line(step(2, 9000, 400), seconds: 70)
        == "100 %, pass 2 of 2, 9 000 records, 300 per second")
    #expect(ReadingRate.duration(99.2) == "2 min" && ReadingRate.duration(13_000) == "3 h 37 min")
    #expect(ReadingProgress(pass: 1, passCount: 1, recordCount: 0, byteTotal: 0).fraction == nil)
  }
}
