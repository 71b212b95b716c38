import Foundation
import GRDB
import Testing

@testable import Store

@Suite struct FailureTests {
  private func failure(
    of body: () async throws -> Void
  ) async -> StoreError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? StoreError
    }
  }

  @Test func fullDiskLeavesTheStateBeforeAndRecovers() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try store.appendJournal(
      JournalBatch(items: [JournalItem(.opened, round: 1, record: [1])]), study: "s1")
    let journal = try await store.journal(study: "s1")
    let head = try await store.audit.head()
    let pages = try await store.database.limitPages(1)
    #expect(pages > 10, "SQLite keeps the limit at the present size")
    let batch = JournalBatch(
      items: [JournalItem(.committed, round: 1, record: .init(repeating: 5, count: 200_000))],
      vector: JournalVector(round: 1, digest: .init(repeating: 5, count: 32), bytes: [5]))
    let error = await failure { try store.appendJournal(batch, study: "s1") }
    #expect(error?.code == .diskFull)
    #expect(error?.file == store.path && error?.operation == "append to journal")
    #expect(error?.description.contains("Free space") == true)
    #expect(error?.description.contains("SQLite code 13") == true)
    #expect(try await store.journal(study: "s1") == journal)
    #expect(try await store.audit.head() == head)
    _ = try await store.database.limitPages(1_000_000)
    #expect(try store.appendJournal(batch, study: "s1") == .appended)
    try await store.checkIntegrity()
  }

  @Test func missingFolderAndFolderInPlaceOfAFile() throws {
    let fixture = try StoreFixture()
    #expect(throws: StoreError(.cannotOpen)) { try fixture.site("missing/site.sqlite") }
    #expect(throws: StoreError(.cannotOpen)) {
      try SiteStore(path: fixture.folder) { 0 }
    }
  }

  @Test func foreignFilesAreRefused() async throws {
    let fixture = try StoreFixture()
    try Data(repeating: 65, count: 5000).write(to: URL(fileURLWithPath: fixture.path("text")))
    #expect(throws: StoreError(.notAStore)) { try fixture.site("text") }
    try fixture.tamper("other.sqlite", "CREATE TABLE t (a)")
    #expect(throws: StoreError(.notAStore)) { try fixture.site("other.sqlite") }
    _ = try fixture.aggregator("role.sqlite")
    #expect(throws: StoreError(.notAStore)) { try fixture.site("role.sqlite") }
  }

  @Test func fileFromANewerVersionIsRefused() async throws {
    let fixture = try StoreFixture()
    try fixture.site().close()
    try fixture.tamper("site.sqlite", "INSERT INTO grdb_migrations VALUES ('99 future')")
    #expect(throws: StoreError(.newerVersion)) { try fixture.site() }
  }

  @Test func lockedDatabaseIsNamedAfterTheTimeout() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site(busySeconds: 0.05)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: store.path, configuration: configuration)
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE") }
    let error = await failure { try await store.set("a", to: "b") }
    #expect(error?.code == .locked)
    try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try await store.set("a", to: "b")
    #expect(try await store.setting("a") == "b")
  }

  @Test func readOnlyFileIsNamed() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    try await store.database.outsideTransaction("test") {
      try $0.execute(sql: "PRAGMA query_only = ON")
    }
    let error = await failure { try await store.set("a", to: "b") }
    #expect(error?.code == .readOnly)
  }

  @Test func closedStoreFailsAndDoesNotTrap() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    try store.close()
    #expect(await failure { try await store.set("a", to: "b") } != nil)
    #expect(await failure { _ = try await store.setting("a") } != nil)
  }

  /// Seed 1: bytes of the file are overwritten at random; reading throws or succeeds, never traps.
  @Test func damagedFileThrowsAndNeverTraps() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    for index in Int64(0)..<20 { try await store.appendTranscript(transcriptEntry(index)) }
    try await store.scrub()
    try store.close()
    let good = try Data(contentsOf: URL(fileURLWithPath: store.path))
    var generator = SplitMix(state: 1)
    var found = 0
    for trial in 0..<max(60, Self.trialCount / 4) {
      var bytes = good
      for _ in 0..<8 {
        let position = Int(generator.next() % UInt64(bytes.count - 100)) + 100
        bytes[position] = UInt8(truncatingIfNeeded: generator.next())
      }
      let name = "damaged\(trial).sqlite"
      try bytes.write(to: URL(fileURLWithPath: fixture.path(name)))
      let error = await failure {
        let damaged = try fixture.site(name)
        _ = try await damaged.studies()
        let verdict = try await damaged.audit.verify()
        let fault = try await damaged.verifyTranscript(study: "s1")
        if !verdict.isWhole || fault != nil { throw StoreError(.corrupted) }
        try await damaged.checkIntegrity()
        try damaged.close()
      }
      if error != nil { found += 1 }
    }
    #expect(found > 20, "seed 1: most damage of live pages shows")
  }

  /// Seed 2: whatever single byte of the file is changed, what still verifies is what was written.
  @Test func whatVerifiesAfterOneChangedByteIsWhatWasWritten() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    for index in Int64(0)..<6 { try await store.appendTranscript(transcriptEntry(index)) }
    let entries = try await store.audit.entries()
    let transcript = try await store.transcript(study: "s1")
    try await store.scrub()
    try store.close()
    let good = try Data(contentsOf: URL(fileURLWithPath: store.path))
    var generator = SplitMix(state: 2)
    var harmless = 0
    for trial in 0..<Self.trialCount {
      var bytes = good
      let position = Int(generator.next() % UInt64(bytes.count))
      bytes[position] ^= UInt8(1 + generator.next() % 255)
      let name = "changed.sqlite"
      for suffix in ["", "-wal", "-shm"] { unlink(fixture.path(name + suffix)) }
      try bytes.write(to: URL(fileURLWithPath: fixture.path(name)))
      let error = await failure {
        let changed = try fixture.site(name)
        let verdict = try await changed.audit.verify()
        if verdict.isWhole {
          #expect(try await changed.audit.entries() == entries, "trial \(trial), at \(position)")
        }
        if try await changed.verifyTranscript(study: "s1") == nil {
          let found = try await changed.transcript(study: "s1")
          #expect(found == transcript || found.isEmpty, "trial \(trial), at \(position)")
          if verdict.isWhole { harmless += 1 }
        }
        try changed.close()
      }
      if let error { #expect(error.code != .other, "trial \(trial): \(error)") }
    }
    #expect(harmless > 0, "seed 2: most of a small file is free space")
  }

  /// WARDROUND_TRIALS widens the search outside the suite.
  private static var trialCount: Int {
    ProcessInfo.processInfo.environment["WARDROUND_TRIALS"].flatMap(Int.init) ?? 100
  }

  @Test func wrongTypeInAColumnIsCorruptionAndNotATrap() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try fixture.tamper("site.sqlite", "UPDATE study SET status = 'dreaming'")
    #expect(await failure { _ = try await store.study("s1") }?.code == .corrupted)
  }

  @Test func fileIsReadableByItsOwnerOnly() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await store.backUp(to: fixture.path("backup.sqlite"))
    for name in ["site.sqlite", "site.sqlite-wal", "backup.sqlite"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path(name))
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
  }

  @Test func roleLockIsHeldByOneAndFreedWithIt() throws {
    let fixture = try StoreFixture()
    let path = fixture.path("site.sqlite")
    var first: RoleLock? = try RoleLock(storePath: path)
    #expect(throws: StoreError(.locked)) { try RoleLock(storePath: path) }
    #expect(first != nil)
    first = nil
    _ = try RoleLock(storePath: path)
    #expect(throws: StoreError(.cannotOpen)) {
      try RoleLock(storePath: fixture.path("missing/site.sqlite"))
    }
  }

  @Test func errorsExplainThemselves() {
    for code in StoreError.Code.allCases {
      #expect(!code.sentence.isEmpty)
      #expect(StoreError(code, file: "f", operation: "o").description.contains("file: f"))
    }
  }
}

/// SplitMix64, for reproducible damage.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
