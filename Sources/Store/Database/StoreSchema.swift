import GRDB

/// What a store file is and how its tables came to be.
struct StoreSchema: Sendable {
  /// SQLite's `application_id`: tells a site's file from an aggregator's and from anything else.
  let applicationID: Int32
  /// All migrations, oldest first. A migration that was released never changes.
  let migrations: [Migration]

  struct Migration: Sendable {
    let name: String
    let sql: String
  }

  private func migrator() -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    for migration in migrations {
      migrator.registerMigration(migration.name) { try $0.execute(sql: migration.sql) }
    }
    return migrator
  }

  /// Checks whose file it is, refuses one from the future, and migrates.
  func prepare(_ pool: DatabasePool) throws {
    let migrator = migrator()
    let known = try pool.read { database in
      let found = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
      let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
      guard found == applicationID || (found == 0 && tables == 0) else {
        throw StoreError(.notAStore)
      }
      if try migrator.hasBeenSuperseded(database) { throw StoreError(.newerVersion) }
      return try found == applicationID && migrator.hasCompletedMigrations(database)
    }
    guard !known else { return }
    try pool.writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA application_id = \(applicationID)")
    }
    try migrator.migrate(pool)
  }
}
