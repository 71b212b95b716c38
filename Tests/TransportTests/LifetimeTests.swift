import Foundation
import Identity
import Synchronization
import Testing
import Transport

/// How connections end and come back: revocation, doubles, restarts, silence, frozen peers.
@Suite(.serialized) struct LifetimeTests {
  @Test func revokingCutsALiveConnectionAtOnce() async throws {
    let network = try CertifiedNetwork()
    try await withServer(network) { _, port, _ in
      let operating = OperatorClient(
        aggregator: ServiceAddress(host: "127.0.0.1", port: port),
        credentials: try await network.credentials(.operator, "olga"),
        check: network.aggregatorCheck)
      try await withSite(try await network.siteClient("alpha", port: port)) { probe in
        let connection = try await probe.connections.first()
        try await operating.revoke(name: "alpha", role: .site)
        let end = ContinuousClock.now + .seconds(1)
        while connection.closeReason == nil, ContinuousClock.now < end {
          try await Task.sleep(for: .milliseconds(5))
        }
        #expect(connection.closeReason == TransportError(.revoked))
        // And it does not come back.
        let reason = try await probe.failure(.certificateRefused)
        #expect(reason.description.contains("revoked"))
        #expect(probe.connections.all.count == 1)
      }
    }
  }

  @Test func theOlderOfTwoAgentsWins() async throws {
    let network = try CertifiedNetwork()
    try await withServer(network) { server, port, _ in
      let credentials = try await network.credentials(.site, "alpha")
      let first = try await network.siteClient("alpha", port: port, credentials: credentials)
      let second = try await network.siteClient("alpha", port: port, credentials: credentials)
      let elder = Eventually<any SiteConnection>()
      let running = Task {
        await first.run { connection in
          elder.add(connection)
          while connection.closeReason == nil { try await Task.sleep(for: .milliseconds(5)) }
        }
      }
      let connection = try await elder.first()
      try await withSite(second) { probe in
        let reason = try await probe.failure(.duplicateIdentity)
        #expect(reason.description.contains("site alpha is connected already"))
        #expect(connection.closeReason == nil && server.connectedSites.count == 1)
        // When the older one goes, the other gets in by itself.
        running.cancel()
        await running.value
        _ = try await probe.connections.first()
      }
    }
  }

  @Test func aSiteComesBackAfterARestart() async throws {
    let network = try CertifiedNetwork()
    let port = try await withServer(network) { _, port, _ in port }
    let client = try await network.siteClient("alpha", port: port)
    try await withSite(client) { probe in
      _ = try await probe.failure(.notReachable)
      for round in 1...2 {
        try await withServer(network, port: port) { _, _, _ in
          try await eventually { probe.connections.all.count == round }
        }
        let reason = try await probe.failure(.shuttingDown)
        #expect(reason.description.contains("the aggregator is shutting down"))
      }
    }
  }

