import Aggregator
import Foundation
import Identity
import Site
import SiteData
import Testing
import Transport

/// From `init` over an invitation to a connection, over loopback TLS.
@Suite(.serialized) struct JoiningTests {
  @Test func anInvitedSiteConnectsOverMutualTLS() async throws {
    let network = try await EnrolledNetwork()
    try await network.withServer { membership, server in
      let invitation = try await membership.invite(
        "st-anna", as: .site, legalEntity: "St. Anna University Hospital")
      let result = try await SiteJoining.join(
        invitation: invitation.revealedText(), into: network.site("st-anna"))
      #expect(result.identity.principal.uri == "wardround://north/site/st-anna")
      #expect(result.network.protocolKey == membership.protocolKey)
      #expect(result.network.aggregator == membership.aggregator.name)
      let record = try await membership.siteRecord("st-anna")
      #expect(record.signingKey == result.identity.signingKey.publicKey)
      #expect(record.legalEntity == "St. Anna University Hospital")
      let agent = TestAgent()
      try await agent.running(network.site("st-anna")) { _ in
        let connection = try await agent.connections.first()
        #expect(connection.peer == membership.aggregator)
        let frame = Frame(kind: 7, body: [1, 2, 3])
        try await connection.send(frame)
        #expect(try await connection.frames.next()?.body == [1, 2, 3])
        #expect(server.connectedSites.map(\.name.text) == ["st-anna"])
      }
    }
  }

  @Test func theSettingsAreReadyAndPrivate() async throws {
    let network = try await EnrolledNetwork()
    try await network.withServer { membership, _ in
      let invitation = try await membership.invite("lakeside", as: .site)
      let path = network.site("lakeside")
      let result = try await SiteJoining.join(
        invitation: invitation.revealedText(), into: path, legalEntity: "Lakeside \"North\"")
      #expect(result.wroteConfiguration)
      let settings = try SiteConfiguration.read(path: path + "/site.yaml")
      #expect(settings.site == "lakeside" && settings.legalEntity == "Lakeside \"North\"")
      #expect(settings.aggregator.port == Int(network.configuration.servicePort))
      #expect(settings.policy == PolicySettings())
      #expect(settings.policy.disclose.isEmpty && !settings.policy.autoApprove)
      #expect(SiteDirectory(path, settings) == SiteDirectory(path))
      #expect(try SiteDirectory(path).member.network() == result.network)
      #expect(mode(path) == 0o700 && mode(path + "/identity") == 0o700)
      #expect(mode(path + "/state") == 0o700)
      for file in ["site.yaml", "network.yaml", "identity/identity.pem", "identity/signing.key"] {
        #expect(mode(path + "/" + file) == 0o600, "\(file)")
      }
    }
  }

