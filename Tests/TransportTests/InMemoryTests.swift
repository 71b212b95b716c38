import Identity
import Synchronization
import Testing
import Transport

/// What only the in-memory network can do: faults by plan, and the aggregator's life by hand.
@Suite struct InMemoryTests {
  private func network(
    faults: FaultPlan = .none,
    _ siteConnected: @escaping @Sendable (any SiteConnection) async -> Void = echo
  ) throws -> (InMemoryNetwork, Principal) {
    let name = try MemberName("north")
    var backoff = Backoff()
    backoff.initial = .milliseconds(10)
    backoff.maximum = .milliseconds(40)
    let memory = InMemoryNetwork(
      aggregator: Principal(network: name, role: .aggregator, name: try MemberName("hub")),
      settings: .fast, backoff: backoff, faults: faults, siteConnected: siteConnected)
    return (memory, Principal(network: name, role: .site, name: try MemberName("alpha")))
  }

  @Test func framesAreDroppedAndDelayedByPlan() async throws {
    let plan = FaultPlan { direction, _, index, _ in
      guard direction == .toAggregator else { return .deliver }
      return index == 1 ? .drop : index == 2 ? .delay(.milliseconds(50)) : .deliver
    }
    let (memory, site) = try network(faults: plan)
    try await withMemorySite(memory, site) { probe in
      let connection = try await probe.connections.first()
      let start = ContinuousClock.now
      for kind: UInt16 in 0..<4 { try await connection.send(Frame(kind: kind)) }
      #expect(ContinuousClock.now - start >= .milliseconds(50))
      for kind: UInt16 in [0, 2, 3] {
        #expect(try await connection.frames.next()?.kind == kind)
      }
    }
  }

  @Test func aCutConnectionComesBack() async throws {
    let cuts = Mutex(0)
    let plan = FaultPlan { direction, _, index, _ in
      guard direction == .toSite, index == 1 else { return .deliver }
      return cuts.withLock { count in
        count += 1
        return count == 1 ? .cut : .deliver
      }
    }
    let (memory, site) = try network(faults: plan)
    try await withMemorySite(memory, site) { probe in
      let first = try await probe.connections.first()
      try await first.send(Frame(kind: 1))
      #expect(try await first.frames.next()?.kind == 1)
      try await first.send(Frame(kind: 2))
      await #expect(throws: TransportError(.connectionLost)) { try await first.frames.next() }
      try await eventually { probe.connections.all.count == 2 }
      let second = probe.connections.all[1]
      for kind: UInt16 in 1...2 {
        try await second.send(Frame(kind: kind))
        #expect(try await second.frames.next()?.kind == kind)
      }
    }
  }

  @Test func aSecondAgentIsRefused() async throws {
    let (memory, site) = try network()
    try await withMemorySite(memory, site) { first in
      _ = try await first.connections.first()
      try await withMemorySite(memory, site) { second in
        _ = try await second.failure(.duplicateIdentity)
        #expect(second.connections.all.isEmpty)
      }
      #expect(memory.connectedSites == [site])
    }
  }

  @Test func stopRestartAndRevokeAreSeenBySites() async throws {
    let (memory, site) = try network()
    try await withMemorySite(memory, site) { probe in
      _ = try await probe.connections.first()
      memory.stop()
      _ = try await probe.failure(.shuttingDown)
      _ = try await probe.failure(.notReachable)
      memory.restart()
      try await eventually { probe.connections.all.count == 2 }
      memory.revoke(site)
      _ = try await probe.failure(.revoked)
      _ = try await probe.failure(.certificateRefused)
      #expect(probe.connections.all.count == 2)
    }
  }
}
