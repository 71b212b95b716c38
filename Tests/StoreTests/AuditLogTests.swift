import GRDB
import Testing

@testable import Store

@Suite struct AuditLogTests {
  private func filled(_ fixture: StoreFixture, count: Int = 6) async throws -> SiteStore {
    let store = try fixture.site()
    for index in 1...count {
      fixture.clock.advance(by: 1.5)
      try await store.audit.append(
        AuditNote(actor: "agent", action: "act", study: "s\(index)", detail: "detail \(index)"))
    }
    return store
  }

  @Test func appendedEntriesVerifyAndReadBack() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    let verdict = try await store.audit.verify()
    #expect(verdict.isWhole)
    #expect(verdict.goodEntryCount == 6)
    let entries = try await store.audit.entries()
    #expect(entries.map(\.sequence) == [1, 2, 3, 4, 5, 6])
    #expect(entries[0].previousHash == AuditEntry.origin)
    #expect(entries[3].previousHash == entries[2].hash)
    #expect(entries[2].note.detail == "detail 3")
    #expect(entries[0].time == 1_763_000_001.75)
    #expect(try await store.audit.latestEntries(limit: 2).map(\.sequence) == [5, 6])
  }

  @Test func emptyLogIsWhole() async throws {
    let fixture = try StoreFixture()
    let verdict = try await fixture.site().audit.verify()
    #expect(verdict.isWhole && verdict.goodEntryCount == 0)
  }

  @Test func storeItselfRefusesToChangeEntries() async throws {
    let fixture = try StoreFixture()
    _ = try await filled(fixture)
    #expect(throws: DatabaseError.self) {
      try fixture.tamper("site.sqlite", "UPDATE audit SET detail = 'x'")
    }
    #expect(throws: DatabaseError.self) { try fixture.tamper("site.sqlite", "DELETE FROM audit") }
  }

  /// Every field of every entry: one changed character or byte is found, at that entry.
  @Test(arguments: 1...4)
  func anyChangedFieldIsFound(sequence: Int) async throws {
    let changes = [
      "time = time + 0.000001", "actor = 'agenu'", "action = 'acu'", "study = study || ' '",
      "detail = 'D' || substr(detail, 2)",
      "previous_hash = substr(previous_hash, 1, 31) || CASE WHEN substr(previous_hash, 32) = x'00'"
        + " THEN x'01' ELSE x'00' END",
      "hash = CASE WHEN substr(hash, 1, 1) = x'00' THEN x'01' ELSE x'00' END || substr(hash, 2)",
    ]
    for change in changes {
      let fixture = try StoreFixture()
      let store = try await filled(fixture, count: 4)
      try fixture.tamper(
        "site.sqlite",
        "DROP TRIGGER audit_is_not_updated;"
          + "UPDATE audit SET \(change.blobCast) WHERE sequence = \(sequence)")
      let verdict = try await store.audit.verify()
      #expect(verdict.fault == AuditFault(.changed, at: Int64(sequence)), "\(change)")
      #expect(verdict.goodEntryCount == Int64(sequence - 1))
    }
  }

  @Test func removedEntryIsFound() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    try fixture.tamper(
      "site.sqlite", "DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE sequence = 3")
    #expect(try await store.audit.verify().fault == AuditFault(.removed, at: 3))
  }

  @Test func swappedEntriesAreFound() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    try fixture.tamper(
      "site.sqlite",
      """
      DROP TRIGGER audit_is_not_updated;
      UPDATE audit SET sequence = -1 WHERE sequence = 2;
      UPDATE audit SET sequence = 2 WHERE sequence = 3;
      UPDATE audit SET sequence = 3 WHERE sequence = -1;
      """)
    #expect(try await store.audit.verify().fault == AuditFault(.changed, at: 2))
  }

  @Test func entryRewrittenWithARightHashIsUnlinkedFromTheNext() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    var entry = try #require(try await store.audit.entries(from: 2, limit: 1).first)
    entry.note.detail = "never happened"
    let hash = entry.expectedHash.map { String($0, radix: 16).leftPadded }.joined()
    try fixture.tamper(
      "site.sqlite",
      """
      DROP TRIGGER audit_is_not_updated;
      UPDATE audit SET detail = 'never happened', hash = x'\(hash)' WHERE sequence = 2;
      """)
    #expect(try await store.audit.verify().fault == AuditFault(.unlinked, at: 3))
  }

  @Test func cutTailIsFoundByTheHead() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    try fixture.tamper(
      "site.sqlite", "DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE sequence > 4")
    #expect(try await store.audit.verify().fault == AuditFault(.truncated, at: 5))
  }

  @Test func cutTailWithARewrittenHeadIsFoundByAnAnchor() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    let anchor = try await store.audit.anchor { Array($0.reversed()) }
    try fixture.tamper(
      "site.sqlite",
      """
      DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE sequence > 4;
      UPDATE audit_head SET entry_count = 4,
        hash = (SELECT hash FROM audit WHERE sequence = 4);
      """)
    #expect(try await store.audit.verify().isWhole, "what the head alone cannot see")
    let verdict = try await store.audit.verify(anchors: [anchor]) {
      $0 == Array($1.reversed())
    }
    #expect(verdict.fault == AuditFault(.truncated, at: 5))
  }

  @Test func forgedAnchorIsNamed() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    var anchor = try await store.audit.anchor { Array($0.reversed()) }
    anchor.entryCount = 5
    let verdict = try await store.audit.verify(anchors: [anchor]) {
      $0 == Array($1.reversed())
    }
    #expect(verdict.fault?.kind == .anchorForged)
  }

  @Test func rewrittenChainContradictsAnAnchor() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    let anchor = try await store.audit.anchor { $0 }
    let other = try StoreFixture()
    let forged = try other.site()
    for index in 1...8 { try await forged.audit.append(AuditNote(actor: "x", action: "y\(index)")) }
    let verdict = try await forged.audit.verify(anchors: [anchor])
    #expect(verdict.fault == AuditFault(.anchorContradicted, at: 6))
    #expect(try await store.audit.verify(anchors: [anchor]).unanchoredEntryCount == 0)
    try await store.audit.append(AuditNote(actor: "agent", action: "more"))
    #expect(try await store.audit.verify(anchors: [anchor]).unanchoredEntryCount == 1)
  }

  @Test func anchorFileRoundTripsAndRefusesDamage() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    let anchor = try await store.audit.anchor { $0 }
    let path = fixture.path("audit.anchor")
    #expect(try AuditAnchorFile.read(from: path) == nil)
    try AuditAnchorFile.write(anchor, to: path)
    try AuditAnchorFile.write(anchor, to: path)
    #expect(try AuditAnchorFile.read(from: path) == anchor)
    let bytes = anchor.canonicalBytes
    for length in 0..<bytes.count {
      #expect(throws: StoreError(.corrupted)) {
        try AuditAnchor(canonicalBytes: Array(bytes.prefix(length)))
      }
    }
  }

  @Test func exportVerifiesWithoutTheDatabase() async throws {
    let fixture = try StoreFixture()
    let store = try await filled(fixture)
    try await store.audit.append(
      AuditNote(actor: "Zoë \"Z\"", action: "a", detail: "line\nbreak / é 🏥"))
    let text = try await store.audit.jsonLines()
    #expect(text.split(separator: "\n").count == 7)
    #expect(AuditLog.verify(jsonLines: text).isWhole)
    #expect(AuditLog.verify(jsonLines: text).goodEntryCount == 7)
    let changed = text.replacing("detail 4", with: "detail 5")
    #expect(AuditLog.verify(jsonLines: changed).fault == AuditFault(.changed, at: 4))
    let cut = text.split(separator: "\n").dropLast(2).joined(separator: "\n")
    let anchor = try await store.audit.anchor { $0 }
    #expect(
      AuditLog.verify(jsonLines: cut, anchors: [anchor]).fault == AuditFault(.truncated, at: 6))
    #expect(AuditLog.verify(jsonLines: "{}").fault == AuditFault(.unreadable, at: 1))
  }

  @Test func fieldsThatAreTooLongAreRefused() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    await #expect(throws: StoreError(.invalidValue)) {
      try await store.audit.append(
        AuditNote(actor: "a", action: "b", detail: String(repeating: "x", count: 16_385)))
    }
    await #expect(throws: StoreError(.invalidValue)) {
      try await store.audit.append(AuditNote(actor: "a", action: ""))
    }
    #expect(try await store.audit.head().count == 0)
  }

  @Test func concurrentAppendsFormOneChain() async throws {
    let fixture = try StoreFixture()
    let first = try fixture.site()
    let second = try fixture.site()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        let store = task.isMultiple(of: 2) ? first : second
        group.addTask {
          for index in 0..<5 {
            try await store.audit.append(AuditNote(actor: "task \(task)", action: "a\(index)"))
          }
        }
      }
      try await group.waitForAll()
    }
    let verdict = try await first.audit.verify()
    #expect(verdict.isWhole && verdict.goodEntryCount == 40)
  }
}

extension String {
  /// Two hexadecimal digits.
  fileprivate var leftPadded: String { count == 1 ? "0" + self : self }

  /// `hash = a || b` gives text in SQLite: the cast keeps the column a blob.
  fileprivate var blobCast: String {
    guard hasPrefix("hash") || hasPrefix("previous_hash"), let equals = firstIndex(of: "=") else {
      return self
    }
    let value = self[index(after: equals)...]
    return self[...equals] + " CAST(\(value) AS BLOB)"
  }
}
