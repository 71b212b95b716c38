import Foundation
import Identity
import Synchronization
import Testing
import Transport

/// The two ways of connecting a site to an aggregator. Every law of `SiteConnection` is checked on
/// both.
enum Medium: String, CaseIterable, Sendable {
  case memory, network
}

/// A site and an aggregator over either medium, for the duration of a body.
func withPair(
  _ medium: Medium, settings: ConnectionSettings = .fast,
  onAggregator: @escaping @Sendable (any SiteConnection) async -> Void,
  _ body: @escaping @Sendable (SiteProbe) async throws -> Void
) async throws {
  let network = try CertifiedNetwork()
  switch medium {
  case .network:
    let handler = TestHandler(desk: network.desk, onConnected: onAggregator)
    try await withServer(network, settings: settings, handler: handler) { _, port, _ in
      try await withSite(
        try await network.siteClient("alpha", port: port, settings: settings), body)
    }
  case .memory:
    var backoff = Backoff()
    backoff.initial = .milliseconds(20)
    let memory = InMemoryNetwork(
      aggregator: try network.principal(.aggregator, "hub"), settings: settings, backoff: backoff,
      siteConnected: onAggregator)
    try await withMemorySite(memory, try network.principal(.site, "alpha"), body)
  }
}

/// Runs a site of an in-memory network for the duration of a body.
func withMemorySite(
  _ memory: InMemoryNetwork, _ site: Principal,
  _ body: @escaping @Sendable (SiteProbe) async throws -> Void
) async throws {
  let probe = SiteProbe()
  try await withThrowingTaskGroup(of: Bool.self) { group in
    group.addTask {
      await memory.runSite(site, onEvent: { probe.events.add($0) }) { connection in
        probe.connections.add(connection)
        while connection.closeReason == nil { try await Task.sleep(for: .milliseconds(5)) }
      }
      return false
    }
    group.addTask {
      try await body(probe)
      return true
    }
    defer { group.cancelAll() }
    while let isBody = try await group.next() { if isBody { return } }
  }
}

let echo: @Sendable (any SiteConnection) async -> Void = { connection in
  do {
    for try await frame in connection.frames { try await connection.send(frame) }
  } catch {}
}

@Suite(.serialized) struct ParityTests {
  @Test(arguments: Medium.allCases) func framesComeBackInOrder(_ medium: Medium) async throws {
    try await withPair(medium, onAggregator: echo) { probe in
      let connection = try await probe.connections.first()
      #expect(connection.peer.role == .aggregator)
      for index in 0..<150 {
        try await connection.send(
          Frame(
            kind: UInt16(index), study: "s", body: [UInt8](repeating: 7, count: index),
            payload: index % 3 == 0 ? Payload([UInt8](repeating: UInt8(index), count: index)) : nil)
        )
        // Not more on the way than both queues hold: the echo stops reading when it cannot send.
        if index >= 30 {
          let frame = try #require(try await connection.frames.next())
          #expect(frame.kind == UInt16(index - 30) && frame.study == "s")
          #expect(frame.body.count == index - 30)
        }
      }
      for index in 120..<150 {
        let frame = try #require(try await connection.frames.next())
        #expect(frame.kind == UInt16(index))
        #expect((frame.payload != nil) == (index % 3 == 0))
      }
    }
  }

