import Foundation
import Identity
import Store

/// The record of invitations, members and certificates, kept in the aggregator's store.
///
/// Standing is an allow list: a certificate is good when the store recorded it for its principal,
/// has not revoked it, and it descends from the principal's newest enrolment. The store keeps with
/// every certificate the digest of the keys that were enrolled; renewals inherit it. So a new
/// enrolment ends all older certificates of its principal in the same write that records it, and a
/// renewal that was under way meanwhile does not bring them back.
///
/// An invitation is stored under its public id followed by the hash of its secret. A site is stored
/// under its name; a member of another role under `role/name`, which no site can be called.
public struct StoreLedger: EnrolmentLedger {
  /// Where the records are.
  public let store: AggregatorStore
  /// The network whose members they are.
  public let network: MemberName
  /// Who acts, for the audit log.
  public var actor: String
  /// The legal entity written into new invitations; empty for none.
  public var legalEntity = ""
  private let clock: @Sendable () -> Date

  /// A ledger over a store.
  public init(
    store: AggregatorStore, network: MemberName, actor: String,
    clock: @escaping @Sendable () -> Date
  ) {
    self.store = store
    self.network = network
    self.actor = actor
    self.clock = clock
  }

  public func insertIfAbsent(_ invitation: InvitationRecord) async throws -> Bool {
    do {
      try await store.addInvitation(
        Store.Invitation(
          tokenHash: invitation.id.bytes + invitation.secretHash,
          principal: Self.storedName(of: invitation.principal),
          role: invitation.principal.role.rawValue, legalEntity: legalEntity,
          expiresAt: invitation.expiry.timeIntervalSince1970),
        by: actor)
      return true
    } catch {
      guard error.code == .conflict else { throw error }
      return false
    }
  }

  public func invitation(_ id: InvitationID) async throws -> InvitationRecord? {
    guard let stored = try await storedInvitation(id), let principal = principal(of: stored) else {
      return nil
    }
    return InvitationRecord(
      id: id, secretHash: Array(stored.tokenHash.dropFirst(InvitationID.byteCount)),
      principal: principal, expiry: Date(timeIntervalSince1970: stored.expiresAt))
  }

  public func consume(
    _ id: InvitationID, for enrolment: Enrolment, at now: Date
  ) async throws -> Redemption {
    guard let invitation = try await storedInvitation(id) else { return .unknown }
    let principal = enrolment.principal
    let certificate = try await stored(
      enrolment.certificate, keyDigest: enrolment.keysDigest, at: now)
    var site: SiteRecord?
    if principal.role == .site {
      site = SiteRecord(
        name: principal.name.text,
        legalEntity: invitation.legalEntity.isEmpty
          ? principal.name.text : invitation.legalEntity,
        signingKey: enrolment.signingPublicKey ?? [])
    }
    do {
      switch try await store.useInvitation(
        invitation.tokenHash, certificate: certificate, site: site)
      {
      case .accepted: return .enrolled
      case .acceptedBefore(let earlier):
        return .alreadyUsed(try Self.enrolment(of: earlier, principal))
      }
    } catch {
      switch error.code {
      case .notFound, .invitationExpired: return .unknown
      case .invitationUsed:
        // By other keys: an enrolment without a digest is nobody's repetition.
        return .alreadyUsed(
          Enrolment(
            principal: principal, signingPublicKey: nil, keysDigest: [],
            certificate: enrolment.certificate))
      case .revoked:
        // The certificate at hand was never recorded, so it is not in good standing either.
        return .alreadyUsed(enrolment)
      default: throw error
      }
    }
  }

  public func recordRenewal(
    _ certificate: Identity.CertificateRecord, of predecessor: CertificateSerial
  ) async throws -> Bool {
    guard try await !isRevoked(predecessor, certificate.principal),
      let old = try await store.certificate(serial: predecessor.text)
    else { return false }
    do {
      try await store.recordRenewal(
        stored(certificate, keyDigest: old.keyDigest, at: clock()), of: predecessor.text)
      return true
    } catch {
      guard error.code == .notFound || error.code == .revoked || error.code == .invalidValue else {
        throw error
      }
      return false
    }
  }

