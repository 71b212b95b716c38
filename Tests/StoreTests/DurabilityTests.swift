import Foundation
import GRDB
import Testing

@testable import Store

@Suite struct DurabilityTests {
  /// A crash after any write leaves exactly the writes that had returned.
  @Test func everyReturnedWriteSurvivesACrash() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    for index in Int64(0)..<12 {
      try await store.appendTranscript(
        transcriptEntry(index), durability: index.isMultiple(of: 2) ? .full : .relaxed)
      let copy = "crash\(index).sqlite"
      try fixture.crashCopy(of: "site.sqlite", as: copy)
      let crashed = try fixture.site(copy)
      #expect(try await crashed.transcriptCount(study: "s1") == index + 1)
      #expect(try await crashed.verifyTranscript(study: "s1") == nil)
      #expect(try await crashed.audit.verify().isWhole)
      try crashed.close()
    }
  }

  /// A log cut off at any point (a torn write) opens at some earlier whole state.
  @Test func tornWriteAheadLogOpensAtAnEarlierWholeState() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    try await store.scrub()
    for index in Int64(0)..<10 { try await store.appendTranscript(transcriptEntry(index)) }
    let log = try Data(contentsOf: URL(fileURLWithPath: fixture.path("site.sqlite-wal")))
    var counts: [Int64] = []
    for step in 0...10 {
      let name = "torn\(step).sqlite"
      try FileManager.default.copyItem(
        atPath: fixture.path("site.sqlite"), toPath: fixture.path(name))
      try log.prefix(log.count * step / 10).write(
        to: URL(fileURLWithPath: fixture.path(name + "-wal")))
      let torn = try fixture.site(name)
      #expect(try await torn.verifyTranscript(study: "s1") == nil)
      counts.append(try await torn.transcriptCount(study: "s1"))
      try torn.close()
    }
    #expect(counts == counts.sorted() && counts.first == 0 && counts.last == 10)
  }

  @Test func journalWritesAreSyncedAndProgressIsNot() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    func level() async throws -> Int? {
      try await store.database.outsideTransaction("test") {
        try synchronousLevel($0)
      }
    }
    try await store.set("a", to: "1")
    #expect(try await level() == 2, "FULL")
    try await store.database.write("test", durability: .relaxed) { _ in }
    #expect(try await level() == 1, "NORMAL")
    try await store.set("a", to: "2")
    #expect(try await level() == 2)
    let mode = try await store.database.outsideTransaction("test") {
      try String.fetchOne($0, sql: "PRAGMA journal_mode")
    }
    #expect(mode == "wal")
  }

  @Test func cancelledTaskStillWritesWhole() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await store.set("a", to: "whole")
    }
    try await task.value
    #expect(try await store.setting("a") == "whole")
  }

  @Test func backupIsOfOneMomentAndReplacesTheOlder() async throws {
    let fixture = try StoreFixture()
    let store = try await fixture.siteWithStudy()
    let path = fixture.path("backup.sqlite")
    try await store.backUp(to: path)
    try await store.appendTranscript(transcriptEntry(0))
    try await store.backUp(to: path)
    try await store.appendTranscript(transcriptEntry(1))
    let restored = try fixture.site("backup.sqlite")
    #expect(try await restored.transcriptCount(study: "s1") == 1)
    try await restored.checkIntegrity()
    #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    await #expect(throws: StoreError(.invalidValue)) { try await store.backUp(to: store.path) }
    await #expect(throws: StoreError(.cannotOpen)) {
      try await store.backUp(to: fixture.path("missing/backup.sqlite"))
    }
  }

  /// A file made by the first released schema alone opens under every later one, with its rows.
  @Test func filesOfTheFirstVersionMigrate() async throws {
    let fixture = try StoreFixture()
    let released = try #require(SiteStore.schema.migrations.first)
    #expect(released.name == "1 site")
    let old = StoreSchema(applicationID: SiteStore.schema.applicationID, migrations: [released])
    let path = fixture.path("site.sqlite")
    let database = try StoreDatabase(path: path, schema: old, busySeconds: 1) { 0 }
    try await database.write("test") {
      try $0.execute(sql: "INSERT INTO setting VALUES ('kept', 'yes')")
    }
    try database.close()
    let next = StoreSchema(
      applicationID: old.applicationID,
      migrations: SiteStore.schema.migrations + [
        .init(name: "999 test", sql: "ALTER TABLE setting ADD COLUMN note TEXT")
      ])
    try StoreDatabase(path: path, schema: next, busySeconds: 1) { 0 }.close()
    #expect(try fixture.value("site.sqlite", "SELECT value FROM setting") == "yes")
    #expect(
      try fixture.value(
        "site.sqlite", "SELECT name FROM pragma_table_info('setting') WHERE name = 'note'")
        == "note")
    #expect(throws: StoreError(.newerVersion)) { try fixture.site() }
  }

  @Test func failedMigrationLeavesTheOldSchema() async throws {
    let fixture = try StoreFixture()
    let store = try fixture.site()
    try await store.set("kept", to: "yes")
    try store.close()
    let broken = StoreSchema(
      applicationID: SiteStore.schema.applicationID,
      migrations: SiteStore.schema.migrations + [
        .init(name: "999 broken", sql: "DELETE FROM setting; CREATE NONSENSE")
      ])
    #expect(throws: StoreError.self) {
      try StoreDatabase(path: store.path, schema: broken, busySeconds: 1) { 0 }
    }
    #expect(try await fixture.site().setting("kept") == "yes")
  }
}

/// 2 is FULL, 1 is NORMAL.
func synchronousLevel(_ connection: Database) throws -> Int? {
  try Int.fetchOne(connection, sql: "PRAGMA synchronous")
}
