import Foundation
import PortableNumerics
import Study
import Testing
import Transport

extension EndToEnd {
  /// Messages that no agent sends, from somebody with a hospital's own credentials.
  @Suite struct HostileMessages {
    /// Random and truncated frames in the middle of a study change nothing: the agent comes back, and
    /// the result is the undisturbed one.
    @Test func randomAndTruncated() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "kill@19#4"])
        _ = try await network.propose()
        try await network.waitForEnd(of: "cedar")
        try await HostileSite.connected(network.site("cedar")) { connection in
          var generator = SplitMix64(seed: 7)
          // Every kind of the registry (protocol/README.md §15), and two that are in none.
          let kinds: [UInt16] = Array(16...21) + Array(32...37) + [48, 48, 48, 0, 9999]
          // What the aggregator greets a site with, cut short and sent back.
          guard let greeting = try await connection.frames.next() else { return }
          for length in [0, 1, 7, greeting.body.count / 2, greeting.body.count] {
            for kind in kinds {
              try await connection.send(
                Frame(
                  kind: kind, study: TestStudy.id, body: Array(greeting.body.prefix(length))))
            }
          }
          for _ in 0..<400 {
            let count = Int(generator.next() % 300)
            let body = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            let study = generator.next() % 4 == 0 ? "another" : TestStudy.id
            let payload = generator.next() % 8 == 0 ? Payload(body) : nil
            try await connection.send(
              Frame(
                kind: kinds[Int(generator.next() % UInt64(kinds.count))], study: study, body: body,
                payload: payload))
          }
        }
        try network.startSite("cedar")
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest, "seed 7\n\(network.logs)")
      }
    }

    /// A frame beyond the limits ends that connection and nothing else.
    @Test func oversized() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "kill@19#4"])
        _ = try await network.propose()
        try await network.waitForEnd(of: "cedar")
        try await HostileSite.connected(network.site("cedar")) {
          $0.connection.maximumBodyBytes = 1 << 20
        } _: { connection in
          let body = [UInt8](repeating: 9, count: 900 << 10)
          try? await connection.send(Frame(kind: 1, study: TestStudy.id, body: body))
          let end = ContinuousClock.now + .seconds(10)
          while connection.closeReason == nil, .now < end {
            try await Task.sleep(for: .milliseconds(10))
          }
          #expect(connection.closeReason != nil)
        }
        try await HostileSite.connected(network.site("cedar")) { connection in
          // A payload that no round asked for.
          let payload = Payload([UInt8](repeating: 9, count: 8 << 20))
          try? await connection.send(Frame(kind: 1, study: TestStudy.id, payload: payload))
          try await Task.sleep(for: .milliseconds(200))
        }
        try network.startSite("cedar")
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest, "\(network.logs)")
      }
    }
  }
}