  public func recordLocal(_ enrolment: Enrolment) async throws {
    let digest =
      enrolment.keysDigest.isEmpty
      ? Array(enrolment.certificate.serial.text.utf8) : enrolment.keysDigest
    try await store.recordCertificate(
      stored(enrolment.certificate, keyDigest: digest, at: clock()), by: actor)
  }

  public func revoke(_ principal: Principal, at now: Date) async throws -> Int {
    do {
      return try await store.revoke(
        principal: Self.storedName(of: principal), by: actor, reason: "revoked by the operator"
      ).count
    } catch {
      guard error.code == .notFound else { throw error }
      return 0
    }
  }

  public func isRevoked(_ serial: CertificateSerial, _ principal: Principal) async throws -> Bool {
    guard principal.network == network else { return true }
    let certificates = try await store.certificates(principal: Self.storedName(of: principal))
    guard let certificate = certificates.first(where: { $0.serial == serial.text }),
      certificate.role == principal.role.rawValue,
      certificate.keyDigest == Lineage.current(of: certificates)
    else { return true }
    return try await store.isRevoked(serial: serial.text)
  }

  private func storedInvitation(
    _ id: InvitationID
  ) async throws(StoreError) -> Store.Invitation? {
    // A network has hundreds of invitations at most; the store looks up whole hashes only.
    try await store.invitations().first { $0.tokenHash.starts(with: id.bytes) }
  }

  private func principal(of invitation: Store.Invitation) -> Principal? {
    guard let role = Role(rawValue: invitation.role) else { return nil }
    return principal(storedAs: invitation.principal, role)
  }

  /// A certificate as the store keeps it. Times of issue rise within a principal also when the
  /// machine's clock was set back, because they decide which enrolment is the newest.
  private func stored(
    _ record: Identity.CertificateRecord, keyDigest: [UInt8], at now: Date
  ) async throws(StoreError) -> Store.CertificateRecord {
    let name = Self.storedName(of: record.principal)
    let latest = try await store.certificates(principal: name).map(\.issuedAt).max()
    return Store.CertificateRecord(
      serial: record.serial.text, principal: name, role: record.principal.role.rawValue,
      keyDigest: keyDigest, encoded: record.leafDER,
      issuedAt: max(now.timeIntervalSince1970, (latest ?? 0) + 0.001),
      notAfter: record.notValidAfter.timeIntervalSince1970)
  }

  private static func enrolment(
    of stored: Store.CertificateRecord, _ principal: Principal
  ) throws(StoreError) -> Enrolment {
    guard let serial = CertificateSerial(text: stored.serial) else {
      throw StoreError(.corrupted, subject: "certificate")
    }
    return Enrolment(
      principal: principal, signingPublicKey: nil, keysDigest: stored.keyDigest,
      certificate: Identity.CertificateRecord(
        serial: serial, principal: principal,
        notValidAfter: Date(timeIntervalSince1970: stored.notAfter), leafDER: stored.encoded))
  }
}

extension StoreLedger {
  /// The name under which the store keeps a principal.
  static func storedName(of principal: Principal) -> String {
    principal.role == .site
      ? principal.name.text : "\(principal.role.rawValue)/\(principal.name)"
  }

  /// The principal of a stored name; nil when the name is not one of this ledger's.
  func principal(storedAs name: String, _ role: Role) -> Principal? {
    let prefix = role == .site ? "" : "\(role.rawValue)/"
    guard name.hasPrefix(prefix), let member = try? MemberName(String(name.dropFirst(prefix.count)))
    else { return nil }
    return Principal(network: network, role: role, name: member)
  }
}

/// Which enrolment of a principal is in force, from its certificates.
enum Lineage {
  /// The key digest of the newest enrolment: of every set of keys the first certificate counts, and
  /// the set that came last is in force. Renewals therefore never change the answer.
  static func current(of certificates: [Store.CertificateRecord]) -> [UInt8]? {
    var firstIssue: [[UInt8]: Double] = [:]
    for certificate in certificates {
      firstIssue[certificate.keyDigest] = min(
        firstIssue[certificate.keyDigest] ?? .infinity, certificate.issuedAt)
    }
    return firstIssue.max { $0.value < $1.value }?.key
  }
}
