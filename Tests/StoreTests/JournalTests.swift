import Foundation
import Testing

@testable import Store

@Suite struct JournalTests {
  /// Records are opaque to the store: kind, round and a salt tell them apart here.
  private func item(_ kind: JournalKind, _ round: UInt64, salt: UInt8 = 0) -> JournalItem {
    let record = [UInt8(truncatingIfNeeded: kind.rawValue), UInt8(truncatingIfNeeded: round), salt]
    switch kind {
    case .epoch:
      return JournalItem(kind, round: round, record: record, epoch: UInt32(salt))
    case .released:
      return JournalItem(
        kind, round: round, record: record, recordAfterwards: [7, UInt8(truncatingIfNeeded: round)])
    case .done:
      return JournalItem(
        kind, round: round, record: record, resultDigest: [2, UInt8(truncatingIfNeeded: round)])
    default: return JournalItem(kind, round: round, record: record)
    }
  }

  private func append(
    _ items: [JournalItem], to store: SiteStore, vector: JournalVector? = nil,
    transcript: [TranscriptEntry] = [], durability: Durability = .full
  ) throws -> AppendOutcome {
    try store.appendJournal(
      JournalBatch(items: items, vector: vector, transcript: transcript), study: "s1",
      durability: durability)
  }

  private func vector(_ round: UInt64, byte: UInt8 = 9, count: Int = 50) -> JournalVector {
    JournalVector(
      round: round,
      digest: [UInt8](repeating: byte, count: 31) + [UInt8(truncatingIfNeeded: round)],
      bytes: [UInt8](repeating: byte, count: count))
  }

