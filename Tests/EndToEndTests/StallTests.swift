import Foundation
import Testing

extension EndToEnd {
  /// Hospitals that stop answering without going away.
  @Suite struct Stall {
    /// A frozen hospital costs the round its deadline and no more; the next round does not wait for
    /// it; when it thaws it is back.
    @Test func frozenSiteComesBack() async throws {
      try await TestNetwork.running { network in
        // A slow hospital spaces the rounds.
        try await network.startAll(faults: ["cedar": "freeze@19#4", "birch": "slow@19#40"])
        _ = try await network.propose()
        try await network.wait("cedar to freeze", within: 20) {
          try network.service("cedar").isFrozen
        }
        let frozen = ContinuousClock.now
        try await network.waitForLog("aggregator", "cedar is left out of the round: timeout")
        let cost = ContinuousClock.now - frozen
        // The deadline of a round, 3 s, and no second one.
        #expect(cost > .seconds(2) && cost < .seconds(5.5), "\(cost)")
        try await Task.sleep(for: .seconds(1))
        try network.service("cedar").signal(SIGCONT)
        let finished = try await network.finishing()

        let others = ["alder", "birch", "dogwood"]
        let participants = finished.participants
        #expect(
          finished.warnings.contains { $0.hasPrefix("cedar is left out of the round: timeout") })
        #expect(participants.prefix(3).allSatisfy { $0 == TestNetwork.sites })
        #expect(participants[3] == others)
        #expect(participants.count { $0 == others } >= 2, "\(participants)")
        #expect(participants.last == TestNetwork.sites, "\(participants)\n\(network.logs)")
        // One deadline in all: nobody waited for it a second time.
        let waits = network.log("aggregator").components(separatedBy: "deadline at").count - 1
        #expect(waits == 1, "\(network.log("aggregator"))")
        #expect(network.log("cedar").contains("finished, result"))
      }
    }

    /// It stays frozen: the study ends without it.
    @Test(arguments: [16, 20, 23])
    func frozenSiteStaysFrozen(at kind: Int) async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "freeze@\(kind)#4"])
        _ = try await network.propose(TestStudy.yaml(returnSeconds: 1))
        let finished = try await network.finishing()
        #expect(finished.participants.last == ["alder", "birch", "dogwood"])
        let waits = network.log("aggregator").components(separatedBy: "deadline at").count - 1
        #expect(waits <= 1, "\(network.log("aggregator"))")
      }
    }

    /// Too many are frozen: the study ends with an error that names them, within its deadlines.
    @Test func tooManyAreFrozen() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(
          faults: ["cedar": "freeze@19#4", "dogwood": "freeze@21#6"])
        _ = try await network.propose(TestStudy.yaml(presenceSeconds: 5, returnSeconds: 1))
        let ending = try await network.ending()
        #expect(ending.state == "failed")
        #expect(ending.message.contains("cedar"), "\(ending.message)")
        #expect(ending.message.contains("dogwood"), "\(ending.message)")
        #expect(ending.message.contains("2 of 4 sites are there and 3 are needed"))
      }
    }

    /// A hospital that is never there: no study without it, and no waiting for ever.
    @Test func siteIsNeverThere() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "kill@1"])
        _ = try await network.propose(TestStudy.yaml(presenceSeconds: 5))
        let ending = try await network.ending()
        #expect(ending.state == "failed")
        #expect(ending.message.contains("cedar (not connected)"), "\(ending.message)")
      }
    }
  }
}
