import Foundation
import Identity
import Store
import Transport

extension Membership {
  /// The site of a name, with its signing key and legal entity.
  ///
  /// - Throws: `TransportError.notFound` when it never joined, `revoked`; `StoreError`.
  public func siteRecord(_ name: String) async throws -> SiteRecord {
    guard let site = try await store.site(name) else {
      throw TransportError(.notFound, subject: "site \(name)", detail: "it has not joined")
    }
    guard site.revokedAt == nil else { throw TransportError(.revoked, subject: "site \(name)") }
    return site
  }

  /// The sites of a study, in the order of their names given.
  ///
  /// - Throws: `TransportError` as `siteRecord`, for the first that is not a member.
  public func roster(of names: [String]) async throws -> [SiteRecord] {
    var sites: [SiteRecord] = []
    for name in names { sites.append(try await siteRecord(name)) }
    return sites
  }

  /// Every site by name: members, those revoked, and those invited that have not come yet.
  ///
  /// - Parameter connected: the sites whose stream is open now; nil when this process is not the
  ///   server, and the state of a member is then `member`.
  public func sites(connected: [Principal]?) async throws -> [SiteSummary] {
    let names = connected.map { Set($0.map(\.name.text)) }
    let certificates = try await store.certificates()
    let now = clock().timeIntervalSince1970
    var summaries: [String: SiteSummary] = [:]
    for site in try await store.sites() {
      let own = certificates.filter { $0.principal == site.name && $0.role == Role.site.rawValue }
      let lineage = Lineage.current(of: own)
      let end = own.filter { $0.keyDigest == lineage }.map(\.notAfter).max()
      let state =
        if site.revokedAt != nil { "revoked" } else if let names {
          names.contains(site.name) ? "connected" : "away"
        } else { "member" }
      summaries[site.name] = SiteSummary(
        name: site.name, state: state, detail: Self.words(site, certificateEnd: end, now: now))
    }
    for invitation in try await store.invitations()
    where invitation.role == Role.site.rawValue && invitation.usedAt == nil
      && invitation.expiresAt > now
    {
      let present = summaries[invitation.principal]
      let until = "invited until \(Self.day(invitation.expiresAt))"
      if let present, present.state != "revoked" {
        summaries[invitation.principal]?.detail = "\(present.detail); \(until)"
      } else {
        summaries[invitation.principal] = SiteSummary(
          name: invitation.principal, state: "invited",
          detail: [invitation.legalEntity, until].filter { !$0.isEmpty }.joined(separator: "; "))
      }
    }
    return summaries.values.sorted { $0.name < $1.name }
  }

  private static func words(_ site: SiteRecord, certificateEnd: Double?, now: Double) -> String {
    var words: [String] = []
    if site.legalEntity != site.name { words.append(site.legalEntity) }
    if let revokedAt = site.revokedAt {
      words.append("revoked \(day(revokedAt))")
      return words.joined(separator: "; ")
    }
    words.append("joined \(day(site.joinedAt))")
    if let certificateEnd {
      words.append(
        certificateEnd < now
          ? "certificate expired \(day(certificateEnd))"
          : "certificate until \(day(certificateEnd))")
    }
    if let lastSeenAt = site.lastSeenAt { words.append("last seen \(moment(lastSeenAt))") }
    return words.joined(separator: "; ")
  }

  /// A day in UTC, such as 2026-02-19.
  private static func day(_ seconds: Double) -> String { String(moment(seconds).prefix(10)) }

  /// A moment in UTC, such as 2026-02-19T08:00:00Z.
  private static func moment(_ seconds: Double) -> String {
    Date(timeIntervalSince1970: seconds).formatted(.iso8601)
  }
}