  @Test func anInvitationLetsInOnce() async throws {
    let network = try await EnrolledNetwork()
    try await network.withServer { membership, _ in
      let text = try await membership.invite("st-anna", as: .site).revealedText()
      _ = try await SiteJoining.join(invitation: text, into: network.site("first"))
      let error = await #expect(throws: JoiningError(.refused)) {
        try await SiteJoining.join(invitation: text, into: network.site("second"))
      }
      #expect(error?.detail.contains("the invitation has been used") == true)
      #expect(!MemberDirectory(network.site("second")).isJoined)
      // The folder of the first is not joined twice either, and its member stays.
      let again = await #expect(throws: JoiningError(.alreadyJoined)) {
        try await SiteJoining.join(invitation: text, into: network.site("first"))
      }
      #expect(again?.detail.contains("--rejoin") == true)
      #expect(try await membership.siteRecord("st-anna").revokedAt == nil)
    }
  }

  @Test func anExpiredInvitationIsRefusedByEitherSide() async throws {
    let network = try await EnrolledNetwork()
    try await network.withServer { membership, _ in
      let text = try await membership.invite("st-anna", as: .site, validFor: .seconds(1))
        .revealedText()
      try await Task.sleep(for: .milliseconds(2100))
      let early = await #expect(throws: JoiningError(.invitation)) {
        try await SiteJoining.join(invitation: text, into: network.site("a"))
      }
      #expect(early?.detail.contains("expired") == true)
      // A site whose clock is behind asks, and hears it from the aggregator.
      let late = await #expect(throws: JoiningError(.refused)) {
        try await SiteJoining.join(
          invitation: text, into: network.site("a"), clock: { Date(timeIntervalSinceNow: -60) })
      }
      #expect(late?.detail.contains("the invitation has expired") == true)
    }
  }

  @Test func anAggregatorOfAnotherNetworkIsNotBelieved() async throws {
    let network = try await EnrolledNetwork()
    let other = try await EnrolledNetwork("south")
    try await network.withServer { membership, _ in
      let real = try await membership.invite("st-anna", as: .site)
      let forged = try Invitation(
        principal: real.principal, host: real.host, enrolmentPort: real.enrolmentPort,
        servicePort: real.servicePort,
        pin: other.directory.openMembership().authority.pin, expiry: real.expiry,
        secret: real.secret)
      let error = await #expect(throws: JoiningError(.wrongAggregator)) {
        try await SiteJoining.join(
          invitation: forged.revealedText(), into: network.site("st-anna"))
      }
      #expect(error?.detail.contains("is not the one the invitation pins") == true)
      // The secret has not left, so the real invitation still works, with the same keys.
      _ = try await SiteJoining.join(
        invitation: real.revealedText(), into: network.site("st-anna"))
    }
  }

  @Test func aLostAnswerOrACrashIsRepeated() async throws {
    let network = try await EnrolledNetwork()
    let path = network.site("st-anna")
    let text = try await network.withServer { membership, _ in
      let invitation = try await membership.invite("st-anna", as: .site)
      // The aggregator answers, and the answer is lost.
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      _ = try await membership.join(
        MemberDirectory(path).identity.prepareEnrolment(with: invitation, at: Date()))
      return invitation.revealedText()
    }
    let error = await #expect(throws: JoiningError(.notReachable)) {
      try await SiteJoining.join(invitation: text, into: path)
    }
    #expect(error?.detail.contains("127.0.0.1") == true)
    try await network.withServer { membership, _ in
      let first = try await SiteJoining.join(invitation: text, into: path)
      #expect(try await membership.store.certificates(principal: "st-anna").count == 1)
      // A crash before the settings were written: the next run writes them and asks nobody.
      try FileManager.default.removeItem(atPath: path + "/site.yaml")
      let second = try await SiteJoining.join(invitation: text, into: path)
      #expect(second.wroteConfiguration)
      #expect(second.identity.certificate == first.identity.certificate)
    }
  }

  @Test func joiningAgainEndsTheOlderKeys() async throws {
    let network = try await EnrolledNetwork()
    let path = network.site("st-anna")
    try await network.withServer { membership, server in
      let first = try await SiteJoining.join(
        invitation: membership.invite("st-anna", as: .site).revealedText(), into: path)
      let agent = TestAgent()
      try await agent.running(path) { _ in
        let connection = try await agent.connections.first()
        // The site joins anew elsewhere, as after a disk was lost.
        let second = try await SiteJoining.join(
          invitation: membership.invite("st-anna", as: .site).revealedText(),
          into: network.site("new"))
        try await waitUntil { connection.closeReason != nil }
        _ = try await agent.events.first {
          if case .disconnected(let reason, _) = $0 {
            reason.code == .certificateRefused
          } else {
            false
          }
        }
        #expect(
          try await membership.siteRecord("st-anna").signingKey
            == second.identity.signingKey.publicKey)
        #expect(second.identity.signingKey.publicKey != first.identity.signingKey.publicKey)
      }
      let newAgent = TestAgent()
      try await newAgent.running(network.site("new")) { _ in
        _ = try await newAgent.connections.first()
      }
      // In the old folder, a new invitation keeps the signing key.
      let third = try await SiteJoining.join(
        invitation: membership.invite("st-anna", as: .site).revealedText(), into: path,
        rejoining: true)
      #expect(third.identity.signingKey.publicKey == first.identity.signingKey.publicKey)
      #expect(!third.wroteConfiguration)
    }
  }

  @Test func aResearcherAndAnOperatorUseTheirOwnMethods() async throws {
    let network = try await EnrolledNetwork()
    try await network.withServer { membership, _ in
      let researcher = MemberDirectory(network.site("ada"))
      _ = try await MemberJoining(into: researcher).join(
        membership.invite("ada", as: .researcher), as: [.researcher, .operator])
      let client = try researcher.researcherClient()
      #expect(try await client.propose(name: "s", document: "x") == "ada/s")
      #expect(throws: JoiningError(.wrongRole)) { try researcher.operatorClient() }
      let remote = MemberDirectory(network.site("olga"))
      _ = try await MemberJoining(into: remote).join(
        membership.invite("olga", as: .operator), as: [.researcher, .operator])
      let text = try await remote.operatorClient().invite(name: "lakeside", role: .site)
      _ = try await SiteJoining.join(invitation: text, into: network.site("lakeside"))
      let audit = try await membership.store.audit.entries()
      #expect(
        audit.contains {
          $0.note.actor == "wardround://north/operator/olga" && $0.note.action == "invited"
        })
      // A site and a researcher may share a name without sharing a fate.
      _ = try await SiteJoining.join(
        invitation: membership.invite("ada", as: .site).revealedText(),
        into: network.site("ada-site"))
      try await membership.revoke("ada", role: .site)
      #expect(try await client.studies().isEmpty)
    }
  }

  @Test func aCommandTakesOnlyItsRole() async throws {
    let network = try await EnrolledNetwork()
    let membership = try network.directory.openMembership()
    let text = try await membership.invite("ada", as: .researcher).revealedText()
    let error = await #expect(throws: JoiningError(.wrongRole)) {
      try await SiteJoining.join(invitation: text, into: network.site("ada"))
    }
    #expect(error?.detail.contains("wardround study join") == true)
    #expect(!FileManager.default.fileExists(atPath: network.site("ada")))
    for damaged in [
      "", "wr1", "hello", String(text.dropLast(4)), text.replacingOccurrences(of: "a", with: "b"),
    ] {
      await #expect(throws: JoiningError(.invitation)) {
        try await SiteJoining.join(invitation: damaged, into: network.site("ada"))
      }
    }
  }
}

/// A file's permission bits.
func mode(_ path: String) -> Int? {
  let attributes = try? FileManager.default.attributesOfItem(atPath: path)
  return (attributes?[.posixPermissions] as? NSNumber)?.intValue
}

/// Waits for a condition, with a limit.
func waitUntil(
  within limit: Duration = .seconds(15), _ condition: @Sendable () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(10))
  }
  throw NeverHappened()
}
