import Testing

@testable import Store

@Suite struct SiteStudyTests {
  @Test func studyIsStoredDecidedAndRun() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    #expect(
      try await store.propose(
        id: "s1", name: "Sepsis", planText: "plan", planDigest: [1], proposer: "ada") == .appended)
    #expect(
      try await store.propose(
        id: "s1", name: "Sepsis", planText: "plan", planDigest: [1], proposer: "ada")
        == .alreadyThere)
    await #expect(throws: StoreError(.conflict)) {
      try await store.propose(
        id: "s1", name: "Sepsis", planText: "plan B", planDigest: [2], proposer: "ada")
    }
    fixture.clock.advance(by: 60)
    try await store.decide(
      "s1", planDigest: [1], approved: true, by: "dr. who", reason: "fine", signedDecision: [4])
    try await store.setStatus("s1", to: .running)
    try await store.storeManifest([5, 6], study: "s1")
    let study = try #require(try await store.study("s1"))
    #expect(study.status == .running && study.decidedBy == "dr. who")
    #expect(study.signedDecision == [4] && study.manifest == [5, 6])
    #expect(study.decidedAt == fixture.clock.now && study.proposedAt == fixture.clock.now - 60)
    #expect(try await store.studies().map(\.id) == ["s1"])
    #expect(try await store.studies(status: .proposed).isEmpty)
    let actions = try await store.audit.entries().map(\.note.action)
    #expect(actions == ["study-proposed", "study-approved", "study-running"])
  }

  @Test func decisionAboutAnotherPlanIsRefused() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    try await store.propose(
      id: "s1", name: "Sepsis", planText: "plan", planDigest: [1], proposer: "ada")
    await #expect(throws: StoreError(.conflict)) {
      try await store.decide("s1", planDigest: [2], approved: true, by: "steward")
    }
    #expect(try await store.study("s1")?.status == .proposed)
    #expect(try await store.audit.head().count == 1)
  }

  /// Every pair of states: a change happens exactly when the list allows it.
  @Test(arguments: SiteStudyStatus.allCases, SiteStudyStatus.allCases)
  func onlyListedChangesHappen(from: SiteStudyStatus, to: SiteStudyStatus) async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    try await store.propose(id: "s", name: "", planText: "", planDigest: [1], proposer: "a")
    try fixture.tamper("site.sqlite", "UPDATE study SET status = '\(from.rawValue)'")
    let isDecision = to == .approved || to == .refused
    let allowed = from.successors.contains(to) || (from == to && to != .proposed)
    do {
      if isDecision {
        try await store.decide("s", planDigest: [1], approved: to == .approved, by: "x")
      } else {
        try await store.setStatus("s", to: to)
      }
      #expect(allowed)
      #expect(try await store.study("s")?.status == to)
    } catch {
      #expect(error == StoreError(.transitionRefused))
      #expect(!allowed)
      #expect(try await store.study("s")?.status == from)
    }
  }

  @Test func disclosuresAreRecordedWithTheirAuditLine() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await store.recordDisclosure(
      Disclosure(
        study: "s1", kind: .siteAnswer, query: "AUROC on the holdout", valueCount: 3,
        byteCount: 24, smallestCell: 41))
    try await store.recordDisclosure(
      Disclosure(study: "s1", kind: .sumAnswer, query: "newton step", valueCount: 99, byteCount: 8))
    let disclosures = try await store.disclosures(study: "s1")
    #expect(disclosures.map(\.valueCount) == [3, 99])
    #expect(disclosures.map(\.smallestCell) == [41, nil])
    #expect(try await store.disclosures().count == 2)
    #expect(try await store.disclosures(study: "s2").isEmpty)
    let last = try #require(try await store.audit.latestEntries(limit: 2).first)
    #expect(last.note.action == "disclosed-site-answer")
    #expect(last.note.detail == "AUROC on the holdout: 3 values, 24 bytes, smallest cell 41")
  }

  @Test func settingsAreSetReplacedAndRemoved() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    #expect(try await store.setting("a") == nil)
    try await store.set("a", to: "1")
    try await store.set("a", to: "2")
    #expect(try await store.setting("a") == "2")
    try await store.set("a", to: nil)
    #expect(try await store.setting("a") == nil)
  }
}
