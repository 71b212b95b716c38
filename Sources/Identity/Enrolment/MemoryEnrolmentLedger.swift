import Foundation

/// A ledger in memory, for tests and for networks that live in one process.
public actor MemoryEnrolmentLedger: EnrolmentLedger {
  private struct Certificate {
    let record: CertificateRecord
    var isRevoked = false
  }

  private var invitations: [InvitationID: InvitationRecord] = [:]
  private var redeemed: [InvitationID: Enrolment] = [:]
  private var withdrawn: Set<InvitationID> = []
  private var certificates: [CertificateSerial: Certificate] = [:]
  /// The enrolment in force of each principal that has one.
  public private(set) var members: [Principal: Enrolment] = [:]

  /// An empty ledger.
  public init() {}

  public func insertIfAbsent(_ invitation: InvitationRecord) -> Bool {
    guard invitations[invitation.id] == nil else { return false }
    invitations[invitation.id] = invitation
    return true
  }

  public func invitation(_ id: InvitationID) -> InvitationRecord? {
    withdrawn.contains(id) ? nil : invitations[id]
  }

  public func consume(
    _ id: InvitationID, for enrolment: Enrolment, at now: Date
  ) -> Redemption {
    guard invitations[id] != nil, !withdrawn.contains(id) else { return .unknown }
    if let earlier = redeemed[id] { return .alreadyUsed(earlier) }
    redeemed[id] = enrolment
    recordLocal(enrolment)
    return .enrolled
  }

  public func recordRenewal(
    _ certificate: CertificateRecord, of predecessor: CertificateSerial
  ) -> Bool {
    guard !isRevoked(predecessor, certificate.principal) else { return false }
    certificates[certificate.serial] = Certificate(record: certificate)
    return true
  }

  public func recordLocal(_ enrolment: Enrolment) {
    _ = revokeCertificates(of: enrolment.principal)
    certificates[enrolment.certificate.serial] = Certificate(record: enrolment.certificate)
    members[enrolment.principal] = enrolment
  }

  public func revoke(_ principal: Principal, at now: Date) -> Int {
    for (id, invitation) in invitations
    where invitation.principal == principal && redeemed[id] == nil {
      withdrawn.insert(id)
    }
    members[principal] = nil
    return revokeCertificates(of: principal)
  }

  public func isRevoked(_ serial: CertificateSerial, _ principal: Principal) -> Bool {
    guard let certificate = certificates[serial], certificate.record.principal == principal else {
      return true
    }
    return certificate.isRevoked
  }

  private func revokeCertificates(of principal: Principal) -> Int {
    var count = 0
    for (serial, certificate) in certificates
    where certificate.record.principal == principal && !certificate.isRevoked {
      certificates[serial]?.isRevoked = true
      count += 1
    }
    return count
  }
}
