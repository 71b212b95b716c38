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
