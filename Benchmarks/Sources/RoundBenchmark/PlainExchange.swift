import BenchmarkSupport
import Cryptography
import FixedPoint
import Foundation
import Store
import Synchronization
import Transport

/// Sums in clear, for comparison only: the same processes, connections and durable transcripts on both
/// sides, and vectors that go up as they are. There is no such path in the product.
struct PlainExchange {
  let network: Network
  let rounds: Int

  private static let kind: UInt16 = 999

  private var vectorBytes: Int { 4 * network.length }

  // MARK: - Aggregator

  /// Adds the sites' vectors, keeps each sum durably and sends it to all.
  func aggregate() async throws -> AggregatorProcess.Outcome {
    let store = try await network.aggregatorStore()
    let visitors = Visitors()
    let arrivals = Mutex<[any SiteConnection]>([])
    let finished = Mutex(false)
    let server = try network.server { connection in
      arrivals.withLock { $0.append(connection) }
      while !finished.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(5)) }
      visitors.left(connection.peer.name.text)
    }
    let serving = Task { try await network.serve(server) }
    let end = ContinuousClock.now + .seconds(60)
    while arrivals.withLock({ $0.count }) < network.siteCount {
      guard .now < end else { throw Problem("not all sites came") }
      try await Task.sleep(for: .milliseconds(5))
    }
    let connections = arrivals.withLock { $0 }
    var seconds: [Double] = []
    var processorStart = CPUClock.seconds
    let before = ResidentMemory.current()
    for round in 0..<(AggregatorProcess.warmUpCount + rounds) {
      if round == AggregatorProcess.warmUpCount { processorStart = CPUClock.seconds }
      let start = ContinuousClock.now
      try await exchange(UInt64(round), connections, store)
      if round >= AggregatorProcess.warmUpCount {
        seconds.append((ContinuousClock.now - start) / .seconds(1))
      }
    }
    let processor = (CPUClock.seconds - processorStart) / Double(rounds)
    // A connection that is closed at once drops what is still on its way: every site says that it has the last sum.
    for connection in connections { _ = try? await connection.frames.next() }
    finished.withLock { $0 = true }
    try await visitors.departure(
      of: network.siteCount, within: AggregatorProcess.farewellSeconds)
    server.stop()
    try? await serving.value
    return AggregatorProcess.Outcome(
      roundSeconds: seconds, periodSeconds: seconds, memoryBefore: before,
      memoryPeak: ResidentMemory.peak(), processorSeconds: processor)
  }

  private func exchange(
    _ round: UInt64, _ connections: [any SiteConnection], _ store: AggregatorStore
  ) async throws {
    for connection in connections { try connection.enqueue(frame(nil)) }
    var sum = RingVector(zeros: network.length, width: .bits32)
    for connection in connections {
      guard let payload = try await connection.frames.next()?.payload,
        try payload.withUnsafeBytes({ sum.add(littleEndian: $0) })
      else { throw Problem("\(connection.peer) sent no vector") }
    }
    let proof = AggregatorStore.SumProof(
      epoch: 1, round: round + 1, roundOpenBody: [0], resultBody: [0])
    try sum.withUnsafeLittleEndianBytes {
      _ = try store.publish(entry(round), proof: proof, sum: $0)
    }
    let payload = Payload(sum.bytes)
    for connection in connections { try connection.enqueue(frame(payload)) }
  }

  private func frame(_ payload: Payload?) -> Frame {
    Frame(kind: Self.kind, study: Network.study, body: [1], payload: payload)
  }

  private func entry(_ round: UInt64) -> TranscriptEntry {
    func digest(_ round: UInt64) -> [UInt8] {
      Blake2b.hash("plain-benchmark", withUnsafeBytes(of: round.littleEndian) { Array($0) }).bytes
    }
    return TranscriptEntry(
      study: Network.study, index: Int64(round), kind: .sum, queryDigest: digest(round),
      participants: network.siteNames, previousDigest: digest(round), digest: digest(round + 1))
  }

  // MARK: - Site

  /// Sends a vector whenever it is asked and keeps every sum.
  func answer(as name: String) async throws -> Double {
    let store = try await network.siteStore(of: name)
    let client = try network.client(of: name)
    let outcome = Mutex<Double?>(nil)
    let connecting = Task {
      await client.run(
        onConnected: { connection in
          let seconds = try await answer(over: connection, keeping: store)
          // The aggregator closes when every site is done.
          while (try? await connection.frames.next()) != nil {}
          outcome.withLock { $0 = seconds }
        })
    }
    let end = ContinuousClock.now + .seconds(600)
    while outcome.withLock({ $0 }) == nil, .now < end {
      try await Task.sleep(for: .milliseconds(5))
    }
    connecting.cancel()
    await connecting.value
    return outcome.withLock { $0 } ?? 0
  }

  private func answer(
    over connection: any SiteConnection, keeping store: SiteStore
  ) async throws -> Double {
    let vector = [UInt8](repeating: 1, count: vectorBytes)
    var start = CPUClock.seconds
    for round in 0..<(AggregatorProcess.warmUpCount + rounds) {
      if round == AggregatorProcess.warmUpCount { start = CPUClock.seconds }
      _ = try await connection.frames.next()
      try connection.enqueue(frame(Payload(vector)))
      guard let sum = try await connection.frames.next()?.payload else {
        throw Problem("the aggregator sent no sum")
      }
      let long = LongSum(index: Int64(round), width: 32, bytes: try sum.bytes())
      try store.appendJournal(
        JournalBatch(transcript: [entry(UInt64(round))], sums: [long]), study: Network.study,
        durability: .relaxed)
    }
    let seconds = (CPUClock.seconds - start) / Double(rounds)
    try connection.enqueue(frame(nil))
    return seconds
  }
}
