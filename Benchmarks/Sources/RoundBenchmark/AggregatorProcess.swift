import Aggregator
import BenchmarkSupport
import Foundation
import Identity
import Store
import Study
import Synchronization
import Transport

/// The aggregator's process: the real server, store and run, and the rounds as its program.
struct AggregatorProcess {
  let network: Network
  let rounds: Int
  /// Seconds before each round in which the sites get their answers ready.
  let pause: Double

  /// What the process tells its parent.
  struct Outcome: Codable {
    /// Seconds from asking to the published sum.
    var roundSeconds: [Double]
    /// Seconds from one round's result to the next one's, without the pause.
    var periodSeconds: [Double]
    /// Bytes of resident memory before the first round, and the most while rounds ran.
    var memoryBefore: Int
    var memoryPeak: Int
    /// Seconds of processor time of this process per round.
    var processorSeconds: Double
    /// The same of the median site; 0 until the parent fills it in.
    var siteProcessorSeconds = 0.0
  }

  static let warmUpCount = 3
  /// How long the sites have, after the last round, to get its result and leave.
  static let farewellSeconds = 30.0

  func run() async throws -> Outcome {
    let store = try await network.aggregatorStore()
    let study = try network.agreedStudy()
    let run = try await StudyRun.open(
      .init(
        study: study, manifest: network.signedManifest(),
        signingKey: network.signingKey(of: "aggregator"), store: store),
      log: { FileHandle.standardError.write(Data("aggregator: \($0)\n".utf8)) },
      onProgress: { _ in })
    let visitors = Visitors()
    let server = try network.server { connection in
      let site = connection.peer.name.text
      run.connected(site: site, connection)
      do {
        while let frame = try await connection.frames.next() {
          run.receive(frame, from: site, over: connection)
        }
      } catch {
        FileHandle.standardError.write(Data("\(site) is gone: \(error)\n".utf8))
      }
      run.disconnected(site: site, connection)
      visitors.left(site)
    }
    let serving = Task { try await network.serve(server) }
    let outcome = try await run.run { try await measure($0) }
    try await visitors.departure(of: network.siteCount, within: Self.farewellSeconds)
    server.stop()
    try? await serving.value
    return outcome
  }

  private func measure(_ run: StudyRun) async throws -> Outcome {
    for _ in 0..<Self.warmUpCount { _ = try await run.sum(.profile) }
    let before = ResidentMemory.current()
    ResidentMemory.resetPeak()
    let processorStart = CPUClock.seconds
    var periods: [Double] = []
    for _ in 0..<rounds {
      if pause > 0 { try await Task.sleep(for: .seconds(pause)) }
      let start = ContinuousClock.now
      _ = try await run.sum(.profile)
      periods.append((ContinuousClock.now - start) / .seconds(1))
    }
    return Outcome(
      roundSeconds: await Array(run.roundSeconds.suffix(rounds)), periodSeconds: periods,
      memoryBefore: before, memoryPeak: ResidentMemory.peak(),
      processorSeconds: (CPUClock.seconds - processorStart) / Double(rounds))
  }
}
