import Foundation
import Testing

extension EndToEnd {
  /// A hospital's process ends at once, at each step of a secure round, and comes back.
  @Suite struct KilledSite {
    /// The kinds of messages of a round, in order (protocol/README.md §4).
    static let steps: [(kind: UInt8, name: String)] = [
      (16, "RoundOpen"), (17, "Shares"), (18, "Lock1"), (19, "Masked"), (20, "Lock2"), (21, "Ack"),
      (22, "AckSet"), (23, "Unmask"), (24, "Result"),
    ]

    /// Back within the plan's grace, it has missed nothing: the result is the undisturbed one, bit
    /// for bit.
    @Test(arguments: steps.map(\.kind))
    func comesBack(at kind: UInt8) async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        // Shares are a message of their own only in the first round with new keys.
        try await network.startAll(faults: ["cedar": "kill@\(kind)#\(kind == 17 ? 1 : 3)"])
        _ = try await network.propose()
        try await network.waitForEnd(of: "cedar")
        #expect(try network.service("cedar").status == SIGKILL)
        try network.startSite("cedar")
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest, "killed at message \(kind)\n\(network.logs)")
        #expect(finished.participants == undisturbed.participants)
      }
    }

    /// Killed and never started again: the others finish without it.
    @Test func staysAway() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "kill@19#4"])
        _ = try await network.propose(TestStudy.yaml(returnSeconds: 1))
        let finished = try await network.finishing()
        #expect(finished.participants.first == TestNetwork.sites)
        #expect(finished.participants.last == ["alder", "birch", "dogwood"])
      }
    }
  }
}
