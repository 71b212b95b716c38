import Foundation
import Records
import StrictYAML
import Testing

@testable import SiteData

/// Two patients stay two: identifiers by file name and by column, and mappings that say two things.
@Suite struct IdentifierTests {
  private func source(
    _ files: [String], subject: DelimitedMapping.Subject = .fileName,
    policy: ReadingPolicy = .fail
  ) -> DelimitedSource {
    let mapping = DelimitedMapping(
      subject: subject, when: .column("t", .elapsed(unit: 1)),
      layout: .long(code: "c", value: nil, unit: nil))
    return DelimitedSource(files: files, mapping: mapping, policy: policy)
  }

  @Test(arguments: [
    ("/a/b.c/ward.1001.csv", "ward.1001"), ("ward.1002.csv.gz", "ward.1002"), ("7.PSV", "7"),
    ("7.tsv", "7"), ("7.txt.gz", "7"), ("7.dat", "7.dat"), ("7", "7"), (".csv", ".csv"),
    ("1.2.csv", "1.2"),
  ])
  func stems(path: String, stem: String) { #expect(DelimitedSource.stem(path) == stem) }

  @Test func dotsBelongToNames() throws {
    let files = try ["ward.1001.csv", "ward.1002.csv"].map {
      try RecordsFixture.write("t,c\n1,a\n", $0)
    }
    #expect(
      try RecordsFixture.events(source(files)).events == ["ward.1001 a @1", "ward.1002 a @1"])
  }

  /// Two files of one name say so by their places, without the name.
  @Test func filesOfOneName() throws {
    let files = try ["Doe-Jane.csv", "x.csv", "Doe-Jane.txt"].map {
      try RecordsFixture.write("t,c\n1,a\n", $0)
    }
    let error = #expect(throws: SiteDataError.self) { try source(files).open() }
    let text = error?.description ?? ""
    #expect(text.contains("file 3 of 3") && text.contains("file 1 of 3"), "\(text)")
    #expect(!text.contains("Doe"))
  }

  @Test func identifiersAreUTF8() throws {
    let bytes = Array("id,t,c\nM".utf8) + [0xFC] + Array("ller,1,a\nM".utf8) + [0xF6]
    let path = try RecordsFixture.write(bytes + Array("ller,1,a\n".utf8), "records.csv")
    let error = #expect(throws: SiteDataError.self) {
      try RecordsFixture.events(source([path], subject: .column("id")))
    }
    #expect(error?.line == 2 && error?.column == 1 && error?.advice.contains("UTF-8") == true)
    let (events, batch) = try RecordsFixture.events(
      source([path], subject: .column("id"), policy: .skip(atMost: 2)))
    #expect(events.isEmpty && batch.report.skipped == [.wrongEncoding: 2])
    #expect(batch.lexicon.subjects.count == 0)
  }

  @Test func columnsOfOneName() throws {
    let path = try RecordsFixture.write("id,t,c,t\n1,1,a,2\n")
    let error = #expect(throws: SiteDataError.self) {
      try RecordsFixture.events(source([path], subject: .column("id")))
    }
    #expect(error?.code == .duplicateColumn && error?.column == 4)
    #expect(error?.description.contains("columns 2 and 4") == true)
    // A column that nobody reads may be there twice.
    let other = try RecordsFixture.write("id,t,c,x,x\n1,1,a,2,3\n")
    #expect(try RecordsFixture.events(source([other], subject: .column("id"))).events.count == 1)
  }

  @Test(arguments: [
    "codes: [{local: HR, code: hr}, {local: HR, code: pulse}]",
    "codes: [{local: [HR, HR], code: hr}]",
    "codes: [{local: HR, code: hr, unit: /min}], units: [{code: hr, unit: Hz}]",
  ])
  func localCodesTwice(_ codes: String) throws {
    let yaml = "sources: [{form: long, file: a.csv, subject: id, time: t, code: c, \(codes)}]"
    do {
      _ = try RecordsDescription(yaml: YAMLDocument(text: yaml, file: "r.yaml").root, folder: "")
      Issue.record("one of the two would be lost")
    } catch {
      #expect(error.keyPath.contains("sources"), "\(error)")
    }
  }

  @Test(arguments: [(";", "\";\""), ("\t", "tab"), ("|", "\"|\"")])
  func delimitersAreNamed(delimiter: String, word: String) throws {
    let path = try RecordsFixture.write("id\(delimiter)t\(delimiter)c\n")
    let error = #expect(throws: SiteDataError.self) {
      try RecordsFixture.events(source([path], subject: .column("id")))
    }
    #expect(error?.advice.contains("`delimiter: \(word)`") == true, "\(error?.advice ?? "")")
    let table = #expect(throws: SiteDataError.self) { try DataFile(DataDescription(file: path)) }
    #expect(table?.advice.contains("`delimiter: \(word)`") == true, "\(table?.advice ?? "")")
  }

  @Test func oneColumnIsNoFault() throws {
    let path = try RecordsFixture.write("age\n1\n")
    #expect(try DataFile(DataDescription(file: path)).columns.count == 1)
  }
}
