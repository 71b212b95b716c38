import Foundation

extension EnrolmentDesk {
  /// The identity of somebody on the aggregator's own machine, who needs no invitation: the
  /// aggregator's server, and the first operator.
  ///
  /// Makes the keys and the certificate when there are none; renews them when it is time, when the
  /// certificate has expired or when it does not name the hosts asked for; otherwise loads them.
  ///
  /// - Parameters:
  ///   - hosts: What the aggregator is called by; only for the role aggregator.
  /// - Throws: `request-name` when the directory belongs to another principal; file errors,
  ///   `authority-expired`, `ledger-unavailable`.
  public func localIdentity(
    in directory: KeyDirectory, as principal: Principal, hosts: [ServerHost] = [], at now: Date
  ) async throws(IdentityError) -> MemberIdentity {
    if directory.isEnrolled {
      let present = try directory.load()
      guard present.principal == principal else {
        throw IdentityError(.requestName, at: present.principal.uri)
      }
      if present.authority == authority.certificate, case .wait = present.renewalDecision(at: now),
        try Self.names(hosts, present)
      {
        return present
      }
    }
    let request = try directory.prepareRequest(for: principal, rejoining: true)
    let issued = try await certifyLocally(
      requestDER: request.requestDER, as: principal, signingPublicKey: request.signingPublicKey,
      hosts: hosts, at: now)
    return try await directory.install(
      chainDER: issued.chainDER, pin: authority.certificate.pin, principal: principal, at: now)
  }

  /// Certifies a request made on the aggregator's own machine and records it. Earlier certificates of
  /// the principal are revoked.
  ///
  /// - Throws: What ``CertificateAuthority/issue(requestDER:to:hosts:at:)`` throws;
  ///   `ledger-unavailable`.
  public func certifyLocally(
    requestDER: [UInt8], as principal: Principal, signingPublicKey: [UInt8]? = nil,
    hosts: [ServerHost] = [], at now: Date
  ) async throws(IdentityError) -> IssuedCertificate {
    let issued = try authority.issue(
      requestDER: requestDER, to: principal, hosts: hosts, at: now)
    let enrolment = Enrolment(
      principal: principal, signingPublicKey: signingPublicKey, keysDigest: [],
      certificate: issued.record)
    try await asking { try await ledger.recordLocal(enrolment) }
    return issued
  }

  private static func names(
    _ hosts: [ServerHost], _ identity: MemberIdentity
  ) throws(IdentityError) -> Bool {
    let leaf = try identity.certificate.leaf()
    return hosts.allSatisfy { $0.isNamed(by: leaf) }
  }
}
