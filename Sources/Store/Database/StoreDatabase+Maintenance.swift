import Foundation
import GRDB

extension StoreDatabase {
  /// A number that changes when *another* connection (another process) has committed.
  func dataVersion() async throws(StoreError) -> Int64 {
    try await outsideTransaction("data version") { database in
      try Int64.fetchOne(database, sql: "PRAGMA data_version") ?? 0
    }
  }

  /// Moves the write-ahead log into the database and truncates it, so that erased values are in
  /// neither file. A reader that is at work elsewhere puts it off to the next call.
  func checkpoint() async throws(StoreError) {
    try await outsideTransaction("checkpoint") { database in
      _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    }
  }

  /// Walks every page and index of the file.
  func checkIntegrity() async throws(StoreError) {
    try await read("integrity check") { database in
      let verdict = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)")
      let orphan = try Row.fetchOne(database, sql: "PRAGMA foreign_key_check")
      guard verdict == "ok", orphan == nil else { throw StoreError(.corrupted) }
    }
  }

  /// Copies the database, as of one moment, to `target` while it is in use. The target appears
  /// whole or not at all, readable by its owner only, and replaces a file of that name.
  func backUp(to target: String) async throws(StoreError) {
    guard target != path, !target.isEmpty else {
      throw StoreError(.invalidValue, "a backup needs a path of its own", file: target)
    }
    let partial = target + ".partial"
    do {
      try await read("backup") { database in
        for suffix in ["", "-wal", "-shm", "-journal"] { _ = unlink(partial + suffix) }
        let descriptor = open(partial, O_CREAT | O_RDWR | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
          throw StoreError(errno == ENOSPC ? .diskFull : .cannotOpen, file: partial)
        }
        _ = Foundation.close(descriptor)
        let copy = try DatabaseQueue(path: partial)
        try copy.writeWithoutTransaction { try database.backup(to: $0) }
        // The copy is a single file: it does not start life in WAL mode.
        try copy.writeWithoutTransaction {
          _ = try Row.fetchOne($0, sql: "PRAGMA journal_mode = DELETE")
        }
        try copy.close()
        guard rename(partial, target) == 0 else { throw StoreError(.cannotOpen, file: target) }
        Self.syncFolder(of: target)
      }
    } catch {
      for suffix in ["", "-wal", "-shm", "-journal"] { _ = unlink(partial + suffix) }
      throw error
    }
  }

  /// For tests: the largest size of the file in pages, as a disk that is full would have it.
  func limitPages(_ count: Int) async throws(StoreError) -> Int {
    try await outsideTransaction("limit pages") { database in
      try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(count)") ?? 0
    }
  }

  /// Makes a rename survive a power cut.
  static func syncFolder(of path: String) {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    _ = Foundation.close(descriptor)
  }
}
