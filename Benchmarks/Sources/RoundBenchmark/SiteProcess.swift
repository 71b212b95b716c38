import BenchmarkSupport
import Foundation
import Identity
import Site
import Store
import Study
import Transport

/// A hospital's process: the real client, store, door and run. It answers the rounds
/// that the aggregator measures.
struct SiteProcess {
  let network: Network
  let name: String
  let rounds: Int

  /// Returns seconds of processor time per measured round.
  func run() async throws -> Double {
    let store = try await network.siteStore(of: name)
    let study = try network.agreedStudy()
    guard let position = network.siteNames.firstIndex(of: name) else {
      throw Problem("there is no \(name)")
    }
    let name = name
    let run = try await SiteRun.open(
      .init(
        study: study, manifest: network.signedManifest(), index: UInt16(position + 1),
        signingKey: network.signingKey(of: name),
        policy: SitePolicy(minimumCohort: 1), store: store, cohort: network.cohort()),
      log: { FileHandle.standardError.write(Data("\(name): \($0)\n".utf8)) })
    let client = try network.client(of: name)
    let connecting = Task {
      await client.run(
        onConnected: { connection in
          run.connected(connection)
          defer { run.disconnected() }
          while let frame = try await connection.frames.next() {
            run.receive(frame, over: connection)
          }
        })
    }
    let rounds = rounds
    let seconds = try await run.run { run in
      for _ in 0..<AggregatorProcess.warmUpCount { _ = try await run.sum(.profile) }
      let start = CPUClock.seconds
      for _ in 0..<rounds { _ = try await run.sum(.profile) }
      return (CPUClock.seconds - start) / Double(rounds)
    }
    // Its end tells the aggregator that this site has every result.
    connecting.cancel()
    await connecting.value
    return seconds
  }
}
