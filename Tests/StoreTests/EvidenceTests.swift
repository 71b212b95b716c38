import Foundation
import Store
import Testing

/// Evidence and commitments at both roles: kept through restarts, in the audit log, bounded.
@Suite struct EvidenceTests {
  private func piece(_ number: Int, study: String = "s1") -> StoredEvidence {
    StoredEvidence(
      study: study, round: UInt64(number), fault: "second-statement",
      summary: "The aggregator signed two versions", proves: true,
      content: Array("content \(number)".utf8))
  }

  @Test func evidenceSurvivesAndIsAudited() async throws {
    let fixture = try StoreFixture()
    let site = try await fixture.siteWithStudy()
    #expect(try await site.keep(piece(1)))
    #expect(try await !site.keep(piece(1)))
    #expect(try await site.keep(piece(2)))
    try site.close()
    let again = try fixture.site()
    let all = try await again.evidence(study: "s1")
    #expect(all.map(\.round) == [1, 2])
    #expect(all.map(\.content) == [piece(1).content, piece(2).content])
    #expect(all.map(\.proves) == [true, true])
    #expect(try await again.evidence(study: "other").isEmpty)
    let lines = try await again.audit.latestEntries(limit: 100)
      .filter { $0.note.action == "evidence-kept" }
    #expect(lines.count == 2)
    #expect(try await again.audit.verify().fault == nil)
    let aggregator = try await fixture.aggregatorWithStudy()
    #expect(try await aggregator.keep(piece(3)))
    #expect(try await aggregator.evidence().map(\.round) == [3])
  }

  @Test func aPeerThatMisbehavesForEverFillsNoDisk() async throws {
    let fixture = try StoreFixture()
    let site = try await fixture.siteWithStudy()
    var kept = 0
    for number in 0..<300 where try await site.keep(piece(number)) { kept += 1 }
    #expect(kept == 256)
    #expect(try await site.evidence().first?.round == 0)
  }

  @Test func answersOfAStudyComeFromOneCohort() async throws {
    let fixture = try StoreFixture()
    let site = try await fixture.siteWithStudy()
    func record(query: UInt8, data: UInt8, commitment: UInt8 = 9) async throws {
      try await site.recordDisclosure(
        Disclosure(study: "s1", kind: .sumAnswer, query: "q", valueCount: 1, byteCount: 8),
        commitment: AnswerCommitment(
          study: "s1", query: [query], kind: "profile", index: UInt32(query),
          fingerprint: [data], nonce: [1], digest: [commitment], signature: [2]))
    }
    try await record(query: 1, data: 7)
    try await record(query: 1, data: 7, commitment: 10)
    try await record(query: 2, data: 7)
    await #expect(throws: StoreError(.dataChanged)) { try await record(query: 1, data: 8) }
    await #expect(throws: StoreError(.dataChanged)) { try await record(query: 3, data: 8) }
    let commitments = try await site.commitments(study: "s1")
    #expect(commitments.map(\.digest) == [[9], [9]])
    #expect(try await site.disclosures().count == 3)
    // Site answers are answers too.
    func table(data: UInt8) async throws {
      try await site.recordDisclosure(
        Disclosure(study: "s1", kind: .siteAnswer, query: "t", valueCount: 1, byteCount: 8),
        from: [data])
    }
    try await table(data: 7)
    await #expect(throws: StoreError(.dataChanged)) { try await table(data: 8) }
    #expect(try await site.disclosures().count == 4)
    let lines = try await site.audit.latestEntries(limit: 100)
    #expect(lines.count { $0.note.action == "committed" } == 2)
  }
}
