import Records
import Testing

@testable import SiteData

@Suite struct CSVReaderTests {
  @Test func readsTheFormsOfRFC4180() throws {
    #expect(try fields("a,b\n1,2\n") == [["a", "b"], ["1", "2"]])
    #expect(try fields("a,b\r\n1,2") == [["a", "b"], ["1", "2"]])
    #expect(try fields("a\rb\r") == [["a"], ["b"]])
    #expect(try fields("\"a,b\",\"c\"\"d\",\"e\nf\"\n") == [["a,b", "c\"d", "e\nf"]])
    #expect(try fields("\"\",\n") == [["", ""]])
    #expect(try fields(",,\n") == [["", "", ""]])
    #expect(try fields("\u{FEFF}a,b\n") == [["a", "b"]])
    #expect(try fields("a\n\n\nb\n\r\n") == [["a"], ["b"]])
    #expect(try fields("") == [])
    #expect(try fields("\n\n") == [])
    #expect(try fields("\"\"\n") == [[""]])
    #expect(try fields("a\"b,c\n") == [["a\"b", "c"]])
    #expect(try fields("\"a\" ,b\n") == [["a", "b"]])
  }

  @Test func countsLinesThroughQuotedLineEnds() throws {
    let found = try records("h\n\"a\nb\nc\"\nd\r\n\ne")
    #expect(found.map(\.line) == [1, 2, 5, 7])
  }

  @Test func faultsNameTheirColumnAndReadingGoesOn() throws {
    let found = try records("a,\"b\"x,c\n1,2,3\n")
    #expect(found[0].faults == [.init(code: .textAfterQuote, column: 2)])
    #expect(found[1].faults.isEmpty)
    let bytes: [UInt8] = Array("a,".utf8) + [0xFF, 0xC3] + Array("\nb,c\n".utf8)
    let broken = try records(bytes)
    #expect(broken[0].faults == [.init(code: .wrongEncoding, column: 2)])
    #expect(broken[1].fields == ["b", "c"])
  }

  @Test func whatCannotBeReadThrows() {
    func code(_ body: () throws -> Void) -> SiteDataError.Code? {
      do {
        try body()
        return nil
      } catch {
        return (error as? SiteDataError)?.code
      }
    }
    #expect(code { _ = try records("a\n\"b\nc\n") } == .unclosedQuote)
    #expect(code { _ = try records([0xFF, 0xFE, 0x61, 0]) } == .wrongEncoding)
    let long = String(repeating: "a", count: CSVReader.maximumRecordBytes + 1)
    #expect(code { _ = try records(long) } == .recordTooLarge)
    let wide = String(repeating: ",", count: CSVReader.maximumColumns + 1)
    #expect(code { _ = try records(wide) } == .recordTooLarge)
    let boundary = String(repeating: "a", count: CSVReader.maximumRecordBytes - 1)
    #expect(code { _ = try records(boundary + "\n") } == nil)
    #expect(code { _ = try records(boundary + "a\n" + "b\n") } == .recordTooLarge)
    #expect(code { _ = try CSVReader(path: "/nowhere/at/all.csv") } == .unreadableFile)
    #expect(code { _ = try CSVReader(path: "/") } == .unreadableFile)
  }

  @Test func readsOtherEncodings() throws {
    var latin = try CSVReader(
      bytes: [0x6D, 0xFC, 0x0A], file: "f", encoding: .latin1)
    #expect(try latin.next()?.fields == ["mü"])
    var windows = try CSVReader(bytes: [0x80, 0xE9], file: "f", encoding: .windows1252)
    #expect(try windows.next()?.fields == ["€é"])
    var hole = try CSVReader(bytes: [0x81], file: "f", encoding: .windows1252)
    #expect(try hole.next()?.faults.count == 1)
  }

  /// Any table written by the writer is read back as it was.
  @Test(arguments: [UInt64(1), 2, 3, 4]) func writtenTablesAreReadBack(seed: UInt64) throws {
    var generator = TestGenerator(state: seed)
    // With an accent of its own, which joins the delimiter or quote before it.
    let alphabet: [Unicode.Scalar] = Array(",;\"\n\r a1é\u{0301}€\t'".unicodeScalars)
    for delimiter: Character in [",", ";", "\t"] {
      let table: [[String]] = (0..<40).map { _ in
        (0..<Int.random(in: 1...6, using: &generator)).map { _ -> String in
          var text = String.UnicodeScalarView()
          for _ in 0..<Int.random(in: 0...7, using: &generator) {
            text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
          }
          return String(text)
        }
      }
      let mark = try #require(delimiter.asciiValue)
      let text = table.map { CSVWriter.record($0, delimiter: mark) }.joined()
      let found = try records(text, delimiter: delimiter)
      #expect(found.allSatisfy { $0.faults.isEmpty }, "seed \(seed)")
      #expect(
        found.map { $0.fields.map { Array($0.utf8) } } == table.map { $0.map { Array($0.utf8) } },
        "seed \(seed)")
    }
  }

  @Test func randomBytesNeverTrap() throws {
    var generator = TestGenerator(state: 99)
    let common = Array(",\"\n\r;a1 ".utf8)
    var recordCount = 0
    for trial in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ -> UInt8 in
        Bool.random(using: &generator)
          ? common[Int.random(in: 0..<common.count, using: &generator)]
          : UInt8.random(in: 0...255, using: &generator)
      }
      do {
        for record in try records(bytes) {
          recordCount += 1
          #expect(!record.fields.isEmpty && record.line >= 1, "seed 99 trial \(trial)")
          #expect(record.faults.allSatisfy { $0.column <= record.fields.count })
        }
      } catch let error as SiteDataError {
        #expect(!error.advice.isEmpty)
      }
    }
    #expect(recordCount > 1000)
  }

  /// A file larger than several chunks is read the same as from memory, wherever chunks end.
  @Test func chunksDoNotShow() throws {
    var text = "id,note\r\n"
    for row in 0..<9000 { text += "\(row),\"line \(row)\r\nnext \"\"quoted\"\" é\"\r\n" }
    #expect(text.utf8.count > 3 << 16)
    let inMemory = try records(text)
    try withFile(text) { path in
      var reader = try CSVReader(path: path)
      var index = 0
      while let record = try reader.next() {
        #expect(record == inMemory[index])
        index += 1
      }
      #expect(index == 9001 && inMemory.count == 9001)
    }
  }
}
