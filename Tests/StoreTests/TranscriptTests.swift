import GRDB
import Testing

@testable import Store

@Suite struct TranscriptTests {
  private func filled(_ fixture: StoreFixture, count: Int64 = 5) async throws -> SiteStore {
    let store = try await fixture.siteWithStudy()
    for index in 0..<count { try await store.appendTranscript(transcriptEntry(index)) }
    return store
  }

  @Test func appendedEntriesReadBackInOrder() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    var entries = try await store.transcript(study: "s1")
    #expect(entries.allSatisfy { $0.recordedAt == fixture.clock.now })
    for index in entries.indices { entries[index].recordedAt = 0 }
    #expect(entries == (0..<5).map { transcriptEntry($0) })
    #expect(try await store.transcript(study: "s1", from: 3, limit: 1).map(\.index) == [3])
    #expect(try await store.transcriptEntry(study: "s1", index: 9) == nil)
    #expect(try await store.verifyTranscript(study: "s1") == nil)
    #expect(try await store.verifyTranscript(study: "unknown") == nil)
  }

  /// The values of a long sum are written with their entry, once, and stay.
  @Test func longSumsAreKeptBesideTheirEntries() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let sum = LongSum(index: 0, width: 64, bytes: (0..<4_000).map { UInt8(truncatingIfNeeded: $0) })
    let batch = JournalBatch(transcript: [transcriptEntry(0)], sums: [sum])
    #expect(try store.appendJournal(batch, study: "s1") == .appended)
    #expect(try store.appendJournal(batch, study: "s1") == .alreadyThere)
    #expect(try await store.longSum(study: "s1", index: 0) == sum)
    #expect(try await store.longSum(study: "s1", index: 1) == nil)
    #expect(try await store.longSum(study: "s2", index: 0) == nil)
    for sql in ["UPDATE transcript_sum SET width = 32", "DELETE FROM transcript_sum"] {
      await #expect(throws: (any Error).self) {
        try await store.database.write("test") { try $0.execute(sql: sql) }
      }
    }
  }

  @Test func sameEntryAgainIsFineAnotherIsNot() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    fixture.clock.advance(by: 10)
    #expect(try await store.appendTranscript(transcriptEntry(2)) == .alreadyThere)
    await #expect(throws: StoreError(.conflict)) {
      try await store.appendTranscript(transcriptEntry(2, salt: 1))
    }
    #expect(try await store.transcriptCount(study: "s1") == 5)
  }

  @Test func gapsAndBrokenChainsAreRefused() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    await #expect(throws: StoreError(.outOfOrder)) {
      try await store.appendTranscript(transcriptEntry(6))
    }
    await #expect(throws: StoreError(.outOfOrder)) {
      try await store.appendTranscript(transcriptEntry(-1))
    }
    var entry = transcriptEntry(5)
    entry.previousDigest = [0]
    await #expect(throws: StoreError(.outOfOrder)) { try await store.appendTranscript(entry) }
    await #expect(throws: StoreError(.notFound)) {
      try await store.appendTranscript(transcriptEntry(0, study: "none"))
    }
  }

  @Test(arguments: [
    "kind = 'per-site'", "query_digest = x'01'", "purpose = 'step 9'",
    "total = CAST(substr(total, 1, 39) || x'ff' AS BLOB)", "participants = '[\"north\"]'",
    "proof = x'0603'", "previous_digest = x'00'", "digest = x'00'",
    "recorded_at = recorded_at + 1", "row_hash = zeroblob(32)", "kind = 'unknown'",
    "participants = 'not json'",
  ])
  func anyChangedFieldIsFound(change: String) async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    try fixture.tamper(
      "site.sqlite",
      "DROP TRIGGER transcript_is_not_updated; UPDATE transcript SET \(change) WHERE position = 2")
    #expect(try await store.verifyTranscript(study: "s1")?.index == 2)
  }

  @Test(arguments: ["site = 'east'", "answer = x'00'", "signature = x''", "ordinal = 4"])
  func anyChangedAnswerIsFound(change: String) async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    var entry = transcriptEntry(0)
    entry.siteAnswers.append(SiteAnswerRecord(site: "south", answer: [4], signature: [6]))
    try await store.appendTranscript(entry)
    try fixture.tamper(
      "site.sqlite",
      """
      DROP TRIGGER transcript_answer_is_not_updated;
      UPDATE transcript_answer SET \(change) WHERE ordinal = 0;
      """)
    #expect(try await store.verifyTranscript(study: "s1") == TranscriptFault(.changed, at: 0))
  }

  @Test(arguments: [(2, 2), (4, 4), (0, 0)])
  func removedEntryIsFound(removed: Int64, reported: Int64) async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    try fixture.tamper(
      "site.sqlite",
      """
      DROP TRIGGER transcript_is_not_deleted;
      DELETE FROM transcript WHERE position = \(removed);
      """)
    #expect(
      try await store.verifyTranscript(study: "s1") == TranscriptFault(.removed, at: reported))
  }

  @Test func storeItselfRefusesToChangeEntries() async throws {
    let fixture = try StoreFixture()
    _ = try await filled(fixture)
    for sql in [
      "UPDATE transcript SET purpose = ''", "DELETE FROM transcript",
      "UPDATE transcript_answer SET answer = x''", "DELETE FROM transcript_answer",
    ] {
      #expect(throws: DatabaseError.self) { try fixture.tamper("site.sqlite", sql) }
    }
  }
}
