import Foundation
import Testing

@testable import Store

@Suite struct MaskedVectorFileTests {
  private func vector(_ round: UInt64, count: Int) -> JournalVector {
    JournalVector(
      round: round, digest: (0..<32).map { UInt8(truncatingIfNeeded: round) &+ $0 },
      bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(round)) })
  }

  @Test func aShorterVectorTakesThePlaceOfALongerOne() throws {
    let fixture = try StoreFixture()
    let file = MaskedVectorFile(beside: fixture.path("site.sqlite"), study: "s1")
    #expect(file.read() == nil)
    for count in [100_000, 1, 0, 5_000] {
      try file.write(vector(UInt64(count), count: count))
      #expect(file.read() == vector(UInt64(count), count: count))
    }
    file.remove()
    file.remove()
    #expect(file.read() == nil)
  }

  @Test func studiesHaveFilesOfTheirOwnThatOnlyTheirOwnerReads() throws {
    let fixture = try StoreFixture()
    let path = fixture.path("site.sqlite")
    let first = MaskedVectorFile(beside: path, study: "../../s1")
    let second = MaskedVectorFile(beside: path, study: "s2")
    try first.write(vector(1, count: 9))
    try second.write(vector(2, count: 8))
    #expect(first.read() == vector(1, count: 9))
    #expect(second.read() == vector(2, count: 8))
    let names = try FileManager.default.contentsOfDirectory(atPath: path + "-vectors")
    #expect(names.count == 2)
    for name in names {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)-vectors/\(name)")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test func aTornFileIsNoVectorOrAnotherOne() throws {
    let fixture = try StoreFixture()
    let path = fixture.path("site.sqlite")
    let file = MaskedVectorFile(beside: path, study: "s1")
    try file.write(vector(3, count: 4_000))
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: path + "-vectors").first)
    let whole = try Data(contentsOf: URL(fileURLWithPath: "\(path)-vectors/\(name)"))
    for count in [0, 7, 47, 48, 2_000, whole.count - 1] {
      try whole.prefix(count).write(to: URL(fileURLWithPath: "\(path)-vectors/\(name)"))
      #expect(file.read() == nil, "\(count) bytes")
    }
    var huge = whole
    huge.replaceSubrange(8..<16, with: [UInt8](repeating: 255, count: 8))
    try huge.write(to: URL(fileURLWithPath: "\(path)-vectors/\(name)"))
    #expect(file.read() == nil)
  }

  @Test func refusedBatchesLeaveTheVectorAlone() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try store.appendJournal(
      JournalBatch(
        items: [
          JournalItem(.opened, round: 1, record: [1]),
          JournalItem(.committed, round: 1, record: [2]),
        ], vector: vector(1, count: 30)), study: "s1")
    #expect(throws: StoreError(.conflict)) {
      try store.appendJournal(
        JournalBatch(
          items: [JournalItem(.committed, round: 1, record: [3])], vector: vector(1, count: 31)),
        study: "s1")
    }
    #expect(throws: StoreError(.invalidValue)) {
      try store.appendJournal(
        JournalBatch(
          items: [JournalItem(.acknowledged, round: 1, record: [4])],
          vector: JournalVector(round: 1, digest: [1], bytes: [])), study: "s1")
    }
    let journal = try await store.journal(study: "s1")
    #expect(journal.records == [[1], [2]])
    #expect(journal.vector == vector(1, count: 30))
  }

  @Test func aStudyThatIsOverLeavesNoVector() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await store.setStatus("s1", to: .running)
    try store.appendJournal(
      JournalBatch(
        items: [JournalItem(.opened, round: 1, record: [1])], vector: vector(1, count: 3)),
      study: "s1")
    let folder = store.path + "-vectors"
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
    try await store.setStatus("s1", to: .finished)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