  @Test func recordsReadBackInTheOrderWritten() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let steps = [
      item(.epoch, 0, salt: 1), item(.opened, 1), item(.shared, 1), item(.locked, 1),
      item(.committed, 1), item(.acknowledged, 1), item(.released, 1),
    ]
    #expect(try append(Array(steps[0..<3]), to: store) == .appended)
    #expect(try append(Array(steps[3..<5]), to: store, vector: vector(1)) == .appended)
    #expect(try append(Array(steps[5...]), to: store) == .appended)
    let journal = try await store.journal(study: "s1")
    #expect(journal.records == steps.map(\.record))
    #expect(journal.vector == vector(1))
    try store.close()
    #expect(try await fixture.site().journal(study: "s1") == journal)
  }

  @Test func doneErasesTheStepsAndKeepsWhatCountsForEver() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    _ = try append(
      [item(.epoch, 0, salt: 1), item(.opened, 1), item(.committed, 1)], to: store,
      vector: vector(1))
    _ = try append([item(.acknowledged, 1)], to: store)
    _ = try append([item(.released, 1)], to: store)
    _ = try append([item(.done, 1)], to: store, transcript: [transcriptEntry(0)])
    let journal = try await store.journal(study: "s1")
    #expect(journal.records == [item(.epoch, 0, salt: 1).record, [7, 1], item(.done, 1).record])
    #expect(journal.vector == nil)
    #expect(try await store.transcriptCount(study: "s1") == 1)
  }

  @Test func openingARoundErasesTheOneBefore() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    _ = try append([item(.opened, 1), item(.committed, 1)], to: store, vector: vector(1))
    _ = try append([item(.aborted, 1)], to: store)
    #expect(try await store.journal(study: "s1").vector == vector(1), "a late result may come")
    _ = try append([item(.opened, 2)], to: store)
    let journal = try await store.journal(study: "s1")
    #expect(journal.records == [item(.aborted, 1).record, item(.opened, 2).record])
    #expect(journal.vector == nil)
  }

  /// Every step after every step, in the same, an earlier and a later round.
  @Test(arguments: JournalKind.allCases.filter { $0 != .epoch })
  func journalNeverGoesBackwards(last: JournalKind) async throws {
    for next in JournalKind.allCases where next != .epoch {
      for offset in [-1, 0, 1] {
        let fixture = try StoreFixture()
        let store = try await fixture.siteWithStudy()
        _ = try append([item(.opened, 5)], to: store)
        if last != .opened { _ = try append([item(last, 5)], to: store) }
        let round = UInt64(5 + offset)
        let allowed =
          switch (next, offset) {
          case (.aborted, _): true
          case (.done, _): last != .done || offset == 1
          case (.opened, _): offset == 1
          default: offset == 0 && next > last && last != .done && last != .aborted
          }
        do {
          let outcome = try append([item(next, round, salt: 1)], to: store)
          #expect(outcome == .appended && allowed, "\(last), \(next), \(offset)")
        } catch {
          let code = (error as? StoreError)?.code
          #expect(!allowed, "\(last), \(next), \(offset): \(error)")
          #expect(code == .outOfOrder || (code == .conflict && offset == 0))
        }
      }
    }
  }

  @Test func sameRecordAgainIsFineAnotherIsNot() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let batch = [item(.epoch, 0, salt: 3), item(.opened, 1), item(.committed, 1)]
    #expect(try append(batch, to: store) == .appended)
    #expect(try append(batch, to: store) == .alreadyThere)
    #expect(throws: StoreError(.conflict)) {
      try append([item(.committed, 1, salt: 1)], to: store)
    }
    var epoch = item(.epoch, 0, salt: 3)
    epoch.record = [0]
    #expect(throws: StoreError(.conflict)) { try append([epoch], to: store) }
    #expect(throws: StoreError(.outOfOrder)) {
      try append([item(.epoch, 0, salt: 2)], to: store)
    }
    #expect(try await store.journal(study: "s1").records.count == 3)
  }

  /// insertIfAbsent: eight tasks over two connections want to acknowledge different sets.
  @Test func oneOfEightConcurrentAcknowledgementsWins() async throws {
    let fixture = try StoreFixture()
    let first = try await fixture.siteWithStudy()
    let second = try fixture.site()
    for round in UInt64(1)...5 {
      _ = try append([item(.opened, round), item(.committed, round)], to: first)
      let winners = try await withThrowingTaskGroup(of: UInt8?.self) { group in
        for task in UInt8(0)..<8 {
          let store = task.isMultiple(of: 2) ? first : second
          group.addTask {
            do {
              _ = try append([item(.acknowledged, round, salt: task)], to: store)
              return task
            } catch {
              guard (error as? StoreError)?.code == .conflict else { throw error }
              return nil
            }
          }
        }
        return try await group.reduce(into: [UInt8]()) { if let task = $1 { $0.append(task) } }
      }
      #expect(winners.count == 1, "round \(round)")
      let winner = try #require(winners.first)
      let journal = try await second.journal(study: "s1")
      #expect(journal.records.last == item(.acknowledged, round, salt: winner).record)
    }
  }

  @Test func unapprovedAndWithdrawnStudiesAnswerNothing() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    try await store.propose(
      id: "s1", name: "Sepsis", planText: "p", planDigest: [1], proposer: "ada")
    #expect(throws: StoreError(.transitionRefused)) {
      try append([item(.opened, 1)], to: store)
    }
    try await store.decide("s1", planDigest: [1], approved: true, by: "steward")
    _ = try append([item(.opened, 1)], to: store)
    try await store.decide("s1", planDigest: [1], approved: false, by: "steward")
    #expect(throws: StoreError(.transitionRefused)) {
      try append([item(.acknowledged, 1)], to: store)
    }
    await #expect(throws: StoreError(.transitionRefused)) {
      try await store.recordDisclosure(
        Disclosure(study: "s1", kind: .siteAnswer, query: "auroc", valueCount: 1, byteCount: 8))
    }
    #expect(try append([item(.aborted, 1)], to: store) == .appended, "burning stays possible")
    #expect(throws: StoreError(.notFound)) {
      try store.appendJournal(JournalBatch(items: [item(.opened, 1)]), study: "none")
    }
  }

  @Test func batchIsAllOrNothing() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    _ = try append([item(.opened, 1), item(.committed, 1)], to: store, vector: vector(1))
    _ = try append([item(.acknowledged, 1)], to: store)
    let before = try await store.journal(study: "s1")
    let audited = try await store.audit.head().count
    let disclosure = Disclosure(
      study: "s1", kind: .sumAnswer, query: "q", valueCount: 1, byteCount: 8)
    #expect(throws: StoreError(.outOfOrder), "the transcript has no entry 3") {
      try store.appendJournal(
        JournalBatch(
          items: [item(.released, 1), item(.done, 1)], transcript: [transcriptEntry(4)],
          disclosures: [disclosure]), study: "s1")
    }
    #expect(try await store.journal(study: "s1") == before)
    #expect(try await store.audit.head().count == audited)
    _ = try store.appendJournal(
      JournalBatch(
        items: [item(.released, 1), item(.done, 1)], transcript: [transcriptEntry(0)],
        disclosures: [disclosure]), study: "s1")
    #expect(try await store.disclosures(study: "s1").map(\.query) == ["q"])
    #expect(try await store.audit.head().count == audited + 1)
  }

  @Test func restoredOldBackupHasTheJournalOfItsMoment() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    for round in UInt64(1)...3 {
      _ = try append([item(.opened, round)], to: store)
      if round == 2 { try await store.backUp(to: fixture.path("backup.sqlite")) }
      _ = try append(
        [item(.done, round)], to: store, transcript: [transcriptEntry(Int64(round) - 1)])
    }
    let restored = try fixture.site("backup.sqlite")
    #expect(
      try await restored.journal(study: "s1").records
        == [item(.done, 1).record, item(.opened, 2).record])
    #expect(try await restored.transcriptCount(study: "s1") == 1)
    #expect(try await store.journal(study: "s1").records.last == item(.done, 3).record)
    #expect(try await restored.audit.verify().isWhole)
  }

  @Test func erasedRecordsAreGoneFromTheFilesAfterScrubbing() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let secret = Array("an-unmistakable-round-secret".utf8)
    let long = Array(repeating: Array("an-unmistakable-message.".utf8), count: 900).flatMap { $0 }
    var release = item(.released, 1)
    release.record = long
    _ = try append(
      [item(.opened, 1), JournalItem(.committed, round: 1, record: secret)], to: store)
    _ = try append([release], to: store)
    try await store.scrub()
    func occurs(_ bytes: [UInt8]) throws -> Bool {
      for suffix in ["", "-wal"] {
        let path = fixture.path("site.sqlite" + suffix)
        guard let data = FileManager.default.contents(atPath: path) else { continue }
        if data.firstRange(of: bytes) != nil { return true }
      }
      return false
    }
    #expect(try occurs(secret))
    #expect(try occurs(Array("unmistakable-message".utf8)))
    _ = try append([item(.done, 1)], to: store)
    try await store.scrub()
    #expect(try !occurs(secret))
    #expect(try !occurs(Array("unmistakable-message".utf8)))
  }

  @Test func spaceOfVectorsIsUsedAgain() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    for round in UInt64(1)...20 {
      _ = try append(
        [item(.opened, round), item(.committed, round)], to: store,
        vector: vector(round, count: 300_000), durability: .relaxed)
      _ = try append([item(.done, round)], to: store, durability: .relaxed)
    }
    try await store.scrub()
    let folder = store.path + "-vectors"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).map {
      "\(folder)/\($0)"
    }
    let size = try ([store.path] + files).map {
      try Data(contentsOf: URL(fileURLWithPath: $0)).count
    }.reduce(0, +)
    #expect(size < 1_000_000)
  }

  @Test func whatMustNotBeForgottenIsAlwaysSynced() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    func level() async throws -> Int? {
      try await store.database.outsideTransaction("test") { try synchronousLevel($0) }
    }
    for (kind, full) in [
      (JournalKind.epoch, true), (.opened, false), (.committed, false), (.acknowledged, false),
      (.released, true), (.done, false),
    ] {
      let round: UInt64 = kind == .epoch ? 0 : 1
      _ = try append([item(kind, round, salt: 1)], to: store, durability: .relaxed)
      #expect(try await level() == (full ? 2 : 1), "\(kind)")
    }
  }

  @Test func numbersBeyondTheDatabaseAreRefused() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    #expect(throws: StoreError(.invalidValue)) {
      try append([item(.opened, UInt64.max)], to: store)
    }
    #expect(try append([item(.opened, UInt64(Int64.max))], to: store) == .appended)
    #expect(throws: StoreError(.invalidValue)) {
      try append([JournalItem(.epoch, round: 0, record: [])], to: store)
    }
    #expect(
      try append(
        [JournalItem(.epoch, round: 0, record: [], epoch: UInt32.max)], to: store) == .appended)
    #expect(throws: StoreError(.outOfOrder)) {
      try append([JournalItem(.epoch, round: 0, record: [1], epoch: 7)], to: store)
    }
  }

  /// What a connection knows from its own writes is read again when another one has written.
  @Test func whatAnotherProcessWroteCountsAtOnce() async throws {
    let fixture = try StoreFixture()
    let first = try await fixture.siteWithStudy()
    let second = try fixture.site()
    _ = try append([item(.opened, 1), item(.committed, 1)], to: first)
    _ = try append([item(.acknowledged, 1)], to: second)
    #expect(throws: StoreError(.conflict)) {
      try append([item(.acknowledged, 1, salt: 1)], to: first)
    }
    _ = try append([item(.released, 1)], to: first)
    _ = try append([item(.done, 1)], to: second, transcript: [transcriptEntry(0)])
    #expect(throws: StoreError(.outOfOrder)) { try append([item(.opened, 1)], to: first) }
    _ = try append([item(.opened, 2)], to: first)
    _ = try append([item(.done, 2)], to: first, transcript: [transcriptEntry(1)])
    try await second.decide("s1", planDigest: [1, 2, 3], approved: false, by: "steward")
    #expect(throws: StoreError(.transitionRefused)) { try append([item(.opened, 3)], to: first) }
    _ = try await first.audit.append(AuditNote(actor: "agent", action: "test"))
    #expect(try await second.verifyTranscript(study: "s1") == nil)
    #expect(try await second.audit.verify().fault == nil)
  }

  /// Whatever a call left in memory, another connection reads the same rules from the file: after every
  /// step the same record again is there, and another one in its place is refused, by both.
  @Test func whatIsKnownIsWhatIsStored() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let steps: [JournalKind] = [
      .opened, .shared, .locked, .committed, .acknowledged, .released, .done,
    ]
    for round in UInt64(1)...3 {
      for step in steps {
        #expect(try append([item(step, round)], to: store) == .appended)
        // What of a release stays when its round is over.
        let released = JournalItem(.released, round: round, record: [7, UInt8(round)])
        for reader in [store, try fixture.site()] {
          #expect(try append([item(step, round)], to: reader) == .alreadyThere)
          #expect(throws: StoreError(.conflict)) {
            try append([item(step, round, salt: 1)], to: reader)
          }
          guard step == .done else { continue }
          #expect(try append([released], to: reader) == .alreadyThere)
          #expect(throws: StoreError(.conflict)) {
            try append([item(.released, round)], to: reader)
          }
        }
      }
    }
  }

  /// A disclosure goes with the step that lets the answer out, or not at all.
  @Test func answersLeaveWithTheirDisclosure() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    func batch(_ round: UInt64, data: UInt8) -> JournalBatch {
      JournalBatch(
        items: [item(.opened, round), item(.committed, round)], vector: vector(round),
        disclosures: [
          Disclosure(study: "s1", kind: .sumAnswer, query: "q", valueCount: 1, byteCount: 8)
        ],
        commitment: AnswerCommitment(
          study: "s1", query: [9], kind: "profile", index: 0, fingerprint: [data], nonce: [1],
          digest: [4], signature: [2]))
    }
    _ = try store.appendJournal(batch(1, data: 7), study: "s1")
    #expect(throws: StoreError(.dataChanged)) {
      try store.appendJournal(batch(2, data: 8), study: "s1")
    }
    #expect(try await store.journal(study: "s1").vector == vector(1), "nothing was written over")
    _ = try store.appendJournal(batch(2, data: 7), study: "s1")
    #expect(try await store.disclosures(study: "s1").count == 2)
    #expect(try await store.commitments(study: "s1").map(\.digest) == [[4]])
    #expect(try await store.audit.verify().fault == nil)
  }
}
