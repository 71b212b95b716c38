import Foundation
import Identity
import Store

extension Membership {
  /// Watches the store and says whose connections have to be cut, until the task is cancelled.
  ///
  /// A member is named once when certificates of it are revoked, by this process or another such as
  /// the command line; when it has joined anew, because the connection of the older keys is no
  /// longer its own; and when its last certificate runs out. The server's check already refuses what
  /// comes after the change; this ends what was open before. A connection of the new keys that is
  /// there already is cut too, and comes back by itself.
  ///
  /// - Parameters:
  ///   - interval: how often the store's version is asked for; far cheaper than reading it.
  ///   - onFailure: is told when the store cannot be read; the next turn tries again.
  ///   - cut: ends the connections of a member, as `AggregatorServer.revoke` does.
  public func watchStanding(
    every interval: Duration = .milliseconds(400),
    onFailure: @escaping @Sendable (StoreError) -> Void = { _ in },
    cut: @escaping @Sendable (Principal) -> Void
  ) async {
    var watched = Standings()
    var seen: (version: Int64, changes: Int)?
    while !Task.isCancelled {
      do throws(StoreError) {
        // The counters first: a change while the tables are read is seen again at the next turn.
        let now = (version: try await store.dataVersion(), changes: changes.current)
        if seen.map({ $0 != now }) ?? true {
          for principal in watched.update(try await standings()) { cut(principal) }
          seen = now
        }
      } catch {
        onFailure(error)
      }
      for principal in watched.newlyExpired(at: clock()) { cut(principal) }
      do { try await Task.sleep(for: interval) } catch { return }
    }
  }

  /// What the store says about every principal's certificates.
  private func standings() async throws(StoreError) -> [Principal: Standing] {
    let revoked = try await store.revokedSerials()
    var byName: [String: [Store.CertificateRecord]] = [:]
    for certificate in try await store.certificates() {
      byName[certificate.principal, default: []].append(certificate)
    }
    var standings: [Principal: Standing] = [:]
    for (name, certificates) in byName {
      guard let role = certificates.first.flatMap({ Role(rawValue: $0.role) }), role.isInvitable,
        let principal = desks.members.ledger.principal(storedAs: name, role)
      else { continue }
      let lineage = Lineage.current(of: certificates)
      let good = certificates.filter { $0.keyDigest == lineage && !revoked.contains($0.serial) }
      standings[principal] = Standing(
        lineage: lineage ?? [], hasOlderKeys: certificates.contains { $0.keyDigest != lineage },
        revokedCount: certificates.count { revoked.contains($0.serial) },
        end: good.map(\.notAfter).max())
    }
    return standings
  }
}

/// What decides whether a principal's open connections are still its own.
struct Standing: Equatable {
  /// Digest of the keys in force.
  var lineage: [UInt8]
  /// Whether other keys were in force before.
  var hasOlderKeys: Bool
  /// How many of its certificates are revoked.
  var revokedCount: Int
  /// When the last good certificate runs out, in seconds since 1970; nil when there is none.
  var end: Double?
}

/// The standings seen last, and what a change of them means.
struct Standings {
  private var known: [Principal: Standing]?
  private var expired: Set<Principal> = []

  /// Takes the present standings and names the principals whose connections have to go. Of one not
  /// seen before these are every other but the first keys: between two looks it may have joined,
  /// connected, and been revoked or joined again.
  mutating func update(_ present: [Principal: Standing]) -> [Principal] {
    defer { known = present }
    for (principal, standing) in present where standing.end != known?[principal]?.end {
      expired.remove(principal)
    }
    return present.compactMap { principal, standing in
      guard let before = known?[principal] else {
        return standing.end == nil || standing.hasOlderKeys ? principal : nil
      }
      let isOther = before.lineage != standing.lineage
      return isOther || standing.revokedCount > before.revokedCount ? principal : nil
    }
  }

  /// The principals whose last certificate has run out since the last call.
  mutating func newlyExpired(at now: Date) -> [Principal] {
    let seconds = now.timeIntervalSince1970
    let found = (known ?? [:]).compactMap { principal, standing in
      standing.end.map { $0 < seconds } == true && !expired.contains(principal) ? principal : nil
    }
    expired.formUnion(found)
    return found
  }
}
