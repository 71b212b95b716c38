import Foundation
import Testing

extension EndToEnd {
  /// A hospital whose answers are wrong, and the first to arrive.
  @Suite struct WrongAnswer {
    /// A vector of another length than the query's is left out and named; the others finish.
    @Test(arguments: ["wrong-length", "one-number", "extra-block"])
    func vector(fault: String) async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: [
          "cedar": fault, "alder": "slow@19#3", "birch": "slow@19#3", "dogwood": "slow@19#3",
        ])
        _ = try await network.propose()
        let finished = try await network.finishing()
        let others = ["alder", "birch", "dogwood"]
        #expect(finished.participants.allSatisfy { $0 == others }, "\(finished.participants)")
        #expect(
          finished.warnings.contains { $0.hasPrefix("cedar is left out of the round: vector-") })
      }
    }

    /// An answer that its own door or the program refuses never leaves; the hospital is named.
    @Test(arguments: ["negative-count", "short-answer"])
    func refusedAtTheDoor(fault: String) async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: [
          "cedar": fault, "alder": "slow@19#3", "birch": "slow@19#3", "dogwood": "slow@19#3",
        ])
        _ = try await network.propose()
        let ending = try await network.ending()
        #expect(
          ending.events.contains {
            $0.stage == "warning" && $0.text.contains("cedar left the study: ")
          },
          "\(ending.events)")
        if ending.state == "finished" {
          let finished = try await network.finished()
          #expect(finished.replay.identical)
          #expect(finished.participants.last == ["alder", "birch", "dogwood"])
        } else {
          // Before the first keys all hospitals are needed.
          #expect(ending.message.contains("cedar"), "\(ending.message)")
        }
      }
    }

    /// Local training that overflows, first to answer: the learner's own check stops it, nothing leaves,
    /// and the others finish.
    @Test func trainingThatWentToNaN() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: [
          "cedar": "not-a-number", "alder": "slow@19#99", "birch": "slow@19#99",
          "dogwood": "slow@19#99",
        ])
        _ = try await network.propose(TestStudy.yaml(disclose: false))
        let finished = try await network.finishing()
        #expect(
          finished.warnings.contains {
            $0.hasPrefix("cedar left the study: ") && $0.contains("not finite")
          }, "\(finished.warnings)")
        #expect(finished.participants.first == TestNetwork.sites)
        #expect(finished.participants.last == ["alder", "birch", "dogwood"])
        #expect(finished.replay.identical)
      }
    }

    /// A table of its own that is not what it signed is declined; its part in the sums stays.
    @Test func table() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "random-answer"])
        _ = try await network.propose()
        let finished = try await network.finishing()
        #expect(finished.participants.allSatisfy { $0 == TestNetwork.sites })
        #expect(finished.warnings.contains("cedar: the signature of its answer is wrong"))
        for entry in finished.transcript.entries {
          guard case .answers(let answers) = entry.content else { continue }
          #expect(!answers.map(\.site).contains("cedar"))
        }
      }
    }
  }
}
