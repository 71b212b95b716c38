import Testing

@testable import Store

@Suite struct AggregatorStoreTests {
  private let token = [UInt8](repeating: 3, count: 32)

  private func invite(_ store: AggregatorStore, _ fixture: StoreFixture) async throws {
    try await store.addInvitation(
      Invitation(
        tokenHash: token, principal: "north", role: "site", legalEntity: "North Hospital",
        expiresAt: fixture.clock.now + 100), by: "operator")
  }

  private var north: SiteRecord {
    SiteRecord(name: "north", legalEntity: "North Hospital", signingKey: [1, 2])
  }

  @Test func invitationIsUsedOnceUnderConcurrency() async throws {
    let fixture = try StoreFixture()
    let first = try fixture.aggregator()
    let second = try fixture.aggregator()
    try await invite(first, fixture)
    let north = north
    let token = token
    let accepted = try await withThrowingTaskGroup(of: UInt8?.self) { group in
      for task in UInt8(0)..<8 {
        let store = task.isMultiple(of: 2) ? first : second
        let certificate = fixture.certificate("c\(task)", of: "north", key: [task])
        group.addTask {
          do {
            let outcome = try await store.useInvitation(
              token, certificate: certificate, site: north)
            return outcome == .accepted ? task : nil
          } catch {
            guard (error as? StoreError)?.code == .invitationUsed else { throw error }
            return nil
          }
        }
      }
      return try await group.reduce(into: [UInt8]()) { if let task = $1 { $0.append(task) } }
    }
    #expect(accepted.count == 1)
    let winner = try #require(accepted.first)
    #expect(try await first.certificates().map(\.serial) == ["c\(winner)"])
    #expect(try await first.sites().map(\.name) == ["north"])
    #expect(try await first.invitation(token)?.usedAt == fixture.clock.now)
  }

