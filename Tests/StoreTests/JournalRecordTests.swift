import CanonicalBytes
import Testing

@testable import Store

/// Records in the protocol's canonical bytes (protocol/README.md §12), written here by hand.
@Suite struct JournalRecordTests {
  private let digest = [UInt8](repeating: 4, count: 32)

  private func record(
    _ kind: UInt8, _ round: UInt64, _ body: (inout ByteWriter) -> Void = { _ in }
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.integer(kind)
    writer.integer(round)
    body(&writer)
    return writer.bytes
  }

  private func released(_ round: UInt64, query: UInt8, members: [UInt16], message: [UInt8])
    -> [UInt8]
  {
    record(7, round) {
      $0.raw(digest)
      $0.raw([UInt8](repeating: query, count: 32))
      $0.array(members) { $0.integer($1) }
      $0.raw(digest)
      $0.blob(message)
    }
  }

  @Test func headsOfAllKindsAreRead() throws {
    for kind in JournalKind.allCases where ![.epoch, .released, .done].contains(kind) {
      let item = try JournalItem(record: record(UInt8(kind.rawValue), 300) { $0.raw([1, 2]) })
      #expect(item.kind == kind && item.round == 300)
    }
    let epoch = try JournalItem(
      record: record(1, 5) {
        $0.integer(UInt32(9))
        $0.integer(UInt64(5))
      })
    #expect(epoch.epoch == 9)
    let done = try JournalItem(record: record(8, 5) { $0.raw(digest) })
    #expect(done.resultDigest == digest)
    let release = try JournalItem(
      record: released(5, query: 6, members: [1, 2, 7], message: [1, 2, 3]))
    #expect(release.recordAfterwards == released(5, query: 6, members: [1, 2, 7], message: []))
  }

  @Test func otherBytesAreRefused() {
    let good = released(5, query: 6, members: [1, 2], message: [])
    for count in 0..<(good.count - 4) {
      #expect(throws: StoreError(.invalidValue)) {
        try JournalItem(record: Array(good.prefix(count)))
      }
    }
    for kind: UInt8 in [0, 10, 255] {
      #expect(throws: StoreError(.invalidValue)) { try JournalItem(record: record(kind, 1)) }
    }
    let forged = record(7, 1) {
      $0.raw(digest)
      $0.raw(digest)
      $0.integer(UInt32.max)
    }
    #expect(throws: StoreError(.invalidValue)) { try JournalItem(record: forged) }
  }

  @Test func wholeRoundLeavesWhatCountsForEver() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let epoch = record(1, 0) {
      $0.integer(UInt32(1))
      $0.integer(UInt64(0))
    }
    let done = record(8, 1) { $0.raw(digest) }
    let release = released(1, query: 6, members: [1, 2, 3], message: [9, 9])
    func append(_ records: [[UInt8]], vector: JournalVector? = nil) throws {
      try store.appendJournal(
        JournalBatch(items: try records.map { try JournalItem(record: $0) }, vector: vector),
        study: "s1")
    }
    try append([epoch])
    try append([record(2, 1), record(3, 1)])
    try append(
      [record(4, 1), record(5, 1)], vector: .init(round: 1, digest: digest, bytes: [8, 8]))
    try append([record(6, 1)])
    try append([release])
    #expect(
      try await store.journal(study: "s1").vector == .init(round: 1, digest: digest, bytes: [8, 8]))
    #expect(try await store.journal(study: "s1").records.count == 7)
    try append([done])
    let left = try await store.journal(study: "s1")
    #expect(
      left.records == [epoch, released(1, query: 6, members: [1, 2, 3], message: []), done])
    #expect(left.vector == nil)
  }

  @Test func roundThatWasCaughtUpWithIsClosedByItsResultAlone() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let done = record(8, 4) { $0.raw(digest) }
    try store.appendJournal(
      JournalBatch(items: [try JournalItem(record: done)]), study: "s1")
    #expect(try await store.journal(study: "s1").records == [done])
  }
}
