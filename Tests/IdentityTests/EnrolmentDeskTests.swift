import Crypto
import Foundation
import Testing
import X509

@testable import Identity

@Suite struct EnrolmentDeskTests {
  @Test func anInvitationBecomesAMember() async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("north")
    #expect(identity.principal == (try network.principal("north")))
    let member = try #require(await network.desk.ledger.members[identity.principal])
    #expect(member.signingPublicKey == identity.signingKey.publicKey)
    #expect(member.certificate == identity.certificate.record)
    // What the site signs, others verify with the enrolled key.
    let key = try Curve25519.Signing.PublicKey(rawRepresentation: identity.signingKey.publicKey)
    #expect(key.isValidSignature(try identity.signingKey.sign([1, 2]), for: [1, 2] as [UInt8]))
  }

  @Test(arguments: [Role.site, .researcher, .operator])
  func everyInvitableRoleJoins(role: Role) async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("ada", as: role)
    let peer = try await network.verifier(accepting: [role]).verify(
      presentedDER: identity.certificate.chainDER)
    #expect(peer.principal.role == role)
  }

  @Test func theLedgerKeepsNoSecret() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north")
    let record = try #require(await network.desk.ledger.invitation(invitation.id))
    #expect(record.secretHash.count == 32)
    #expect(record.secretHash != invitation.secret.revealed())
    #expect(!record.secretHash.starts(with: invitation.id.bytes))
  }

  @Test func anInvitationWorksOnce() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north")
    let first = try network.keys("first").prepareEnrolment(with: invitation, at: network.now)
    let second = try network.keys("second").prepareEnrolment(with: invitation, at: network.now)
    let issued = try await network.desk.enrol(first, at: network.now)
    #expect(
      await code { _ = try await network.desk.enrol(second, at: network.now) } == .invitationUsed)
    // The loser changed nothing.
    _ = try await network.verifier().verify(presentedDER: issued.chainDER)
  }

  @Test func aLostAnswerCanBeAskedForAgain() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north")
    let keys = network.keys("north")
    let first = try await network.desk.enrol(
      keys.prepareEnrolment(with: invitation, at: network.now), at: network.now)
    // The site was restarted: same keys, new signatures.
    let again = try keys.prepareEnrolment(with: invitation, at: network.now)
    let second = try await network.desk.enrol(again, at: network.now)
    #expect(second == first)
    _ = try await network.desk.revoke(MemberName("north"), role: .site, at: network.now)
    #expect(await code { _ = try await network.desk.enrol(again, at: network.now) } == .revoked)
  }

  @Test func manyAtOnceStillEnrolOne() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north")
    let requests = try (0..<16).map { index in
      try network.keys("k\(index)").prepareEnrolment(with: invitation, at: network.now)
    }
    let wins = await withTaskGroup(of: Bool.self) { group in
      for request in requests {
        group.addTask { (try? await network.desk.enrol(request, at: network.now)) != nil }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(wins == 1)
  }

  @Test func expiredInvitationsAreRefusedOnBothSides() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north", validFor: .seconds(60))
    let request = try network.keys("north").prepareEnrolment(with: invitation, at: network.now)
    network.advance(by: 61)
    #expect(
      await code { _ = try await network.desk.enrol(request, at: network.now) }
        == .invitationExpired)
    #expect(throws: IdentityError(.invitationExpired)) {
      try network.keys("later").prepareEnrolment(with: invitation, at: network.now)
    }
    network.advance(by: -1)
    _ = try await network.desk.enrol(request, at: network.now)
  }

  @Test func unknownAndWrongSecretsLookTheSame() async throws {
    let network = try TrialAuthority()
    let real = try await network.invite("north")
    let good = try network.keys("north").prepareEnrolment(with: real, at: network.now)
    let guessed = EnrolmentRequest(
      invitationID: good.invitationID, secret: InvitationSecret(), requestDER: good.requestDER,
      signingPublicKey: good.signingPublicKey, statementSignature: good.statementSignature)
    let unknownID = try #require(InvitationID(bytes: Array(repeating: 7, count: 16)))
    let invented = EnrolmentRequest(
      invitationID: unknownID, secret: good.secret, requestDER: good.requestDER,
      signingPublicKey: good.signingPublicKey, statementSignature: good.statementSignature)
    for request in [guessed, invented] {
      #expect(
        await code { _ = try await network.desk.enrol(request, at: network.now) }
          == .invitationUnknown)
    }
    // Failed attempts do not use it up.
    _ = try await network.desk.enrol(good, at: network.now)
  }

  @Test func theStatementBindsSigningKeyRequestAndInvitation() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north")
    let good = try network.keys("north").prepareEnrolment(with: invitation, at: network.now)
    let other = try network.keys("south").prepareEnrolment(
      with: await network.invite("south"), at: network.now)
    let variants = [
      (good.requestDER, other.signingPublicKey, good.statementSignature),
      (good.requestDER, good.signingPublicKey, other.statementSignature),
      (other.requestDER, good.signingPublicKey, good.statementSignature),
      (good.requestDER, other.signingPublicKey, other.statementSignature),
      (good.requestDER, [], good.statementSignature),
      (good.requestDER, good.signingPublicKey, []),
    ]
    for (requestDER, signingPublicKey, signature) in variants {
      let request = EnrolmentRequest(
        invitationID: good.invitationID, secret: good.secret, requestDER: requestDER,
        signingPublicKey: signingPublicKey, statementSignature: signature)
      #expect(
        await code { _ = try await network.desk.enrol(request, at: network.now) }
          == .statementSignature)
    }
  }

  @Test func aRequestForAnotherNameIsRefused() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north")
    let keys = network.keys("greedy")
    let request = try keys.prepareRequest(for: network.principal("south"))
    let signingKey = try #require(
      SigningKey(
        pkcs8: PEM.single(
          PEM.privateKey, ProtectedFile.read(keys.signingKeyFile, .secret), at: "")))
    let signature = try signingKey.sign(
      EnrolmentRequest.statement(
        invitationID: invitation.id, requestDER: request.requestDER,
        signingPublicKey: request.signingPublicKey))
    let enrolment = EnrolmentRequest(
      invitationID: invitation.id, secret: invitation.secret, requestDER: request.requestDER,
      signingPublicKey: request.signingPublicKey, statementSignature: signature)
    #expect(
      await code { _ = try await network.desk.enrol(enrolment, at: network.now) } == .requestName)
  }

  @Test func renewalKeepsTheNameAndTakesANewKey() async throws {
    let network = try TrialAuthority()
    let first = try await network.join("north")
    let verifier = network.verifier()
    let peer = try await verifier.verify(presentedDER: first.certificate.chainDER)
    network.advance(by: 61 * 86_400)
    let keys = network.keys("north")
    let issued = try await network.desk.renew(
      requestDER: keys.prepareRenewal(), for: peer, at: network.now)
    // Until it is installed, the present one is in force, also after a restart.
    #expect(try keys.load().certificate == first.certificate)
    let second = try await keys.install(
      chainDER: issued.chainDER, pin: first.authority.pin, principal: first.principal,
      at: network.now)
    #expect(second.principal == first.principal)
    #expect(second.certificate.serial != first.certificate.serial)
    #expect(second.revealedTLSKeyDER() != first.revealedTLSKeyDER())
    #expect(second.signingKey.publicKey == first.signingKey.publicKey)
    #expect(
      second.certificate.notValidAfter == network.now.addingTimeInterval(90 * 86_400))
    // Both work until the older one runs out.
    try await verifier.recheck(peer)
    _ = try await verifier.verify(presentedDER: second.certificate.chainDER)
    network.advance(by: 30 * 86_400)
    #expect(await code { try await verifier.recheck(peer) } == .expired)
    _ = try await verifier.verify(presentedDER: second.certificate.chainDER)
  }

  @Test func renewalForAnotherNameOrAfterRevocationIsRefused() async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("north")
    let peer = try await network.verifier().verify(presentedDER: identity.certificate.chainDER)
    let foreign = try network.keys("other").prepareRequest(for: network.principal("south"))
    #expect(
      await code {
        _ = try await network.desk.renew(
          requestDER: foreign.requestDER, for: peer, at: network.now)
      } == .requestName)
    let renewal = try network.keys("north").prepareRenewal()
    _ = try await network.desk.revoke(MemberName("north"), role: .site, at: network.now)
    #expect(
      await code {
        _ = try await network.desk.renew(requestDER: renewal, for: peer, at: network.now)
      } == .revoked)
    network.advance(by: 91 * 86_400)
    #expect(
      await code {
        _ = try await network.desk.renew(requestDER: renewal, for: peer, at: network.now)
      } == .expired)
  }

  @Test func revocationTakesRenewedCertificatesAndOpenInvitationsToo() async throws {
    let network = try TrialAuthority()
    let first = try await network.join("north")
    let verifier = network.verifier()
    let peer = try await verifier.verify(presentedDER: first.certificate.chainDER)
    let renewed = try await network.desk.renew(
      requestDER: network.keys("north").prepareRenewal(), for: peer, at: network.now)
    let open = try await network.invite("north")
    let request = try network.keys("again").prepareEnrolment(with: open, at: network.now)
    #expect(
      try await network.desk.revoke(MemberName("north"), role: .site, at: network.now) == 2)
    for chain in [first.certificate.chainDER, renewed.chainDER] {
      #expect(await code { _ = try await verifier.verify(presentedDER: chain) } == .revoked)
    }
    #expect(
      await code { _ = try await network.desk.enrol(request, at: network.now) }
        == .invitationUnknown)
    #expect(
      try await network.desk.revoke(MemberName("north"), role: .site, at: network.now) == 0)
  }

  @Test func joiningAgainReplacesTheEarlierKeys() async throws {
    let network = try TrialAuthority()
    let first = try await network.join("north")
    let invitation = try await network.invite("north")
    let keys = network.keys("north")
    #expect(throws: IdentityError(.fileExists)) {
      try keys.prepareEnrolment(with: invitation, at: network.now)
    }
    let request = try keys.prepareEnrolment(with: invitation, rejoining: true, at: network.now)
    let issued = try await network.desk.enrol(request, at: network.now)
    let second = try await keys.install(
      chainDER: issued.chainDER, pin: invitation.pin, principal: invitation.principal,
      at: network.now)
    let verifier = network.verifier()
    _ = try await verifier.verify(presentedDER: second.certificate.chainDER)
    #expect(
      await code { _ = try await verifier.verify(presentedDER: first.certificate.chainDER) }
        == .revoked)
    #expect(second.signingKey.publicKey == first.signingKey.publicKey)
  }

  @Test func theServersOwnIdentityIsMadeKeptAndRenewed() async throws {
    let network = try TrialAuthority()
    let directory = network.keys("server")
    let principal = try network.principal("hub", .aggregator)
    func identity(_ hosts: [String]) async throws -> MemberIdentity {
      try await network.desk.localIdentity(
        in: directory, as: principal, hosts: hosts.map { try ServerHost($0) }, at: network.now)
    }
    let first = try await identity(["hub.example"])
    #expect(try await identity(["hub.example"]).certificate == first.certificate)
    let second = try await identity(["hub.example", "127.0.0.1"])
    #expect(second.certificate != first.certificate)
    network.advance(by: 61 * 86_400)
    let third = try await identity(["hub.example"])
    #expect(third.certificate != second.certificate)
    #expect(third.signingKey.publicKey == first.signingKey.publicKey)
    network.advance(by: 400 * 86_400)
    #expect(try await identity(["hub.example"]).certificate.notValidAfter > network.now)
    #expect(
      await code {
        _ = try await network.desk.localIdentity(
          in: directory, as: network.principal("boss", .operator), at: network.now)
      } == .requestName)
  }

  @Test func requestsSurviveTheWireAndDamage() async throws {
    let network = try TrialAuthority()
    let request = try network.keys("north").prepareEnrolment(
      with: await network.invite("north"), at: network.now)
    let bytes = request.encoded()
    let read = try EnrolmentRequest(decoding: bytes)
    #expect(read.encoded() == bytes)
    for count in 0..<bytes.count {
      #expect(throws: IdentityError(.malformedRequest)) {
        try EnrolmentRequest(decoding: Array(bytes.prefix(count)))
      }
    }
    #expect(throws: IdentityError(.malformedRequest)) {
      try EnrolmentRequest(decoding: bytes + [0])
    }
    // Any changed byte: refused when it is read or when it is checked; never a certificate. Seed 3.
    var random = SeededGenerator(seed: 3)
    for _ in 0..<200 {
      var wrong = bytes
      wrong[Int.random(in: wrong.indices, using: &random)] ^= UInt8.random(
        in: 1...255, using: &random)
      #expect(
        await code {
          _ = try await network.desk.enrol(EnrolmentRequest(decoding: wrong), at: network.now)
        } != nil, "seed 3")
    }
  }

  @Test func invitationsHaveALifetime() async throws {
    let network = try TrialAuthority()
    for duration in [Duration.zero, .seconds(-1), .seconds(11 * 365 * 86_400)] {
      #expect(
        await code { _ = try await network.invite("north", validFor: duration) }
          == .lifetimeOutOfRange)
    }
  }

  @Test func renewalIsDueAfterTwoThirds() {
    let policy = RenewalPolicy()
    let start = TrialAuthority.start
    func decide(_ seconds: TimeInterval) -> RenewalPolicy.Decision {
      policy.decision(
        notValidBefore: start, notValidAfter: start.addingTimeInterval(90),
        at: start.addingTimeInterval(seconds))
    }
    #expect(decide(-5) == .wait(until: start.addingTimeInterval(60)))
    #expect(decide(59.9) == .wait(until: start.addingTimeInterval(60)))
    #expect(decide(60) == .renew)
    #expect(decide(90) == .renew)
    #expect(decide(90.1) == .expired)
  }
}