  @Test(arguments: Medium.allCases) func longPayloadArrivesWhole(_ medium: Medium) async throws {
    let received = Eventually<Payload>()
    try await withPair(
      medium,
      onAggregator: { connection in
        do {
          for try await frame in connection.frames {
            if let payload = frame.payload { received.add(payload) }
            try await connection.send(frame)
          }
        } catch {}
      }
    ) { probe in
      let connection = try await probe.connections.first()
      // 20 MB, not a multiple of the chunk, with a pattern that shows an exchanged chunk.
      let bytes = (0..<20_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 20) }
      try await connection.send(Frame(kind: 9, payload: Payload(bytes)))
      let back = try #require(try await connection.frames.next())
      #expect(try back.payload?.bytes() == bytes)
      let far = try await received.first()
      #expect(far.count == bytes.count && far.isSpooled == (medium == .network))
      #expect(try far.bytes(in: 5_000_001..<5_000_100) == Array(bytes[5_000_001..<5_000_100]))
      #expect(throws: TransportError(.spoolFailed)) { try far.bytes(in: 0..<20_000_004) }
    }
  }

  @Test(arguments: Medium.allCases) func limitsAreTheSendersError(_ medium: Medium) async throws {
    var settings = ConnectionSettings.fast
    settings.maximumPayloadBytes = 1 << 20
    try await withPair(medium, settings: settings, onAggregator: echo) { probe in
      let connection = try await probe.connections.first()
      await #expect(throws: TransportError(.bodyTooLarge)) {
        try await connection.send(Frame(kind: 1, body: [UInt8](repeating: 0, count: 512 << 10 + 1)))
      }
      await #expect(throws: TransportError(.payloadTooLarge)) {
        try await connection.send(
          Frame(kind: 1, payload: Payload([UInt8](repeating: 0, count: 1 << 20 + 1))))
      }
      // The connection goes on.
      try await connection.send(Frame(kind: 2))
      #expect(try await connection.frames.next()?.kind == 2)
    }
  }

  @Test(arguments: Medium.allCases) func closingInOrderEndsTheFrames(
    _ medium: Medium
  ) async throws {
    let far = Eventually<any SiteConnection>()
    try await withPair(
      medium,
      onAggregator: { connection in
        far.add(connection)
        try? await connection.send(Frame(kind: 5))
        connection.close()
      }
    ) { probe in
      let connection = try await probe.connections.first()
      _ = try await far.first()
      #expect(try await connection.frames.next()?.kind == 5)
      #expect(try await connection.frames.next() == nil)
      #expect(connection.closeReason == TransportError(.closed))
      await #expect(throws: TransportError(.closed)) { try await connection.send(Frame(kind: 1)) }
      // It comes back by itself.
      try await eventually { probe.connections.all.count >= 2 }
    }
  }

  @Test(arguments: Medium.allCases) func aFailureReachesTheOtherSideInWords(
    _ medium: Medium
  ) async throws {
    try await withPair(
      medium,
      onAggregator: { connection in
        _ = try? await connection.frames.next()
        connection.close(TransportError(.refused, subject: "alpha", detail: "wrong length"))
      }
    ) { probe in
      let connection = try await probe.connections.first()
      try await connection.send(Frame(kind: 1))
      await #expect(throws: TransportError(.refused)) { try await connection.frames.next() }
      let reason = try await probe.failure(.refused)
      #expect(reason.description.contains("alpha: wrong length"))
    }
  }

  @Test(arguments: Medium.allCases) func aCancelledReaderCanReadAgain(
    _ medium: Medium
  ) async throws {
    try await withPair(medium, onAggregator: echo) { probe in
      let connection = try await probe.connections.first()
      let reading = Task { try await connection.frames.next() }
      try await Task.sleep(for: .milliseconds(20))
      reading.cancel()
      await #expect(throws: CancellationError.self) { try await reading.value }
      try await connection.send(Frame(kind: 3))
      #expect(try await connection.frames.next()?.kind == 3)
    }
  }

  @Test(arguments: Medium.allCases) func aSlowReaderHoldsItsSenderBackAndLosesNothing(
    _ medium: Medium
  ) async throws {
    let count = 400
    let received = Mutex(0)
    try await withPair(
      medium,
      onAggregator: { connection in
        try? await Task.sleep(for: .milliseconds(300))
        while let frame = try? await connection.frames.next() {
          received.withLock { if Int(frame.kind) == $0 { $0 += 1 } }
        }
      }
    ) { probe in
      let connection = try await probe.connections.first()
      for index in 0..<count {
        try await connection.send(
          Frame(kind: UInt16(index), body: [UInt8](repeating: 1, count: 100_000)))
      }
      try await eventually { received.withLock { $0 } == count }
    }
  }
}
