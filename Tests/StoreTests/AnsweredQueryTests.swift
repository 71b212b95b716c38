import Testing

@testable import Store

@Suite struct AnsweredQueryTests {
  /// Opens round `round` and releases the query [7] for these participants.
  private func release(
    _ store: SiteStore, _ round: UInt64, _ participants: [String], minimum: Int? = 3
  ) async throws {
    try await store.appendJournal(
      JournalBatch(items: [
        JournalItem(.opened, round: round, record: [1]),
        JournalItem(
          .released, round: round, record: [2],
          release: QueryRelease(
            queryDigest: [7], participants: participants, minimumSetDifference: minimum)),
      ]), study: "s1")
  }

  @Test func exactQueryIsOpenedOnceForCloseSets() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await release(store, 1, ["a", "b", "c", "d"])
    await #expect(throws: StoreError(.queryAnswered)) {
      try await release(store, 2, ["a", "b", "c"])
    }
    #expect(try await store.lastKnownRound(study: "s1")?.round == 1, "nothing half-written")
    try await release(store, 3, ["d", "c", "b", "a"])
    try await release(store, 4, ["a", "e", "f", "b", "g", "c", "d"])
    await #expect(throws: StoreError(.queryAnswered)) {
      try await release(store, 5, ["a", "e", "f", "b", "g", "c"])
    }
    try await release(store, 6, ["a"], minimum: nil)
    let answers = try await store.answers(to: [7], study: "s1")
    #expect(answers.map(\.round) == [1, 3, 4, 6])
    #expect(answers.first?.participants == ["a", "b", "c", "d"])
    #expect(try await store.answers(to: [8], study: "s1").isEmpty)
  }

  @Test func releaseCountsAlsoWhenNoResultCame() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await release(store, 1, ["a", "b", "c"])
    try await store.appendJournal(
      JournalBatch(items: [JournalItem(.aborted, round: 1, record: [9])]), study: "s1")
    try store.close()
    let again = try fixture.site()
    await #expect(throws: StoreError(.queryAnswered)) { try await release(again, 2, ["a", "b"]) }
  }

  @Test func releaseWithoutItsQueryIsRefused() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    await #expect(throws: StoreError(.invalidValue)) {
      try await store.appendJournal(
        JournalBatch(items: [
          JournalItem(.opened, round: 1, record: []), JournalItem(.released, round: 1, record: []),
        ]), study: "s1")
    }
  }
}
