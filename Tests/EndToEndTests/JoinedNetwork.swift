import Foundation
import PortableNumerics
import Synchronization
import TestSupport

/// Folders that the test process removes when it ends.
private let leftovers = Mutex<[String]>([])

/// A network whose hospitals and researcher have joined, made once; tests run copies of its folder
/// on the same ports, one after the other.
struct JoinedNetwork: Sendable {
  var folder: String
  var ports: (service: Int, enrolment: Int)

  static let shared = Task {
    let network = try await make()
    leftovers.withLock { $0.append(network.folder) }
    atexit {
      for folder in leftovers.withLock({ $0 }) {
        try? FileManager.default.removeItem(atPath: folder)
      }
    }
    return network
  }

  /// Makes a network by the commands that people type.
  ///
  /// - Parameter certificateDays: how long members' certificates are valid.
  static func make(certificateDays: Double = 90) async throws -> JoinedNetwork {
    let folder = NSTemporaryDirectory() + "wardround-joined-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    let network = TestNetwork(folder: folder, ports: try Port.pair())
    defer { network.stopAll() }
    try await checked([
      "aggregator", "init", "--directory", network.aggregator, "--network", "test", "--host",
      "127.0.0.1", "--listen", "127.0.0.1", "--service-port", "\(network.ports.service)",
      "--enrolment-port", "\(network.ports.enrolment)", "--certificate-days",
      "\(certificateDays)",
    ])
    try await network.startAggregator()
    for (number, name) in TestNetwork.sites.enumerated() {
      try await join(name, number: number, network)
    }
    let invitation = try await invite("researcher", role: "researcher", network)
    try await checked(["study", "join", invitation, "--directory", network.researcher])
    return JoinedNetwork(folder: folder, ports: network.ports)
  }

  /// Invites a hospital, joins it and gives it patients; its policy approves studies by itself.
  static func join(_ name: String, number: Int, _ network: TestNetwork) async throws {
    let invitation = try await invite(name, role: "site", network)
    try await checked(["site", "join", invitation, "--directory", network.site(name)])
    try Data(TestStudy.patients(seed: UInt64(number) + 1).utf8)
      .write(to: URL(fileURLWithPath: "\(network.site(name))/patients.csv"))
    try configure(network.site(name), policy: TestStudy.policy)
  }

  /// Replaces the policy and data sections of a `site.yaml`.
  static func configure(_ directory: String, policy: String) throws {
    let path = "\(directory)/site.yaml"
    let written = try String(contentsOfFile: path, encoding: .utf8)
    guard let end = written.range(of: "# What this hospital allows") else {
      throw Failure("site.yaml has another layout than this test knows")
    }
    let text = written[..<end.upperBound] + ".\n" + policy + TestStudy.data
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private static func invite(
    _ name: String, role: String, _ network: TestNetwork
  ) async throws -> String {
    struct Answer: Decodable { var invitation: String }
    let output = try await checked([
      "aggregator", "invite", name, "--role", role, "--directory", network.aggregator, "--json",
    ])
    return try JSONDecoder().decode(Answer.self, from: Data(output.utf8)).invitation
  }

  @discardableResult
  static func checked(_ arguments: [String]) async throws -> String {
    let outcome = try await Command.run(arguments)
    guard outcome.status == 0 else {
      throw Failure("`\(arguments.joined(separator: " "))`: \(outcome.error)")
    }
    return outcome.output
  }
}

/// The study of these tests: the synthetic one, small, with short deadlines.
enum TestStudy {
  static let id = "faults"

  static let text = yaml()

  static func yaml(
    disclose: Bool = true, averagingRounds: Int = 2, presenceSeconds: Int = 20,
    returnSeconds: Int = 8, roundSeconds: Int = 3
  ) -> String {
    let deadlines =
      "deadlines: {round_seconds: \(roundSeconds), answer_seconds: 8,"
      + " presence_seconds: \(presenceSeconds), return_seconds: \(returnSeconds)}"
    return SyntheticStudy.yaml(
      models: SyntheticStudy.newton + SyntheticStudy.averaging("adam", rounds: averagingRounds),
      disclose: disclose, name: id
    )
    .split(separator: "\n", omittingEmptySubsequences: false)
    .map { $0.hasPrefix("deadlines:") ? deadlines : String($0) }
    .joined(separator: "\n") + "\n"
  }

  static let policy = """
    policy:
      minimum_cohort: 20
      minimum_sites_in_sum: 3
      minimum_cell: 1
      auto_approve: true
      disclose: [model-by-site-matrix, leave-one-site-out]

    """

  static let data = """
    data:
      file: patients.csv
      format: csv
      header: true
      missing: [NA]
      patient_id: patient
      columns:
        - {name: patient, type: text}
        - {name: age, type: number, unit: a, range: [18, 110]}
        - {name: lactate, type: number, unit: mmol/L, range: [0, 30]}
        - {name: ward, type: category, levels: [medicine, surgery, neurology]}
        - {name: diabetes, type: flag}
        - {name: died, type: flag}

    """

  /// A hospital's file: seeded patients, some values missing.
  static func patients(count: Int = 150, seed: UInt64) -> String {
    var generator = SplitMix64(seed: seed)
    var text = "patient,age,lactate,ward,diabetes,died\n"
    for number in 0..<count {
      let age = 40 + Int(50 * generator.uniformDouble())
      let sick = generator.uniformDouble()
      let tenths = Int(8 + 40 * sick * generator.uniformDouble())
      let isMeasured = generator.uniformDouble() < 0.3 + 0.6 * sick
      let ward = ["medicine", "surgery", "neurology"][Int(2.999 * generator.uniformDouble())]
      let diabetes = generator.uniformDouble() < 0.2 ? 1 : 0
      let eta = -2 + Double(age - 65) / 15 + 3 * (sick - 0.5) + 0.8 * Double(diabetes)
      let died = generator.uniformDouble() < Portable.sigmoid(eta) ? 1 : 0
      let lactate = isMeasured ? "\(tenths / 10).\(tenths % 10)" : "NA"
      text += "p\(seed)-\(number),\(age),\(lactate),\(ward),\(diabetes),\(died)\n"
    }
    return text
  }
}
