import Cohort
import Cryptography
import Foundation
import Identity
import SecureAggregation
import Study

/// What the processes of a benchmark share: a folder with the keys and certificates of a network that
/// exists for this run only, and the study whose rounds are measured.
struct Network {
  let folder: String
  let siteCount: Int
  /// Elements of a round's vector, with the constant one.
  let length: Int

  static let study = "round-benchmark"
  static let rowCount = 64

  var siteNames: [String] { (1...siteCount).map { "site-\($0)" } }
  var portFile: String { "\(folder)/port" }

  func directory(_ name: String) -> KeyDirectory { KeyDirectory(path: "\(folder)/keys/\(name)") }

  /// Makes the authority and everybody's keys, certificates and signatures.
  func create() async throws {
    for path in ["keys", "spool", "stores"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
    }
    let network = try MemberName("benchmark")
    let now = Date()
    let desk = EnrolmentDesk(
      authority: try CertificateAuthority.create(
        in: "\(folder)/authority", network: network, at: now.addingTimeInterval(-60)),
      ledger: MemoryEnrolmentLedger())
    _ = try await desk.localIdentity(
      in: directory("aggregator"),
      as: Principal(network: network, role: .aggregator, name: try MemberName("aggregator")),
      hosts: [ServerHost("127.0.0.1")], at: now)
    for name in siteNames {
      _ = try await desk.localIdentity(
        in: directory(name),
        as: Principal(network: network, role: .site, name: try MemberName(name)), at: now)
    }
    let keys = try siteNames.map { try signingKey(of: $0) }
    let manifest = try manifest(keys.map(\.verifyingKey))
    let signed = try SignedManifest(
      manifest, signatures: keys.map { SignedManifest.signature(on: manifest, by: $0) })
    try Data(signed.bytes).write(to: URL(fileURLWithPath: "\(folder)/manifest"))
  }

  private func manifest(_ keys: [VerifyingKey]) throws -> Manifest {
    try Manifest(
      studyIdentifier: Self.study, purpose: "benchmark", aggregatorName: "aggregator",
      aggregatorKey: try signingKey(of: "aggregator").verifyingKey,
      roster: zip(siteNames, keys).map {
        Manifest.Member(siteName: $0, legalEntity: $0, key: $1)
      }, programDigest: try agreedStudy().digest, epochRoundLimit: 4_096)
  }

  func signingKey(of name: String) throws -> Cryptography.SigningKey {
    try directory(name).load().signingKey.withSeed {
      try Cryptography.SigningKey(seed: SecretBytes(copying: $0))
    }
  }

  func signedManifest() throws -> SignedManifest {
    try SignedManifest([UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/manifest"))))
  }

  // MARK: - The study

  /// A study whose profile counts fill a vector of the wanted length: four counts, two of every
  /// feature, and the constant element.
  func agreedStudy() throws -> AgreedStudy {
    var plan = try StudyPlan(yaml: Self.planText, file: "study.yaml")
    plan.cohort.features = features
    return AgreedStudy(plan: plan, sites: siteNames, disclosures: [])
  }

  private var features: [FeatureSpecification] {
    (0..<max((length - 5) / 2, 1)).map { FeatureSpecification("f\($0)", kind: .flag) }
  }

  /// The length that the study's sums have in fact.
  var vectorLength: Int { 5 + 2 * features.count }

  /// A few synthetic patients, all in one shared column.
  func cohort() throws -> CohortTable {
    let rows = Self.rowCount
    let column = CohortTable.Column.flag((0..<rows).map { $0.isMultiple(of: 3) ? 1 : 0 })
    return try CohortTable(
      features: features, columns: features.map { _ in column },
      outcome: (0..<rows).map { $0.isMultiple(of: 5) ? 1 : 0 },
      isHoldout: (0..<rows).map { $0.isMultiple(of: 4) })
  }

  static let planText = """
    study: \(study)
    title: Benchmark
    task:
      user: nobody
      decision: none
      action: none
      harm_of_false_positive: none
      harm_of_false_negative: none
      responsible_role: nobody
    cohort: {}
    outcome: {name: y, column: y, positive: [1]}
    features:
      - {name: f0, type: flag}
    holdout: {fraction: 0.3}
    models:
      - {name: m, learner: logistic, training: newton}
    deadlines: {round_seconds: 60}
    """
}
