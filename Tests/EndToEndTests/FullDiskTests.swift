import Foundation
import Testing

extension EndToEnd {
  /// A disk that is full in the middle of a study.
  @Suite struct FullDisk {
    /// The disk of a hospital: it says so by name, the others go on.
    @Test(.enabled("\(SmallDisk.need)") { await SmallDisk.isPossible() })
    func ofASite() async throws {
      try await TestNetwork.running { network in
        let state = "\(network.site("cedar"))/state"
        try await SmallDisk.running(at: state, megabytes: 1) { disk in
          defer { network.stopAll() }
          try await network.startAll(faults: ["birch": "slow@19#6"])
          _ = try await network.propose()
          try await network.waitForStage("prepare")
          disk.fill()
          let finished = try await network.finishing()
          #expect(finished.participants.last == ["alder", "birch", "dogwood"])
          for name in ["cedar", "aggregator"] {
            #expect(network.log(name).contains("disk is full"), "\(network.logs)")
          }
          #expect(
            finished.warnings.contains { $0.hasPrefix("cedar left the study: the disk is full") })
        }
      }
    }

    /// The disk of the aggregator: whoever watches learns it, no site is told that the study failed, and
    /// with free space it goes on to the undisturbed result.
    @Test(.enabled("\(SmallDisk.need)") { await SmallDisk.isPossible() })
    func ofTheAggregator() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        try await SmallDisk.running(at: network.aggregator, megabytes: 8) { disk in
          defer { network.stopAll() }
          try await network.startAll(faults: ["birch": "slow@19#6"])
          _ = try await network.propose()
          try await network.waitForStage("prepare")
          disk.fill()
          let watched = try await Command.run([
            "study", "watch", TestStudy.id, "--directory", network.researcher,
          ])
          #expect(watched.status == 1)
          let last = watched.error.split(separator: "\n").last.map(String.init) ?? ""
          #expect(
            last.hasPrefix("\(TestStudy.id): stopped. aggregator: the disk is full;"),
            "\(watched.error)\n\(network.logs)")
          #expect(last.contains("Free space on that disk"))
          #expect(!last.contains(network.folder))
          let listed = try await Command.run([
            "study", "list", "--directory", network.researcher,
          ])
          #expect(listed.output.contains("running"), "\(listed.output)\(listed.error)")
          #expect(listed.output.contains("the disk is full"))
          for name in TestNetwork.sites {
            #expect(!network.log(name).contains("the aggregator says"), "\(network.log(name))")
          }

          try network.service("aggregator").signal(SIGTERM)
          try await network.waitForEnd(of: "aggregator")
          try disk.free()
          try await network.startAggregator()
          let finished = try await network.finishing()
          #expect(finished.digest == undisturbed.digest)
          #expect(finished.participants == undisturbed.participants)
        }
      }
    }

    /// A study that cannot be stored is not proposed, and whoever proposes it learns why.
    @Test(.enabled("\(SmallDisk.need)") { await SmallDisk.isPossible() })
    func beforeTheStudy() async throws {
      try await TestNetwork.running { network in
        try await SmallDisk.running(at: network.aggregator, megabytes: 8) { disk in
          defer { network.stopAll() }
          try await network.startAggregator()
          disk.fill()
          let file = "\(network.folder)/study.yaml"
          try Data(TestStudy.text.utf8).write(to: URL(fileURLWithPath: file))
          let submitted = try await Command.run([
            "study", "submit", file, "--directory", network.researcher,
          ])
          #expect(submitted.status == 1)
          #expect(submitted.error.contains("aggregator: the disk is full"), "\(submitted.error)")
        }
      }
    }
  }
}
