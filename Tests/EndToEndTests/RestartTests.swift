import Foundation
import PortableNumerics
import Testing

extension EndToEnd {
  /// Processes that end in the middle of a study and are started again.
  @Suite struct Restart {
    @Test func aggregatorIsKilled() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        // A hospital that is slow makes the middle of the study long enough to hit.
        try await network.startAll(faults: ["birch": "slow@19#6"])
        _ = try await network.propose()
        try await network.waitForStage("prepare")
        try await network.kill("aggregator")
        try await network.startAggregator()
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest)
        #expect(finished.participants == undisturbed.participants)
      }
    }

    @Test func aggregatorIsKilledTwice() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["birch": "slow@23#12"])
        _ = try await network.propose()
        for _ in 0..<2 {
          try await Task.sleep(for: .milliseconds(1200))
          try await network.kill("aggregator")
          try await network.startAggregator()
        }
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest)
      }
    }

    @Test func siteIsRestartedInOrder() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["birch": "slow@19#6"])
        _ = try await network.propose()
        try await network.waitForStage("prepare")
        try network.service("alder").signal(SIGTERM)
        try await network.waitForEnd(of: "alder")
        #expect(network.log("alder").contains("stopped"))
        try network.startSite("alder")
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest)
      }
    }

    @Test func everythingIsKilled() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["birch": "slow@19#6"])
        _ = try await network.propose()
        try await network.waitForStage("prepare")
        for name in ["aggregator"] + TestNetwork.sites { try await network.kill(name) }
        try await network.startAll()
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest)
      }
    }

    /// Any process at any time, one after the other; more seeds with WARDROUND_SEEDS.
    @Test(
      arguments: 1...(ProcessInfo.processInfo.environment["WARDROUND_SEEDS"].flatMap(Int.init) ?? 2)
    )
    func anybodyIsKilled(seed: Int) async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        var generator = SplitMix64(seed: UInt64(seed))
        try await network.startAll(faults: ["birch": "slow@19#12"])
        _ = try await network.propose()
        for _ in 0..<4 {
          try await Task.sleep(for: .milliseconds(100 + Int(generator.next() % 900)))
          let name = (["aggregator"] + TestNetwork.sites)[Int(generator.next() % 5)]
          try await network.kill(name)
          if name == "aggregator" {
            try await network.startAggregator()
          } else {
            try network.startSite(name, fault: "slow@19#3")
          }
        }
        let finished = try await network.finishing()
        if finished.participants == undisturbed.participants {
          #expect(finished.digest == undisturbed.digest, "seed \(seed)")
        } else {
          #expect(!finished.warnings.isEmpty, "seed \(seed)")
        }
      }
    }

    /// The study has ended when the hospital comes back: it is told so and does not wait.
    @Test func siteComesBackTooLate() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "kill@18#5"])
        _ = try await network.propose(TestStudy.yaml(returnSeconds: 1))
        _ = try await network.finishing()
        try network.startSite("cedar")
        try await network.waitForLog("cedar", "the study was finished while this site was away")
        let studies = try await Command.run([
          "site", "studies", "--directory", network.site("cedar"), "--json",
        ])
        #expect(studies.output.contains("\"failed\""), "\(studies.output)\(studies.error)")
      }
    }
  }
}
