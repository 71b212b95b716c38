import GRDB
import Testing

@testable import Store

@Suite("The privacy ledger") struct LedgerTests {
  static func charge(_ number: UInt8, round: UInt64 = 1, study: String = "s") -> LedgerCharge {
    LedgerCharge(
      study: study, queryDigest: [UInt8](repeating: number, count: 32), round: round,
      purpose: "noisy training step", patientGroup: 1, variance: 1000, sensitivitySquared: 10,
      samplingRate: 1)
  }

  private func withSiteStore(
    _ body: (SiteStore) async throws -> Void
  ) async throws {
    let fixture = try StoreFixture()
    try await body(try await fixture.siteWithStudy())
  }

  private static func add(_ charge: LedgerCharge, to store: SiteStore) async throws {
    try await store.database.write("charge") { connection in
      _ = try LedgerTable.append(charge, at: 1, in: connection)
    }
  }

  @Test func theSameReleaseIsPaidOnce() async throws {
    try await withSiteStore { store in
      for charge in [Self.charge(1), Self.charge(1), Self.charge(1, round: 2), Self.charge(2)] {
        try await Self.add(charge, to: store)
      }
      let entries = try await store.ledger()
      #expect(entries.map(\.sequence) == [1, 2, 3])
      #expect(entries.map(\.charge.round) == [1, 2, 1])
    }
  }

  @Test func aChangedOrRemovedChargeIsNoticed() async throws {
    for damage in [
      "UPDATE ledger SET variance = 1000000 WHERE sequence = 2",
      "DELETE FROM ledger WHERE sequence = 2",
      "UPDATE ledger SET charged_at = 0 WHERE sequence = 1",
    ] {
      try await withSiteStore { store in
        for number in UInt8(1)...3 { try await Self.add(Self.charge(number), to: store) }
        try await store.database.write("damage") { try $0.execute(sql: damage) }
        await #expect(throws: StoreError(.corrupted, "damaged")) { _ = try await store.ledger() }
      }
    }
  }

  @Test func aLedgerThatEndsEarlierNoLongerHoldsTheMark() async throws {
    try await withSiteStore { store in
      for number in UInt8(1)...3 { try await Self.add(Self.charge(number), to: store) }
      let mark = try #require(try await store.ledgerMark())
      #expect(mark.sequence == 3)
      #expect(try await store.ledgerContains(mark))
      try await store.database.write("restore") {
        try $0.execute(sql: "DELETE FROM ledger WHERE sequence = 3")
      }
      #expect(try await !store.ledgerContains(mark))
    }
  }

  @Test func aLargerBudgetNeedsAnotherPerson() async throws {
    try await withSiteStore { store in
      let number = try await store.proposeBudget(
        scope: "s", epsilon: 12, by: "ada", confirmed: false)
      await #expect(throws: StoreError(.transitionRefused, "")) {
        try await store.confirmBudget(number, by: "ada")
      }
      #expect(try await store.budgetDecisions().map(\.confirmedBy) == [nil])
      try await store.confirmBudget(number, by: "grace")
      #expect(try await store.budgetDecisions().map(\.confirmedBy) == ["grace"])
      await #expect(throws: StoreError(.transitionRefused, "")) {
        try await store.confirmBudget(number, by: "alan")
      }
      await #expect(throws: StoreError(.notFound, "")) {
        try await store.confirmBudget(99, by: "alan")
      }
    }
  }

  /// What the last confirmation says counts, whatever was proposed later.
  @Test func theLastConfirmationCounts() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let first = try await store.proposeBudget(scope: "s", epsilon: 4, by: "ada", confirmed: false)
    let second = try await store.proposeBudget(scope: "s", epsilon: 2, by: "ada", confirmed: false)
    fixture.clock.advance(by: 1)
    try await store.confirmBudget(second, by: "grace")
    #expect(BudgetDecision.standing(try await store.budgetDecisions(), scope: "s") == 2)
    fixture.clock.advance(by: 1)
    try await store.confirmBudget(first, by: "grace")
    #expect(BudgetDecision.standing(try await store.budgetDecisions(), scope: "s") == 4)
    #expect(BudgetDecision.standing(try await store.budgetDecisions(), scope: "") == nil)
  }

  @Test func whatIsRefusedLeavesNothingBehind() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    // At most two queries; the same query again is one of its own.
    let admission: LedgerAdmission = { snapshot in
      let count = snapshot.totals.reduce(0) { $0 + $1.queryCount }
      return count > 2 ? "\(count) queries" : nil
    }
    func batch(_ query: UInt8, round: UInt64) -> JournalBatch {
      JournalBatch(
        items: [
          JournalItem(.opened, round: round, record: [2, UInt8(round)]),
          JournalItem(.committed, round: round, record: [5, UInt8(round)]),
        ], charges: [Self.charge(query, round: round, study: "s1")], admission: admission)
    }
    for (query, round) in [(UInt8(1), UInt64(1)), (2, 2), (2, 3)] {
      try store.appendJournal(batch(query, round: round), study: "s1")
    }
    let totals = try await store.ledgerSnapshot().totals
    #expect(totals.map(\.openingCount) == [1, 2] && totals.map(\.queryCount) == [1, 1])
    let before = try await store.journal(study: "s1")
    #expect(throws: StoreError(.budgetExhausted)) {
      try store.appendJournal(batch(3, round: 4), study: "s1")
    }
    #expect(try await store.journal(study: "s1") == before)
    #expect(try await store.ledger().count == 3)
    // What is there is paid: the ledger is not asked.
    #expect(
      try store.appendJournal(
        JournalBatch(
          charges: [Self.charge(2, round: 3, study: "s1")], admission: { _ in "no" }),
        study: "s1") == .alreadyThere)
    await #expect(throws: StoreError(.budgetExhausted)) {
      try await store.recordDisclosure(
        Disclosure(study: "s1", kind: .siteAnswer, query: "q", valueCount: 1, byteCount: 8),
        charge: Self.charge(9, round: 0, study: "s1"), admission: admission)
    }
    #expect(try await store.disclosures().isEmpty)
  }

  @Test func meaninglessChargesAreRefused() async throws {
    try await withSiteStore { store in
      var short = Self.charge(1)
      short.queryDigest = [1]
      var free = Self.charge(1)
      free.variance = 0
      for charge in [short, free] {
        await #expect(throws: StoreError(.invalidValue, "")) {
          try await Self.add(charge, to: store)
        }
      }
    }
  }
}