  @Test func sameKeyGetsTheSameCertificateAgain() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.aggregator()
    try await invite(store, fixture)
    let certificate = fixture.certificate("c1", of: "north", key: [1])
    #expect(
      try await store.useInvitation(token, certificate: certificate, site: north) == .accepted)
    let again = fixture.certificate("c2", of: "north", key: [1])
    #expect(
      try await store.useInvitation(token, certificate: again, site: north)
        == .acceptedBefore(certificate))
    #expect(try await store.certificate(serial: "c2") == nil)
    try await store.revoke(principal: "north", by: "operator", reason: "test")
    await #expect(throws: StoreError(.invitationExpired)) {
      try await store.useInvitation(token, certificate: again, site: north)
    }
  }

  @Test func expiredForeignAndUnknownInvitationsAreRefused() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.aggregator()
    try await invite(store, fixture)
    let certificate = fixture.certificate("c1", of: "north")
    await #expect(throws: StoreError(.notFound)) {
      try await store.useInvitation([1], certificate: certificate)
    }
    await #expect(throws: StoreError(.invalidValue)) {
      try await store.useInvitation(token, certificate: fixture.certificate("c1", of: "south"))
    }
    fixture.clock.advance(by: 100)
    await #expect(throws: StoreError(.invitationExpired)) {
      try await store.useInvitation(token, certificate: certificate, site: north)
    }
    #expect(try await store.sites().isEmpty)
    #expect(try await store.certificates().isEmpty)
    await #expect(throws: StoreError(.conflict)) { try await invite(store, fixture) }
  }

  @Test func revocationTakesAllCertificatesAndOpenInvitations() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.aggregatorWithStudy()
    try await store.recordRenewal(fixture.certificate("n2", of: "north"), of: "serial-north")
    try await invite(store, fixture)
    let revoked = try await store.revoke(principal: "north", by: "operator", reason: "left")
    #expect(revoked == ["n2", "serial-north"])
    #expect(try await store.revokedSerials() == ["n2", "serial-north"])
    #expect(try await store.isRevoked(serial: "n2"))
    #expect(try await !store.isRevoked(serial: "serial-south"))
    #expect(try await store.site("north")?.revokedAt == fixture.clock.now)
    #expect(try await store.revoke(principal: "north", by: "operator", reason: "again").isEmpty)
    #expect(try await store.revocations().map(\.reason) == ["left", "left"])
    await #expect(throws: StoreError(.revoked)) {
      try await store.recordRenewal(fixture.certificate("n3", of: "north"), of: "n2")
    }
    await #expect(throws: StoreError(.invitationExpired)) {
      try await store.useInvitation(token, certificate: fixture.certificate("n4", of: "north"))
    }
    await #expect(throws: StoreError(.notFound)) {
      try await store.revoke(principal: "nobody", by: "operator", reason: "")
    }
    try await fixture.join("north", serial: "n5", in: store)
    #expect(try await store.site("north")?.revokedAt == nil, "invited anew")
    #expect(try await !store.isRevoked(serial: "n5"))
  }

  @Test func renewalKeepsNameAndRole() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.aggregatorWithStudy()
    await #expect(throws: StoreError(.invalidValue)) {
      try await store.recordRenewal(fixture.certificate("x", of: "south"), of: "serial-north")
    }
    await #expect(throws: StoreError(.notFound)) {
      try await store.recordRenewal(fixture.certificate("x", of: "north"), of: "unknown")
    }
    await #expect(throws: StoreError(.conflict)) {
      try await store.recordRenewal(
        fixture.certificate("serial-south", of: "north"), of: "serial-north")
    }
  }

  @Test func anotherProcessIsNoticed() async throws {
    let fixture = try StoreFixture()
    let server = try await fixture.aggregatorWithStudy()
    let before = try await server.dataVersion()
    try await server.markSeen("north")
    #expect(try await server.dataVersion() == before, "its own writes do not count")
    let commandLine = try fixture.aggregator()
    try await commandLine.revoke(principal: "south", by: "operator", reason: "left")
    #expect(try await server.dataVersion() != before)
    #expect(try await server.revokedSerials() == ["serial-south"])
  }

  @Test func studyIsProposedApprovedAndRun() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.aggregatorWithStudy()
    await #expect(throws: StoreError(.conflict)) {
      try await store.propose(
        id: "s1", name: "Sepsis", yaml: "other", planDigest: [1, 2, 3], proposer: "ada")
    }
    let yes = Approval(study: "s1", site: "north", approved: true, signedDecision: [1])
    try await store.recordApproval(yes)
    try await store.recordApproval(yes)
    try await store.recordApproval(
      Approval(study: "s1", site: "south", approved: true, signedDecision: [2]))
    try await store.recordApproval(
      Approval(study: "s1", site: "south", approved: false, signedDecision: [3]))
    await #expect(throws: StoreError(.notFound)) {
      try await store.recordApproval(
        Approval(study: "s2", site: "north", approved: true, signedDecision: []))
    }
    let approvals = try await store.approvals(study: "s1")
    #expect(approvals.map(\.site) == ["north", "south"])
    #expect(approvals.map(\.approved) == [true, false])
    try await store.storeManifest([8], study: "s1")
    try await store.setStatus("s1", to: .running)
    let started = fixture.clock.now
    fixture.clock.advance(by: 5)
    try await store.setStatus("s1", to: .failed, error: "north missed the deadline")
    var study = try #require(try await store.study("s1"))
    #expect(study.status == .failed && study.error == "north missed the deadline")
    #expect(study.startedAt == started && study.finishedAt == started + 5)
    try await store.setStatus("s1", to: .running)
    study = try #require(try await store.study("s1"))
    #expect(study.startedAt == started && study.finishedAt == nil && study.error == nil)
    #expect(study.manifest == [8])
    await #expect(throws: StoreError(.transitionRefused)) {
      try await store.setStatus("s1", to: .proposed)
    }
    let actions = try await store.audit.entries().map(\.note.action)
    #expect(actions.filter { $0 == "study-approved" }.count == 2)
    #expect(try await store.audit.verify().isWhole)
  }

  @Test func epochsAndRoundsOnlyGoForward() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.aggregatorWithStudy()
    let start = try await store.sumProgress(study: "s1")
    #expect(start.epoch == nil && start.highestRound == 0 && start.proofs.isEmpty)
    try store.recordOpened(round: 1, study: "s1")
    #expect(try await store.sumProgress(study: "s1").epoch == nil)
    try await store.recordEpoch(3, study: "s1")
    for epoch in UInt32(2)...3 {
      await #expect(throws: StoreError(.outOfOrder)) {
        try await store.recordEpoch(epoch, study: "s1")
      }
    }
    try store.recordOpened(round: 9, study: "s1")
    for round in [UInt64(0), 1, 9] {
      #expect(throws: StoreError(.outOfOrder)) {
        try store.recordOpened(round: round, study: "s1")
      }
    }
    #expect(throws: StoreError(.invalidValue)) {
      try store.recordOpened(round: UInt64.max, study: "s1")
    }
    await #expect(throws: StoreError(.notFound)) {
      try await store.recordEpoch(9, study: "none")
    }
    try await store.recordEpoch(4, study: "s1")
    let again = try await fixture.aggregator().sumProgress(study: "s1")
    #expect(again.epoch == 4 && again.highestRound == 9)
  }

  @Test func resultAndProofArePublishedTogether() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.aggregatorWithStudy()
    func proof(_ round: UInt64) -> AggregatorStore.SumProof {
      .init(epoch: 1, round: round, roundOpenBody: [1, UInt8(round)], resultBody: [2])
    }
    func publish(
      _ entry: TranscriptEntry, proof: AggregatorStore.SumProof?, sum: [UInt8]?,
      in store: AggregatorStore
    ) throws -> AppendOutcome {
      guard let sum else { return try store.publish(entry, proof: proof, sum: nil) }
      return try sum.withUnsafeBytes { try store.publish(entry, proof: proof, sum: $0) }
    }
    #expect(
      try publish(transcriptEntry(0), proof: proof(4), sum: [4, 4], in: store) == .appended)
    #expect(
      try publish(transcriptEntry(0), proof: proof(4), sum: [4, 4], in: store) == .alreadyThere)
    #expect(try publish(transcriptEntry(1), proof: nil, sum: nil, in: store) == .appended)
    #expect(throws: StoreError(.conflict), "one proof per round") {
      try publish(transcriptEntry(2), proof: proof(4), sum: [5], in: store)
    }
    #expect(try await store.transcriptCount(study: "s1") == 2, "all or nothing")
    #expect(throws: StoreError(.outOfOrder)) {
      try publish(transcriptEntry(3), proof: proof(5), sum: [5], in: store)
    }
    // Longer than one piece of the store.
    let long = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    _ = try publish(transcriptEntry(2), proof: proof(6), sum: long, in: store)
    let again = try fixture.aggregator()
    #expect(try await again.sumProgress(study: "s1").proofs == [proof(4), proof(6)])
    #expect(try await again.sums(study: "s1", rounds: [6, 4]) == long + [4, 4])
    await #expect(throws: StoreError(.notFound)) {
      try await again.sums(study: "s1", rounds: [4, 5])
    }
    #expect(try await again.verifyTranscript(study: "s1") == nil)
  }

  /// A result can open the next round in the same step; nobody else then opens it or one before.
  @Test func aResultOpensTheNextRound() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.aggregatorWithStudy()
    func publish(_ index: Int64, round: UInt64, opening next: UInt64) throws {
      _ = try [UInt8(1)].withUnsafeBytes {
        try store.publish(
          transcriptEntry(index),
          proof: .init(epoch: 1, round: round, roundOpenBody: [1], resultBody: [2]), sum: $0,
          opening: next)
      }
    }
    try store.recordOpened(round: 1, study: "s1")
    try publish(0, round: 1, opening: 2)
    let other = try fixture.aggregator()
    #expect(try await other.sumProgress(study: "s1").highestRound == 2)
    for round in UInt64(1)...2 {
      #expect(throws: StoreError(.outOfOrder)) {
        try other.recordOpened(round: round, study: "s1")
      }
    }
    try other.recordOpened(round: 5, study: "s1")
    #expect(throws: StoreError(.outOfOrder), "the other process is further") {
      try publish(1, round: 2, opening: 3)
    }
    #expect(try await other.transcriptCount(study: "s1") == 1, "all or nothing")
    try publish(1, round: 5, opening: 6)
    #expect(try await other.sumProgress(study: "s1").highestRound == 6)
  }

  @Test func progressAndArtefacts() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.aggregatorWithStudy()
    let first = try await store.recordProgress(
      ProgressEvent(study: "s1", stage: "fit", fraction: 0.5, text: "step 3"))
    try await store.recordProgress(ProgressEvent(study: "s1", stage: "fit", text: "step 4"))
    #expect(try await store.progress(study: "s1").map(\.text) == ["step 3", "step 4"])
    #expect(try await store.progress(study: "s1", after: first).map(\.fraction) == [nil])
    await #expect(throws: StoreError(.notFound)) {
      try await store.recordProgress(ProgressEvent(study: "none", stage: "fit", text: ""))
    }
    let report = Artefact(
      study: "s1", name: "report.html", mediaType: "text/html", content: .file(path: "a/b.html"),
      digest: [1], recordedAt: fixture.clock.now)
    let model = Artefact(
      study: "s1", name: "model.json", mediaType: "application/json", content: .bytes([1, 2]),
      digest: [2], recordedAt: fixture.clock.now)
    try await store.storeArtefact(report)
    try await store.storeArtefact(model)
    try await store.storeArtefact(report)
    #expect(try await store.artefacts(study: "s1") == [model, report])
    #expect(try await store.artefact(study: "s1", name: "model.json") == model)
    #expect(try await store.artefact(study: "s1", name: "none") == nil)
  }
}
