import Foundation
import GRDB
import Store
import Synchronization

/// A folder of its own for each test, removed with the fixture, and a clock that the test moves.
final class StoreFixture: Sendable {
  let folder: String
  let clock = ManualClock()

  init() throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("store-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: folder) } catch {
      // A leftover folder in the temporary directory harms nobody.
    }
  }

  func path(_ name: String) -> String { folder + "/" + name }

  func site(_ name: String = "site.sqlite", busySeconds: Double = 5) throws -> SiteStore {
    let clock = clock
    return try SiteStore(path: path(name), busySeconds: busySeconds) { clock.now }
  }

  func aggregator(_ name: String = "aggregator.sqlite") throws -> AggregatorStore {
    let clock = clock
    return try AggregatorStore(path: path(name)) { clock.now }
  }

  /// A site store with one approved study, "s1".
  func siteWithStudy(_ name: String = "site.sqlite") async throws -> SiteStore {
    let store = try site(name)
    try await store.propose(
      id: "s1", name: "Sepsis", planText: "plan", planDigest: [1, 2, 3], proposer: "ada")
    try await store.decide("s1", planDigest: [1, 2, 3], approved: true, by: "steward")
    return store
  }

  /// An aggregator store with two sites and one proposed study, "s1".
  func aggregatorWithStudy() async throws -> AggregatorStore {
    let store = try aggregator()
    for name in ["north", "south"] { try await join(name, in: store) }
    try await store.propose(
      id: "s1", name: "Sepsis", yaml: "study: s1", planDigest: [1, 2, 3], proposer: "ada")
    return store
  }

  /// Invites a site and lets it join with the certificate `serial`.
  func join(_ name: String, serial: String? = nil, in store: AggregatorStore) async throws {
    let token =
      [UInt8](repeating: UInt8(truncatingIfNeeded: name.hashValue), count: 16)
      + Array((serial ?? name).utf8)
    try await store.addInvitation(
      Invitation(tokenHash: token, principal: name, role: "site", expiresAt: clock.now + 3600),
      by: "operator")
    _ = try await store.useInvitation(
      token, certificate: certificate(serial ?? "serial-\(name)", of: name),
      site: SiteRecord(name: name, legalEntity: "Hospital \(name)", signingKey: [7, 7]))
  }

  func certificate(
    _ serial: String, of principal: String, key: [UInt8] = [9]
  ) -> CertificateRecord {
    CertificateRecord(
      serial: serial, principal: principal, role: "site", keyDigest: key, encoded: [48, 1],
      issuedAt: clock.now, notAfter: clock.now + 90 * 86_400)
  }

  /// Runs SQL as an intruder would: past the store, on the file itself.
  func tamper(_ name: String = "site.sqlite", _ sql: String) throws {
    let queue = try DatabaseQueue(path: path(name))
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// The text of a query on the file itself.
  func value(_ name: String = "site.sqlite", _ sql: String) throws -> String? {
    let queue = try DatabaseQueue(path: path(name))
    let value = try queue.read { try String.fetchOne($0, sql: sql) }
    try queue.close()
    return value
  }

  /// Copies a database with its write-ahead log, as a crash at this moment would leave them.
  func crashCopy(of name: String, as copy: String) throws {
    for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path(name + suffix)) {
      try FileManager.default.copyItem(atPath: path(name + suffix), toPath: path(copy + suffix))
    }
  }
}

/// Seconds since 1970 that stand still until a test moves them.
final class ManualClock: Sendable {
  private let seconds = Mutex(1_763_000_000.25)

  var now: Double { seconds.withLock { $0 } }

  func advance(by interval: Double) { seconds.withLock { $0 += interval } }
}

/// The transcript entry of index `index`, chained to the one before by its digest.
func transcriptEntry(_ index: Int64, study: String = "s1", salt: UInt8 = 0) -> TranscriptEntry {
  let last = UInt8(truncatingIfNeeded: index)
  return TranscriptEntry(
    study: study, index: index, kind: .sum, queryDigest: [1, last], purpose: "step \(index)",
    total: [UInt8](repeating: last &+ salt, count: 40), participants: ["north", "south"],
    siteAnswers: [SiteAnswerRecord(site: "north", answer: [4, last], signature: [5])],
    proof: [6, last], previousDigest: [2, last &- 1], digest: [2, last])
}
