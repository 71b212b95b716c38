import Foundation
import Testing

extension EndToEnd {
  /// What a demo leaves behind when it is stopped.
  @Suite struct DemoProcesses {
    /// A process and its parent, while it runs.
    private struct Running {
      var identifier: Int32
      var parent: Int32
      var arguments: [String]

      static func all() -> [Running] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { Running($0) }
      }

      init?(_ identifier: Int32) {
        func read(_ name: String) -> String {
          String(
            decoding: FileManager.default.contents(atPath: "/proc/\(identifier)/\(name)") ?? Data(),
            as: UTF8.self)
        }
        // After the name in brackets: state, parent.
        let facts = read("stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard facts.count > 1, facts[0] != "Z", let parent = Int32(facts[1]) else { return nil }
        self.identifier = identifier
        self.parent = parent
        arguments = read("cmdline").split(separator: "\0").map(String.init)
      }
    }

    /// However the demo is stopped, its aggregator and its hospitals stop too.
    @Test(arguments: [SIGTERM, SIGINT, SIGKILL])
    func noProcessIsLeft(signal: Int32) async throws {
      try await TestNetwork.running { network in
        let data = "\(network.folder)/data"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let study = "\(network.folder)/study.yaml"
        try Data(TestStudy.text.utf8).write(to: URL(fileURLWithPath: study))
        for name in TestNetwork.sites {
          try FileManager.default.copyItem(
            atPath: "\(network.site(name))/patients.csv", toPath: "\(data)/\(name).csv")
        }
        // Slow hospitals keep the study from ending first.
        try network.start(
          "demo",
          ["demo", "--study", study, "--data", data, "--output", "\(network.folder)/run"],
          environment: ["WARDROUND_TEST_FAULT": "slow@19#40"])
        let demo = try network.service("demo").identifier
        let services = {
          Running.all().filter { $0.parent == demo && $0.arguments.contains("run") }
        }
        try await network.wait("the demo's processes", within: 30) { services().count == 5 }
        try await network.waitForLog("demo", "have joined", within: 30)
        let started = services()
        #expect(started.count == 5)

        try network.service("demo").signal(signal)
        try await network.waitForEnd(of: "demo", within: 10)
        if signal != SIGKILL { #expect(try network.service("demo").status == 128 + signal) }
        let identifiers = Set(started.map(\.identifier))
        let left = { Running.all().filter { identifiers.contains($0.identifier) } }
        do {
          try await network.wait("the end of the demo's processes", within: 15) { left().isEmpty }
        } catch {
          for process in left() { kill(process.identifier, SIGKILL) }
          throw error
        }
      }
    }
  }
}
