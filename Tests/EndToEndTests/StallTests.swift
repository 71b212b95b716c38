import Foundation
import Testing

extension EndToEnd {
  /// Hospitals that stop answering without going away, or cannot write any more.
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
        try await network.waitForLog("aggregator", "cedar is left out of the round: timeout")
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

    private static let mount = URL(fileURLWithPath: "/bin/mount")

    /// Whether this account may mount a file system of its own.
    private static func mayMount() async -> Bool {
      let folder = NSTemporaryDirectory() + "wardround-mount-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let mounted = try await Command.run(
          mount, ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder])
        guard mounted.status == 0 else { return false }
        try await unmount(folder)
        return true
      } catch {
        return false
      }
    }

    /// The disk of a hospital is full in the middle of a study: it says so by name, the others go on.
    @Test(
      .enabled("a full disk needs the right to mount a tmpfs, which this account has not") {
        await mayMount()
      })
    func diskIsFull() async throws {
      try await TestNetwork.running { network in
        let state = "\(network.site("cedar"))/state"
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        let mounted = try await Command.run(
          Self.mount, ["-t", "tmpfs", "-o", "size=1m", "tmpfs", state])
        try #require(mounted.status == 0, "\(mounted.error)")
        do {
          try await fill(state, network)
          try await network.kill("cedar")
          try await Self.unmount(state)
        } catch {
          network.stopAll()
          try await Self.unmount(state)
          throw error
        }
      }
    }

    private func fill(_ state: String, _ network: TestNetwork) async throws {
      try await network.startAll(faults: ["birch": "slow@19#6"])
      _ = try await network.propose()
      try await network.waitForStage("prepare")
      // The last of the space goes to another file.
      let filler = "\(state)/filler"
      _ = FileManager.default.createFile(atPath: filler, contents: nil)
      if let handle = FileHandle(forWritingAtPath: filler) {
        while (try? handle.write(contentsOf: Data(repeating: 7, count: 4096))) != nil {}
      }
      let finished = try await network.finishing()
      #expect(finished.participants.last == ["alder", "birch", "dogwood"])
      for name in ["cedar", "aggregator"] {
        #expect(network.log(name).contains("disk is full"), "\(network.logs)")
      }
      #expect(finished.warnings.contains { $0.hasPrefix("cedar left the study: the disk is full") })
    }

    private static func unmount(_ path: String) async throws {
      _ = try await Command.run(URL(fileURLWithPath: "/bin/umount"), ["-l", path])
    }
  }
}
