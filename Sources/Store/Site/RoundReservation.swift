import Foundation
import GRDB

/// Journalling without a sync per step (an option for short rounds).
///
/// The law is: no round is ever answered twice with different content. Syncing every step before
/// its message keeps it at the price of one disk sync, some milliseconds, per message. Reserving
/// keeps it too: before the first round of a block, "every number up to r + 15 may have been used,
/// under this boot of the machine" is synced once; the steps themselves are then `relaxed`. A crash
/// of the process loses none of them. After a power cut or a move to another machine (the boot
/// identifier differs) some may be lost, so `recoverJournal` burns every open round and every
/// reserved number, and `lastKnownRound` tells the others where to go on.
struct RoundReservation: Equatable {
  /// How many numbers one sync reserves.
  static let blockLength: Int64 = 16

  var study: String
  var epoch: Int64
  var throughRound: Int64
  /// The machine's boot identifier when it was made.
  var boot: String

  func covers(_ key: RoundKey) -> Bool {
    key.study == study && key.epoch == epoch && key.round <= throughRound
  }

  static func fetch(_ study: String, in connection: Database) throws -> RoundReservation? {
    try Row.fetchOne(
      connection, sql: "SELECT * FROM round_reservation WHERE study = ?", arguments: [study]
    ).map(RoundReservation.init(row:))
  }

  static func fetchAll(in connection: Database) throws -> [RoundReservation] {
    try Row.fetchAll(connection, sql: "SELECT * FROM round_reservation ORDER BY study")
      .map(RoundReservation.init(row:))
  }

  func store(in connection: Database) throws {
    try connection.execute(
      sql: """
        INSERT INTO round_reservation VALUES (?, ?, ?, ?) ON CONFLICT (study)
        DO UPDATE SET epoch = excluded.epoch, through_round = excluded.through_round,
          boot = excluded.boot
        """, arguments: [study, epoch, throughRound, boot])
  }
}

extension RoundReservation {
  init(row: Row) throws {
    self.init(
      study: try row.text("study"), epoch: try row.integer("epoch"),
      throughRound: try row.integer("through_round"), boot: try row.text("boot"))
  }

  /// Identifies this boot of the machine. Where the system does not tell, a value that never
  /// repeats stands in: every restart then counts as a power cut.
  static let currentBoot: String = {
    let path = "/proc/sys/kernel/random/boot_id"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty else {
      return UUID().uuidString
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }()
}

extension SiteStore {
  /// Makes sure that the number of a round is reserved on the disk.
  func reserve(
    _ key: RoundKey, boot: String = RoundReservation.currentBoot
  ) async throws(StoreError) {
    let isCovered = try await database.read("read reservation") { connection in
      guard let stored = try RoundReservation.fetch(key.study, in: connection) else { return false }
      return stored.covers(key) && stored.boot == boot
    }
    guard !isCovered else { return }
    try await database.write("reserve rounds") { connection in
      _ = try SiteStudy.require(key.study, in: connection)
      try Self.requireNewestOrKnown(key, in: connection)
      if let stored = try RoundReservation.fetch(key.study, in: connection) {
        if stored.covers(key), stored.boot == boot { return }
        // A reservation of another boot is settled by `recoverJournal`, never silently replaced.
        guard stored.boot == boot else {
          throw StoreError(
            .outOfOrder, "the journal has to be recovered after a restart of the machine",
            subject: "\(key)")
        }
      }
      let (through, overflow) = key.round.addingReportingOverflow(RoundReservation.blockLength - 1)
      guard !overflow else { throw StoreError(.invalidValue, subject: "\(key)") }
      try RoundReservation(
        study: key.study, epoch: key.epoch, throughRound: through, boot: boot
      ).store(in: connection)
    }
  }

  private static func requireNewestOrKnown(_ key: RoundKey, in connection: Database) throws {
    if try JournalEntry.fetch(key, in: connection) == nil {
      try requireNewest(key, in: connection)
    }
  }

  /// After a power cut: burns every open round of the study and every number it had reserved.
  ///
  /// - Returns: the rounds burned; the last one stands for all reserved numbers up to it.
  static func settle(
    _ reservation: RoundReservation, at time: Double, in connection: Database
  ) throws -> [RoundKey] {
    let reason = "machine restarted"
    var burned = try Row.fetchAll(
      connection,
      sql: """
        SELECT epoch, round FROM journal WHERE study = ? AND state < ? ORDER BY epoch, round
        """, arguments: [reservation.study, RoundState.done.rawValue]
    ).map {
      RoundKey(
        study: reservation.study, epoch: try $0.integer("epoch"), round: try $0.integer("round"))
    }
    try burnOpenRounds(of: reservation.study, reason: reason, at: time, in: connection)
    let last = RoundKey(
      study: reservation.study, epoch: reservation.epoch, round: reservation.throughRound)
    if try lastRound(of: reservation.study, in: connection).map({ $0 < last }) ?? true {
      try insert(
        last, state: .aborted, queryDigest: [], record: [], reason: reason, at: time,
        in: connection)
      burned.append(last)
    }
    try connection.execute(
      sql: "DELETE FROM round_reservation WHERE study = ?", arguments: [reservation.study])
    return burned
  }

  static func lastRound(of study: String, in connection: Database) throws -> RoundKey? {
    try Row.fetchOne(
      connection,
      sql: """
        SELECT epoch, round FROM journal WHERE study = ? ORDER BY epoch DESC, round DESC LIMIT 1
        """, arguments: [study]
    ).map {
      RoundKey(study: study, epoch: try $0.integer("epoch"), round: try $0.integer("round"))
    }
  }
}
