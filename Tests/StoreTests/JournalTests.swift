import Foundation
import Testing

@testable import Store

@Suite struct JournalTests {
  private func key(_ round: Int64, epoch: Int64 = 0) -> RoundKey {
    RoundKey(study: "s1", epoch: epoch, round: round)
  }

  private func open(
    _ store: SiteStore, _ round: Int64, epoch: Int64 = 0, state: RoundState = .opened
  ) async throws -> JournalOutcome {
    try await store.openRound(
      key(round, epoch: epoch), state: state, queryDigest: [UInt8(round)], record: [1])
  }

  @Test func roundWalksForwardAndIsErasedAtItsEnd() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    #expect(try await open(store, 0).isNew)
    for (state, byte) in [(RoundState.shared, UInt8(2)), (.committed, 4), (.acked, 5)] {
      let outcome = try await store.advanceRound(
        key(0), to: state, record: [byte], outgoing: [byte, byte])
      #expect(outcome.isNew)
    }
    let entry = try #require(try await store.journalEntry(key(0)))
    #expect(entry.state == .acked && entry.record == [5])
    #expect(entry.outgoing == [.shared: [2, 2], .committed: [4, 4], .acked: [5, 5]])
    #expect(
      try await store.finishRound(
        key(0), resultDigest: [2, 0], transcript: transcriptEntry(0), epochSecret: [8]
      ).isNew)
    let done = try #require(try await store.journalEntry(key(0)))
    #expect(done.state == .done && done.outgoing.isEmpty && done.record.isEmpty)
    #expect(done.resultDigest == [2, 0])
    #expect(try await store.transcriptCount(study: "s1") == 1)
    #expect(try await store.epochSecret(study: "s1")?.record == [8])
  }

  @Test func journalNeverGoesBackwards() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    #expect(try await open(store, 5).isNew)
    await #expect(throws: StoreError(.outOfOrder)) { try await open(store, 4) }
    #expect(try await !open(store, 5).isNew)
    #expect(try await store.advanceRound(key(5), to: .acked, record: [2]).isNew)
    let back = try await store.advanceRound(key(5), to: .committed, record: [3])
    guard case .alreadyThere(let entry) = back else {
      Issue.record("a step back was written")
      return
    }
    #expect(entry.state == .acked && entry.record == [2])
    #expect(try await open(store, 0, epoch: 1).isNew, "a new epoch counts anew")
    await #expect(throws: StoreError(.outOfOrder)) { try await open(store, 6, epoch: 0) }
    await #expect(throws: StoreError(.invalidValue)) { try await open(store, 7, epoch: -1) }
  }

  @Test func burnedRoundIsNeverReopenedAlsoAfterReopening() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    _ = try await open(store, 3)
    #expect(try await store.burnRound(key(3), reason: "deadline").isNew)
    #expect(try await !store.burnRound(key(3), reason: "again").isNew)
    #expect(try await store.burnRound(key(9), reason: "missed").isNew, "burned unopened")
    try store.close()
    let again = try fixture.site()
    #expect(try await !open(again, 3).isNew)
    #expect(try await !open(again, 9).isNew)
    await #expect(throws: StoreError(.outOfOrder)) { try await open(again, 8) }
    #expect(try await !again.advanceRound(key(3), to: .acked, record: []).isNew)
    let last = try #require(try await again.lastKnownRound(study: "s1"))
    #expect(last.key == key(9) && last.state == .aborted && last.lastDone == nil)
    let burned = try await again.burnedRounds(study: "s1")
    #expect(burned.map(\.key.round) == [3, 9])
    #expect(burned.map(\.reason) == ["deadline", "missed"])
  }

  @Test func openingALaterRoundBurnsTheUnfinishedOne() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    _ = try await open(store, 1)
    _ = try await open(store, 2)
    let first = try #require(try await store.journalEntry(key(1)))
    #expect(first.state == .aborted && first.reason == "superseded" && first.record.isEmpty)
  }

  /// insertIfAbsent: eight tasks over two connections want to acknowledge different sets.
  @Test func oneOfEightConcurrentAcksWins() async throws {
    let fixture = try StoreFixture()
    let first = try await fixture.siteWithStudy()
    let second = try fixture.site()
    for round in Int64(0)..<5 {
      _ = try await open(first, round)
      let outcomes = try await withThrowingTaskGroup(of: (UInt8, JournalOutcome).self) { group in
        for task in UInt8(0)..<8 {
          let store = task.isMultiple(of: 2) ? first : second
          group.addTask {
            let outcome = try await store.advanceRound(
              RoundKey(study: "s1", epoch: 0, round: round), to: .acked, record: [task],
              outgoing: [task, task])
            return (task, outcome)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let winners = outcomes.filter { $0.1.isNew }.map(\.0)
      #expect(winners.count == 1, "round \(round)")
      let winner = try #require(winners.first)
      for (_, outcome) in outcomes {
        guard case .alreadyThere(let entry) = outcome else { continue }
        #expect(entry.outgoing[.acked] == [winner, winner], "byte-identical resend")
      }
    }
  }

  @Test func recoveryBurnsWhatWasNotCommittedAndKeepsWhatWas() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await store.propose(
      id: "s2", name: "Other", planText: "p", planDigest: [9], proposer: "ada")
    try await store.decide("s2", planDigest: [9], approved: true, by: "steward")
    _ = try await open(store, 1)
    let other = RoundKey(study: "s2", epoch: 0, round: 4)
    _ = try await store.openRound(
      other, state: .committed, queryDigest: [4], record: [7], outgoing: [1, 2, 3])
    try fixture.crashCopy(of: "site.sqlite", as: "crashed.sqlite")
    let crashed = try fixture.site("crashed.sqlite")
    let recovery = try await crashed.recoverJournal()
    #expect(recovery.burned == [key(1)])
    #expect(recovery.resumable.map(\.key) == [other])
    #expect(recovery.resumable.first?.outgoing == [.committed: [1, 2, 3]])
    #expect(try await crashed.recoverJournal().burned.isEmpty)
    #expect(try await crashed.audit.verify().isWhole)
  }

  @Test func unapprovedAndWithdrawnStudiesAnswerNothing() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    try await store.propose(
      id: "s1", name: "Sepsis", planText: "p", planDigest: [1], proposer: "ada")
    await #expect(throws: StoreError(.transitionRefused)) { try await open(store, 0) }
    try await store.decide("s1", planDigest: [1], approved: true, by: "steward")
    #expect(try await open(store, 0).isNew)
    try await store.decide("s1", planDigest: [1], approved: false, by: "steward")
    await #expect(throws: StoreError(.transitionRefused)) {
      try await store.advanceRound(key(0), to: .acked, record: [])
    }
    await #expect(throws: StoreError(.transitionRefused)) {
      try await store.recordDisclosure(
        Disclosure(study: "s1", kind: .siteAnswer, query: "auroc", valueCount: 1, byteCount: 8))
    }
    await #expect(throws: StoreError(.notFound)) {
      try await store.openRound(
        RoundKey(study: "none", epoch: 0, round: 0), queryDigest: [], record: [])
    }
  }

  @Test func finishingIsAllOrNothing() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    _ = try await open(store, 0)
    _ = try await store.advanceRound(key(0), to: .released, record: [1], outgoing: [2])
    await #expect(throws: StoreError(.outOfOrder)) {
      try await store.finishRound(
        key(0), resultDigest: [3], transcript: transcriptEntry(4), epochSecret: [9])
    }
    let entry = try #require(try await store.journalEntry(key(0)))
    #expect(entry.state == .released && entry.outgoing == [.released: [2]])
    #expect(try await store.epochSecret(study: "s1") == nil)
  }

  @Test func restoredOldBackupKnowsALowerRound() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    for round in Int64(0)..<3 {
      _ = try await open(store, round)
      if round == 1 { try await store.backUp(to: fixture.path("backup.sqlite")) }
      _ = try await store.finishRound(
        key(round), resultDigest: [2, UInt8(round)], transcript: transcriptEntry(round))
    }
    let now = try #require(try await store.lastKnownRound(study: "s1"))
    #expect(now.lastDone == key(2) && now.lastResultDigest == [2, 2])
    let restored = try fixture.site("backup.sqlite")
    let then = try #require(try await restored.lastKnownRound(study: "s1"))
    #expect(then.key == key(1) && then.lastDone == key(0) && then.lastResultDigest == [2, 0])
    #expect(try await restored.audit.verify().isWhole)
  }

  @Test func erasedBytesAreGoneFromTheFilesAfterScrubbing() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let secret = Array("an-unmistakable-round-secret".utf8)
    let message = Array(repeating: Array("an-unmistakable-message.".utf8), count: 900).flatMap {
      $0
    }
    _ = try await store.openRound(
      key(0), state: .committed, queryDigest: [0], record: secret, outgoing: message)
    try await store.scrub()
    func occurs(_ bytes: [UInt8]) throws -> Bool {
      for suffix in ["", "-wal"] {
        let path = fixture.path("site.sqlite" + suffix)
        guard let data = FileManager.default.contents(atPath: path) else { continue }
        if data.firstRange(of: bytes) != nil { return true }
      }
      return false
    }
    #expect(try occurs(secret) && occurs(Array("unmistakable-message".utf8)))
    _ = try await store.burnRound(key(0), reason: "test")
    try await store.scrub()
    #expect(try !occurs(secret))
    #expect(try !occurs(Array("unmistakable-message".utf8)))
  }

  @Test func epochSecretNeverGoesBackAnEpoch() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await store.storeEpochSecret([1], study: "s1", epoch: 2)
    try await store.storeEpochSecret([2], study: "s1", epoch: 2)
    await #expect(throws: StoreError(.outOfOrder)) {
      try await store.storeEpochSecret([3], study: "s1", epoch: 1)
    }
    #expect(try await store.epochSecret(study: "s1")?.record == [2])
    try await store.eraseEpochSecret(study: "s1")
    #expect(try await store.epochSecret(study: "s1") == nil)
  }

  @Test func relaxedRoundsAreReservedAndBurnedAfterAPowerCut() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    for round in Int64(0)..<2 {
      #expect(
        try await store.openRound(
          key(round), state: .committed, queryDigest: [1], record: [1], outgoing: [2],
          durability: .relaxed
        ).isNew)
    }
    try fixture.crashCopy(of: "site.sqlite", as: "crashed.sqlite")
    let crashed = try fixture.site("crashed.sqlite")
    #expect(try await crashed.recoverJournal().resumable.map(\.key) == [key(1)], "same boot")
    try crashed.close()
    let moved = try fixture.site("crashed.sqlite")
    await #expect(throws: StoreError(.outOfOrder), "not before the journal is recovered") {
      try await moved.reserve(key(2), boot: "another boot")
    }
    let recovery = try await moved.recoverJournal(boot: "another boot")
    let last = RoundReservation.blockLength - 1
    #expect(recovery.burned == [key(1), key(last)])
    #expect(recovery.resumable.isEmpty)
    #expect(try await moved.lastKnownRound(study: "s1")?.key == key(last))
    await #expect(throws: StoreError(.outOfOrder)) { try await open(moved, last - 1) }
    #expect(
      try await moved.openRound(
        key(last + 1), queryDigest: [1], record: [], durability: .relaxed
      ).isNew)
    #expect(
      try await moved.recoverJournal(boot: "another boot").burned
        == [key(last + 1), key(last + RoundReservation.blockLength)])
    #expect(try await moved.audit.verify().isWhole)
  }

  @Test func reservationIsOnTheDiskBeforeTheFirstRoundOfABlock() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let length = RoundReservation.blockLength
    for round in [0, 1, length - 1, length] {
      _ = try await store.openRound(
        key(round), queryDigest: [1], record: [], durability: .relaxed)
      let through = try fixture.value(
        "site.sqlite", "SELECT through_round FROM round_reservation")
      #expect(through == String(round < length ? length - 1 : 2 * length - 1))
    }
    await #expect(throws: StoreError(.outOfOrder)) {
      try await store.openRound(key(2), queryDigest: [1], record: [], durability: .relaxed)
    }
    await #expect(throws: StoreError(.invalidValue)) {
      try await store.openRound(
        key(Int64.max), queryDigest: [1], record: [], durability: .relaxed)
    }
    let again = try await store.openRound(
      key(length), queryDigest: [9], record: [], durability: .relaxed)
    #expect(!again.isNew)
  }

  @Test func largeMessagesAreErasedToo() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let vector = [UInt8](repeating: 7, count: 300_000)
    for round in Int64(0)..<20 {
      _ = try await store.openRound(
        key(round), state: .committed, queryDigest: [0], record: [1], outgoing: vector)
      _ = try await store.burnRound(key(round), reason: "test")
      #expect(try await store.journalEntry(key(round))?.outgoing.isEmpty == true)
    }
    try await store.scrub()
    let size = try Data(contentsOf: URL(fileURLWithPath: store.path)).count
    #expect(size < 1_500_000, "freed pages are used again")
  }
}
