import Aggregator
import Foundation
import Identity
import Site
import SiteData
import Synchronization
import Testing
import Transport

/// Certificates that are renewed while the agent runs.
@Suite(.serialized) struct RenewalTests {
  @Test func aSixSecondCertificateIsRenewedWhileConnected() async throws {
    let network = try await EnrolledNetwork(certificateLifetime: .seconds(6))
    try await network.withServer { membership, server in
      let path = network.site("st-anna")
      let joined = try await SiteJoining.join(
        invitation: membership.invite("st-anna", as: .site).revealedText(), into: path)
      let agent = TestAgent()
      let events = Record<CertificateRenewal.Event>()
      try await agent.running(path) { client in
        let first = try await agent.connections.first()
        let renewal = CertificateRenewal(of: MemberDirectory(path).identity, over: client)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            await renewal.run(onEvent: { events.add($0) }) { agent.connections.all.last?.close() }
          }
          defer { group.cancelAll() }
          let event = try await events.first()
          guard case .renewed(let serial, let until) = event else {
            Issue.record("\(event)")
            return
          }
          #expect(serial != joined.identity.certificate.serial)
          #expect(until > joined.identity.certificate.notValidAfter)
          try await waitUntil { agent.connections.all.count >= 2 }
          #expect(first.closeReason == TransportError(.closed))
          // And past the end of the first certificate the site is still there.
          try await Task.sleep(
            for: .seconds(
              max(0, joined.identity.certificate.notValidAfter.timeIntervalSinceNow + 1)))
          try await waitUntil { server.connectedSites.count == 1 }
          #expect(try MemberDirectory(path).load().certificate.notValidAfter > Date())
        }
      }
      #expect(
        !agent.events.all.contains {
          if case .disconnected(let reason, _) = $0 {
            reason.code == .certificateRefused
          } else {
            false
          }
        })
    }
  }

  @Test func anUnrenewedCertificateEndsWithItsConnection() async throws {
    let network = try await EnrolledNetwork(certificateLifetime: .seconds(2))
    try await network.withServer { membership, _ in
      let path = network.site("st-anna")
      _ = try await SiteJoining.join(
        invitation: membership.invite("st-anna", as: .site).revealedText(), into: path)
      let agent = TestAgent()
      try await agent.running(path) { _ in
        let connection = try await agent.connections.first()
        try await waitUntil { connection.closeReason != nil }
        let event = try await agent.events.first {
          if case .disconnected(let reason, _) = $0 {
            reason.code == .certificateRefused
          } else {
            false
          }
        }
        #expect(String(describing: event).contains("expired"))
      }
    }
  }

  @Test func aFailureIsReportedAndTriedAgain() async throws {
    let network = try await EnrolledNetwork(certificateLifetime: .seconds(3600))
    try await network.withServer { membership, _ in
      let path = network.site("st-anna")
      let joined = try await SiteJoining.join(
        invitation: membership.invite("st-anna", as: .site).revealedText(), into: path)
      let start = joined.identity.certificate.notValidBefore
      // A clock that jumps by what the agent sleeps, and an aggregator that is away twice.
      let clock = Mutex(start)
      let failures = Mutex(2)
      let waits = Record<Duration>()
      let events = Record<CertificateRenewal.Event>()
      let reconnections = Record<Bool>()
      let configuration = try SiteConfiguration.read(path: path + "/site.yaml")
      let client = SiteClient(try SiteDirectory(path).clientConfiguration(configuration))
      let renewal = CertificateRenewal(
        of: MemberDirectory(path).identity, clock: { clock.withLock { $0 } },
        sleep: { wait in
          waits.add(wait)
          clock.withLock { $0 += wait / .seconds(1) }
          if !reconnections.all.isEmpty { throw CancellationError() }
        },
        request: { request in
          let isAway = failures.withLock { left in
            left -= 1
            return left >= 0
          }
          if isAway { throw TransportError(.notReachable) }
          return try await client.renew(requestDER: request)
        })
      await renewal.run(onEvent: { events.add($0) }) { reconnections.add(true) }
      #expect(reconnections.all.count == 1)
      #expect(events.all.count == 3)
      for event in events.all.prefix(2) {
        guard case .failed(let reason, let delay) = event else {
          Issue.record("\(event)")
          continue
        }
        #expect(reason.contains("not reachable"))
        #expect(delay >= .milliseconds(250) && delay < .seconds(120))
      }
      // Two thirds of an hour and six minutes of back-dating: 2640 s after its start.
      #expect(abs((waits.all.first ?? .zero) / .seconds(1) - 2600) < 60)
      let after = try MemberDirectory(path).load()
      #expect(after.certificate.serial != joined.identity.certificate.serial)
      #expect(after.signingKey.publicKey == joined.identity.signingKey.publicKey)
    }
  }

  @Test func anExpiredCertificateIsSaidToBe() async throws {
    let network = try await EnrolledNetwork(certificateLifetime: .seconds(3600))
    try await network.withServer { membership, _ in
      let path = network.site("st-anna")
      _ = try await SiteJoining.join(
        invitation: membership.invite("st-anna", as: .site).revealedText(), into: path)
      let events = Record<CertificateRenewal.Event>()
      let renewal = CertificateRenewal(
        of: MemberDirectory(path).identity, clock: { Date(timeIntervalSinceNow: 7200) },
        sleep: { _ in throw CancellationError() }, request: { _ in [] })
      await renewal.run(onEvent: { events.add($0) }) {}
      guard case .expired? = events.all.first else {
        Issue.record("\(events.all)")
        return
      }
      // A folder without an identity is reported, not fatal.
      let nowhere = CertificateRenewal(
        of: KeyDirectory(path: network.site("nobody")),
        sleep: { _ in throw CancellationError() }, request: { _ in [] })
      await nowhere.run(onEvent: { events.add($0) }) {}
      guard case .failed? = events.all.last else {
        Issue.record("\(events.all)")
        return
      }
    }
  }
}
