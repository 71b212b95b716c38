import Foundation
import Identity
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import Transport

/// Who gets in, and what each role may call.
@Suite(.serialized) struct AccessTests {

  @Test func everyMethodIsForItsOwnRoleOnly() async throws {
    let network = try CertifiedNetwork()
    try await withServer(network) { _, port, _ in
      let address = ServiceAddress(host: "127.0.0.1", port: port)
      for role in [Role.site, .researcher, .operator] {
        let credentials = try await network.credentials(role, "member")
        let researcher = ResearcherClient(
          aggregator: address, credentials: credentials, check: network.aggregatorCheck)
        let operating = OperatorClient(
          aggregator: address, credentials: credentials, check: network.aggregatorCheck)
        let site = try await network.siteClient("member", port: port, credentials: credentials)
        let calls: [(Role, String, @Sendable () async throws -> Void)] = [
          (.researcher, "propose", { _ = try await researcher.propose(name: "n", document: "d") }),
          (.researcher, "list", { _ = try await researcher.studies() }),
          (.researcher, "watch", { _ = try await researcher.watch(study: "s1") { _ in } }),
          (
            .researcher, "fetch",
            { try await researcher.fetch(study: "s1", artefact: "report.html") { _ in } }
          ),
          (.operator, "invite", { _ = try await operating.invite(name: "new", role: .site) }),
          (.operator, "revoke", { try await operating.revoke(name: "nobody", role: .site) }),
          (.operator, "sites", { _ = try await operating.sites() }),
          (.operator, "studies", { _ = try await operating.studies() }),
          (
            .site, "renew",
            {
              let directory = KeyDirectory(path: network.folder + "/\(role.rawValue)-member")
              let chain = try await site.renew(requestDER: directory.prepareRenewal())
              #expect(chain.count == 2)
            }
          ),
        ]
        for (owner, name, call) in calls {
          if owner == role {
            await #expect(throws: Never.self, "\(role) may \(name)") { try await call() }
          } else {
            await #expect(throws: TransportError(.permissionDenied), "\(role) may not \(name)") {
              try await call()
            }
          }
        }
        try await withSite(site) { probe in
          if role == .site {
            _ = try await probe.connections.first()
          } else {
            let reason = try await probe.failure(.permissionDenied)
            #expect(reason.description.contains("this role may not call this method"))
          }
        }
      }
    }
  }

  @Test func methodsAnswerAndRefuseInWords() async throws {
    let network = try CertifiedNetwork()
    try await withServer(network) { _, port, _ in
      let researcher = ResearcherClient(
        aggregator: ServiceAddress(host: "127.0.0.1", port: port),
        credentials: try await network.credentials(.researcher, "rita"),
        check: network.aggregatorCheck)
      #expect(try await researcher.propose(name: "n", document: "d") == "rita/n")
      let refusal = await #expect(throws: TransportError.self) {
        try await researcher.propose(name: "n", document: "bad")
      }
      #expect(refusal?.code == .refused)
      #expect(refusal?.description == "refused: n: line 1: unknown key")
      await #expect(throws: TransportError(.bodyTooLarge)) {
        try await researcher.propose(name: "n", document: String(repeating: "x", count: 1_100_000))
      }
      #expect(try await researcher.studies().map(\.study) == ["s1"])
      let events = Eventually<ProgressEvent>()
      #expect(try await researcher.watch(study: "s1") { events.add($0) } == "finished")
      #expect(events.all.map(\.secondsLeft) == [2, nil])
      await #expect(throws: TransportError(.notFound)) {
        try await researcher.watch(study: "s2") { _ in }
      }
      let pieces = Eventually<Int>()
      try await researcher.fetch(study: "s1", artefact: "report.html") { pieces.add($0.count) }
      #expect(pieces.all.reduce(0, +) == 3 << 20)
      await #expect(throws: TransportError(.notFound)) {
        try await researcher.fetch(study: "s1", artefact: "../secret") { _ in }
      }
    }
  }

  @Test func strangersAreRefusedAtTheHandshake() async throws {
    let network = try CertifiedNetwork()
    let stranger = try CertifiedNetwork()
    let refusals = Eventually<AggregatorServer.Event>()
    try await withServer(network, onEvent: { refusals.add($0) }) { _, port, _ in
      // A certificate of another authority that uses the same names.
      let foreign = try await stranger.credentials(.site, "alpha")
      try await withSite(try await network.siteClient("alpha", port: port, credentials: foreign)) {
        let reason = try await $0.failure(.certificateRefused)
        #expect(reason.description.contains("not of this aggregator's network"))
      }
      // An expired one of our own.
      let expired = try await network.credentials(
        .site, "old", at: Date(timeIntervalSinceNow: -7200))
      try await withSite(try await network.siteClient("old", port: port, credentials: expired)) {
        let reason = try await $0.failure(.certificateRefused)
        #expect(reason.description == "certificate refused: expired")
      }
      // A revoked one.
      let revoked = try await network.credentials(.site, "gone")
      _ = try await network.desk.revoke(MemberName("gone"), role: .site, at: Date())
      try await withSite(try await network.siteClient("gone", port: port, credentials: revoked)) {
        let reason = try await $0.failure(.certificateRefused)
        #expect(reason.description.contains("revoked"))
      }
      // None at all.
      let calls = MemberCalls(
        address: ServiceAddress(host: "127.0.0.1", port: port), credentials: nil,
        check: network.aggregatorCheck)
      await #expect(throws: TransportError(.certificateRefused)) {
        try await calls.call(.seconds(10)) { client, options in
          _ = try await Wardround_V1_OperatorService.Client(wrapping: client)
            .sites(Wardround_V1_SitesRequest(), options: options)
        }
      }
    }
    let reasons = refusals.all.map { String(describing: $0) }.joined(separator: "\n")
    #expect(reasons.contains("expired") && reasons.contains("revoked"))
  }

  @Test func aSiteRefusesAnAggregatorThatIsNotItsOwn() async throws {
    let network = try CertifiedNetwork()
    let other = try CertifiedNetwork()
    try await withServer(other) { _, port, _ in
      try await withSite(try await network.siteClient("alpha", port: port)) {
        _ = try await $0.failure(.peerCertificateRefused)
      }
    }
  }

  @Test func nobodyListeningIsSaidSo() async throws {
    let network = try CertifiedNetwork()
    let free = try await Relay.start(to: 1)
    free.stop()
    try await withSite(try await network.siteClient("alpha", port: free.port)) {
      let reason = try await $0.failure(.notReachable)
      #expect(reason.description.contains("127.0.0.1:\(free.port)"))
      #expect(reason.description.contains("refused"))
    }
  }

  @Test func anInvitationIsRedeemedOverThePinnedListener() async throws {
    let network = try CertifiedNetwork()
    try await withServer(network, enrolment: true) { _, port, enrolment in
      let now = Date()
      let enrolmentPort = try #require(enrolment)
      let invitation = try await network.desk.invite(
        MemberName("fresh"), as: .site, host: ServerHost("127.0.0.1"),
        enrolmentPort: UInt16(enrolmentPort), servicePort: UInt16(port), validFor: .seconds(60),
        at: now)
      let directory = KeyDirectory(path: network.folder + "/fresh")
      let request = try directory.prepareEnrolment(with: invitation, at: now)
      let address = ServiceAddress(host: "127.0.0.1", port: enrolmentPort)
      let client = EnrolmentClient(
        aggregator: address, pin: invitation.pin, host: invitation.host)
      let answer = try await client.join(request)
      #expect(answer.network == [1, 2, 3])
      _ = try await directory.install(
        chainDER: answer.chainDER, pin: invitation.pin, principal: invitation.principal, at: now)
      try await withSite(
        try await network.siteClient("fresh", port: port, credentials: CredentialFiles(directory))
      ) { _ = try await $0.connections.first() }

      // A used invitation with other keys, and a listener of another network.
      let second = KeyDirectory(path: network.folder + "/second")
      let again = try second.prepareEnrolment(with: invitation, at: now)
      await #expect(throws: TransportError(.refused)) { try await client.join(again) }
      let pin = try CertifiedNetwork().desk.authority.certificate.pin
      await #expect(throws: TransportError(.peerCertificateRefused)) {
        try await EnrolmentClient(aggregator: address, pin: pin, host: invitation.host)
          .join(request)
      }
    }
  }

  @Test(arguments: [TLSVersion.tlsv12, .tlsv13]) func onlyTLS13IsSpoken(
    _ version: TLSVersion
  ) async throws {
    let network = try CertifiedNetwork()
    try await withServer(network, enrolment: true) { _, _, enrolment in
      var tls = TLSConfiguration.makeClientConfiguration()
      tls.minimumTLSVersion = version
      tls.maximumTLSVersion = version
      tls.certificateVerification = .none
      tls.applicationProtocols = ["h2"]
      let context = try NIOSSLContext(configuration: tls)
      let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLClientHandler(context: context, serverHostname: nil))
          }
        }
        .connect(host: "127.0.0.1", port: try #require(enrolment)).get()
      let closed = Eventually<Bool>()
      channel.closeFuture.whenComplete { _ in closed.add(true) }
      if version == .tlsv12 {
        _ = try await closed.first(within: .seconds(5))
      } else {
        try await Task.sleep(for: .milliseconds(500))
        #expect(closed.all.isEmpty)
        channel.close(promise: nil)
      }
    }
  }
}