  @Test func stoppingDoesNotWaitForABusyHandler() async throws {
    let network = try CertifiedNetwork()
    let handler = TestHandler(desk: network.desk) { connection in
      while connection.closeReason == nil { try? await Task.sleep(for: .milliseconds(20)) }
    }
    let start = try await withServer(network, handler: handler) { _, port, _ in
      try await withSite(try await network.siteClient("alpha", port: port)) { probe in
        _ = try await probe.connections.first()
        return ContinuousClock.now
      }
    }
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func heartbeatsKeepAnIdleConnectionAlive() async throws {
    let settings = ConnectionSettings.fast.with {
      $0.heartbeatInterval = .milliseconds(100)
      $0.deadPeerAfter = .seconds(1)
    }
    for medium in Medium.allCases {
      try await withPair(medium, settings: settings, onAggregator: echo) { probe in
        let connection = try await probe.connections.first()
        try await Task.sleep(for: .milliseconds(1500))
        #expect(connection.closeReason == nil)
      }
    }
  }

  @Test func bothSidesNoticeADeadLink() async throws {
    let settings = ConnectionSettings.fast.with {
      $0.heartbeatInterval = .milliseconds(200)
      $0.deadPeerAfter = .seconds(1)
    }
    let network = try CertifiedNetwork()
    let far = Eventually<any SiteConnection>()
    let handler = TestHandler(desk: network.desk) { connection in
      far.add(connection)
      while connection.closeReason == nil { try? await Task.sleep(for: .milliseconds(5)) }
    }
    try await withServer(network, settings: settings, handler: handler) { server, port, _ in
      let relay = try await Relay.start(to: port)
      defer { relay.stop() }
      try await withSite(
        try await network.siteClient("alpha", port: relay.port, settings: settings)
      ) { probe in
        let near = try await probe.connections.first()
        let distant = try await far.first()
        try await relay.freeze()
        try await eventually(within: .seconds(5)) {
          near.closeReason == TransportError(.peerSilent)
            && distant.closeReason == TransportError(.peerSilent)
        }
        #expect(distant.closeReason?.description.contains("site/alpha") == true)
        // The relay takes new connections, so the site is back, and nothing of the old is left.
        try await eventually { probe.connections.all.count >= 2 }
        try await eventually { server.connectedSites.count == 1 }
      }
    }
  }

  @Test func aFrozenSiteCostsTheOthersNothing() async throws {
    let settings = ConnectionSettings.fast.with {
      $0.deadPeerAfter = .seconds(4)
      $0.maximumQueuedFrames = 50
    }
    let network = try CertifiedNetwork()
    let connections = Eventually<any SiteConnection>()
    let handler = TestHandler(desk: network.desk) { connection in
      connections.add(connection)
      while connection.closeReason == nil { try? await Task.sleep(for: .milliseconds(5)) }
    }
    try await withServer(network, settings: settings, handler: handler) { _, port, _ in
      let relay = try await Relay.start(to: port)
      defer { relay.stop() }
      try await withSite(
        try await network.siteClient("frozen", port: relay.port, settings: settings)
      ) { _ in
        let frozen = try await connections.first { $0.peer.name.text == "frozen" }
        try await withSite(try await network.siteClient("lively", port: port, settings: settings)) {
          probe in
          let lively = try await connections.first { $0.peer.name.text == "lively" }
          let near = try await probe.connections.first()
          try await relay.freeze()
          // More than the windows and socket buffers hold.
          let payload = Payload([UInt8](repeating: 3, count: 400_000))
          var queueWasFull = false
          for index in 0..<200 {
            do { try frozen.enqueue(Frame(kind: UInt16(index), payload: payload)) } catch {
              #expect(error as? TransportError == TransportError(.queueFull))
              queueWasFull = true
              break
            }
            let start = ContinuousClock.now
            try await lively.send(Frame(kind: UInt16(index)))
            #expect(try await near.frames.next()?.kind == UInt16(index))
            #expect(ContinuousClock.now - start < .seconds(2))
          }
          #expect(queueWasFull)
          #expect(frozen.closeReason != nil)
          #expect(lively.closeReason == nil)
          // A sender that waits is let go, too.
          await #expect(throws: TransportError.self) { try await frozen.send(Frame(kind: 1)) }
        }
      }
    }
  }

  @Test func aSenderToAFrozenPeerIsLetGo() async throws {
    let settings = ConnectionSettings.fast.with {
      $0.sendDeadline = .milliseconds(800)
      $0.deadPeerAfter = .seconds(60)
    }
    let network = try CertifiedNetwork()
    try await withServer(network, settings: settings) { _, port, _ in
      let relay = try await Relay.start(to: port)
      defer { relay.stop() }
      try await withSite(
        try await network.siteClient("alpha", port: relay.port, settings: settings)
      ) { probe in
        let connection = try await probe.connections.first()
        try await relay.freeze()
        let payload = Payload([UInt8](repeating: 3, count: 500_000))
        let error = await #expect(throws: TransportError.self) {
          for _ in 0..<200 { try await connection.send(Frame(kind: 1, payload: payload)) }
        }
        #expect(error?.code == .peerStalled)
      }
    }
  }

  @Test func aRenewedCertificateIsUsedFromTheNextConnectionOn() async throws {
    let network = try CertifiedNetwork()
    try await withServer(network) { _, port, _ in
      let credentials = try await network.credentials(.site, "alpha")
      let client = try await network.siteClient("alpha", port: port, credentials: credentials)
      let directory = KeyDirectory(path: network.folder + "/site-alpha")
      try await withSite(client) { probe in
        let connection = try await probe.connections.first()
        let before = try directory.load()
        let chain = try await client.renew(requestDER: directory.prepareRenewal())
        let after = try await directory.install(
          chainDER: chain, pin: network.desk.authority.certificate.pin,
          principal: before.principal, at: Date())
        #expect(after.certificate.serial != before.certificate.serial)
        connection.close()
        try await eventually { probe.connections.all.count >= 2 }
      }
    }
  }
}
