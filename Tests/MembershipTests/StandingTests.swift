import Aggregator
import Foundation
import Identity
import Site
import Store
import Synchronization
import Testing
import Transport

/// Revocation and the ledger behind it.
@Suite(.serialized) struct StandingTests {
  @Test func aRevocationByAnotherProcessCutsTheLiveConnection() async throws {
    let network = try await EnrolledNetwork()
    try await network.withServer { membership, _ in
      for name in ["st-anna", "lakeside"] {
        _ = try await SiteJoining.join(
          invitation: membership.invite(name, as: .site).revealedText(), into: network.site(name))
      }
      let revoked = TestAgent()
      let other = TestAgent()
      try await other.running(network.site("lakeside")) { _ in
        try await revoked.running(network.site("st-anna")) { _ in
          let connection = try await revoked.connections.first()
          let neighbour = try await other.connections.first()
          // The command line: an opening of the store of its own, which SQLite cannot tell from
          // another process.
          let count = try await network.directory.openMembership()
            .revoke("st-anna", role: .site).certificateCount
          let start = ContinuousClock.now
          #expect(count == 1)
          try await waitUntil { connection.closeReason != nil }
          #expect(ContinuousClock.now - start < .seconds(2))
          #expect(connection.closeReason == TransportError(.revoked))
          let event = try await revoked.events.first {
            if case .disconnected(let reason, _) = $0 {
              reason.code == .certificateRefused
            } else {
              false
            }
          }
          #expect(String(describing: event).contains("revoked"))
          #expect(revoked.connections.all.count == 1)
          #expect(neighbour.closeReason == nil && other.connections.all.count == 1)
        }
      }
      await #expect(throws: TransportError(.revoked)) {
        try await membership.roster(of: ["lakeside", "st-anna"])
      }
      #expect(try await membership.roster(of: ["lakeside"]).map(\.name) == ["lakeside"])
      let states = try await membership.sites(connected: []).map { "\($0.name) \($0.state)" }
      #expect(states == ["lakeside away", "st-anna revoked"])
    }
  }

  @Test func aRevokedSiteComesBackOnlyWithANewInvitation() async throws {
    let network = try await EnrolledNetwork()
    try await network.withServer { membership, _ in
      let path = network.site("st-anna")
      let first = try await membership.invite("st-anna", as: .site).revealedText()
      _ = try await SiteJoining.join(invitation: first, into: path)
      let open = try await membership.invite("st-anna", as: .site).revealedText()
      try await membership.revoke("st-anna", role: .site)
      for text in [first, open] {
        await #expect(throws: JoiningError(.refused)) {
          try await SiteJoining.join(invitation: text, into: path, rejoining: true)
        }
      }
      let new = try await membership.invite("st-anna", as: .site).revealedText()
      _ = try await SiteJoining.join(invitation: new, into: path, rejoining: true)
      let agent = TestAgent()
      try await agent.running(path) { _ in _ = try await agent.connections.first() }
    }
  }

  @Test func aRenewalUnderWayDoesNotBringOldKeysBack() async throws {
    let network = try await EnrolledNetwork()
    let membership = try network.directory.openMembership()
    let clock = Mutex(Date())
    let store = try network.directory.openStore { clock.withLock { $0 } }
    let ledger = StoreLedger(
      store: store, network: membership.network, actor: "test", clock: { clock.withLock { $0 } })
    let principal = Principal(
      network: membership.network, role: .site, name: try MemberName("st-anna"))

    func enrol(_ keys: UInt8, _ serial: String) async throws -> Redemption {
      let secret = InvitationSecret()
      let invitation = try Identity.Invitation(
        principal: principal, host: ServerHost("127.0.0.1"), enrolmentPort: 1, servicePort: 2,
        pin: membership.authority.pin, expiry: Date(timeIntervalSinceNow: 600), secret: secret)
      #expect(try await ledger.insertIfAbsent(invitation.record))
      #expect(try await !ledger.insertIfAbsent(invitation.record))
      #expect(try await ledger.invitation(invitation.id) == invitation.record)
      return try await ledger.consume(
        invitation.id,
        for: Enrolment(
          principal: principal, signingPublicKey: [UInt8](repeating: keys, count: 32),
          keysDigest: [UInt8](repeating: keys, count: 32), certificate: certificate(serial)),
        at: clock.withLock { $0 })
    }
    func certificate(_ serial: String) throws -> Identity.CertificateRecord {
      Identity.CertificateRecord(
        serial: try #require(CertificateSerial(text: serial)), principal: principal,
        notValidAfter: Date(timeIntervalSinceNow: 600), leafDER: [1])
    }
    /// Those of the serials that are in good standing.
    func good(_ serials: String...) async throws -> [String] {
      var good: [String] = []
      for serial in serials
      where try await !ledger.isRevoked(#require(CertificateSerial(text: serial)), principal) {
        good.append(serial)
      }
      return good
    }

    #expect(try await enrol(1, "a1") == .enrolled)
    #expect(try await ledger.recordRenewal(certificate("a2"), of: certificate("a1").serial))
    // The third was never recorded.
    #expect(try await good("a1", "a2", "a3") == ["a1", "a2"])
    // Somebody else's name does not fit.
    let other = Principal(network: principal.network, role: .researcher, name: principal.name)
    #expect(try await ledger.isRevoked(#require(CertificateSerial(text: "a1")), other))
    // The machine's clock is set back an hour, and the site joins anew.
    clock.withLock { $0 -= 3600 }
    #expect(try await enrol(2, "b1") == .enrolled)
    #expect(try await good("a1", "a2", "b1") == ["b1"])
    // A renewal of the older keys: refused; and written past the ledger, as in a race, still no good.
    #expect(try await !ledger.recordRenewal(certificate("a4"), of: certificate("a2").serial))
    try await store.recordRenewal(
      Store.CertificateRecord(
        serial: "a5", principal: "st-anna", role: "site",
        keyDigest: [UInt8](repeating: 1, count: 32), encoded: [1],
        issuedAt: Date().timeIntervalSince1970 + 60, notAfter: 9e9),
      of: "a2")
    #expect(try await good("a5", "b1") == ["b1"])
    #expect(try await ledger.revoke(principal, at: Date()) == 4)
    #expect(try await ledger.revoke(principal, at: Date()) == 0)
    #expect(try await good("b1").isEmpty)
  }

  @Test func nobodyIsRevokedByMistake() async throws {
    let network = try await EnrolledNetwork()
    let membership = try network.directory.openMembership()
    await #expect(throws: TransportError(.notFound)) {
      try await membership.revoke("st-ana", role: .site)
    }
    await #expect(throws: IdentityError(.wrongRole)) {
      try await membership.revoke("aggregator", role: .aggregator)
    }
    await #expect(throws: IdentityError(.malformedName)) {
      try await membership.revoke("St Anna", role: .site)
    }
    await #expect(throws: IdentityError(.roleNotInvitable)) {
      try await membership.invite("hub", as: .aggregator)
    }
    await #expect(throws: MembershipError(.invalidValue)) {
      try await membership.invite("st-anna", as: .site, legalEntity: "two\nlines")
    }
    _ = try await membership.invite("st-anna", as: .site, legalEntity: "St. Anna")
    let invited = try await membership.sites(connected: nil)
    #expect(invited.map(\.state) == ["invited"])
    #expect(invited.first?.detail.hasPrefix("St. Anna; invited until ") == true)
    #expect(try await membership.revoke("st-anna", role: .site).certificateCount == 0)
    #expect(try await membership.sites(connected: nil).isEmpty)
  }
}
