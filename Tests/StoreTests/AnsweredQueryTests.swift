import Testing

@testable import Store

@Suite struct AnsweredQueryTests {
  private func key(_ round: Int64) -> RoundKey { RoundKey(study: "s1", epoch: 0, round: round) }

  /// Opens round `round` and takes it to `state` for the query [7] and these participants.
  private func answer(
    _ store: SiteStore, _ round: Int64, _ participants: [String], minimum: Int? = 3,
    to state: RoundState = .released
  ) async throws {
    _ = try await store.openRound(key(round), queryDigest: [7], record: [])
    let outcome = try await store.advanceRound(
      key(round), to: state, record: [],
      release: QueryRelease(
        queryDigest: [7], participants: participants, minimumSetDifference: minimum))
    #expect(outcome.isNew)
  }

  @Test func exactQueryIsAnsweredOnceForCloseSets() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await answer(store, 0, ["a", "b", "c", "d"])
    await #expect(throws: StoreError(.queryAnswered)) {
      try await answer(store, 1, ["a", "b", "c"])
    }
    #expect(try await store.journalEntry(key(1))?.state == .opened, "nothing half-written")
    try await answer(store, 2, ["d", "c", "b", "a"])
    try await answer(store, 3, ["a", "e", "f", "b", "g", "c", "d"])
    await #expect(throws: StoreError(.queryAnswered)) {
      try await answer(store, 4, ["a", "e", "f", "b", "g", "c"])
    }
    try await answer(store, 5, ["a"], minimum: nil)
    let answers = try await store.answers(to: [7], study: "s1")
    #expect(answers.map(\.key.round) == [0, 2, 3, 5])
    #expect(answers.map(\.released) == [true, true, true, true])
    #expect(try await store.answers(to: [8], study: "s1").isEmpty)
  }

  @Test func burnedRoundThatReleasedNothingDoesNotCount() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await answer(store, 0, ["a", "b", "c"], to: .acked)
    _ = try await store.burnRound(key(0), reason: "deadline")
    try await answer(store, 1, ["a", "b"])
    let answers = try await store.answers(to: [7], study: "s1")
    #expect(answers.map(\.released) == [false, true])
  }

  @Test func releaseAfterAckIsRememberedAlsoWhenTheRoundBurns() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await answer(store, 0, ["a", "b", "c"], to: .acked)
    _ = try await store.advanceRound(key(0), to: .released, record: [])
    _ = try await store.burnRound(key(0), reason: "no result came")
    await #expect(throws: StoreError(.queryAnswered)) { try await answer(store, 1, ["a", "b"]) }
  }

  @Test func releaseForAnotherSetThanAcknowledgedIsRefused() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await answer(store, 0, ["a", "b", "c"], to: .acked)
    await #expect(throws: StoreError(.conflict)) {
      try await store.advanceRound(
        key(0), to: .released, record: [],
        release: QueryRelease(queryDigest: [7], participants: ["a", "b"]))
    }
  }
}
