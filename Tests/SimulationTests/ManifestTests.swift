import Cohort
import Cryptography
import Foundation
import SecureAggregation
import Simulation
import Site
import Store
import Study
import TestSupport
import Testing

/// An aggregator that offers the sites another manifest, or other members, than they can expect.
@Suite struct ManifestTests {
  private static let policy = SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true)

  /// How a study of four hospitals ends: nil for a report, else the error's text.
  private func ending(
    _ yaml: String = SyntheticStudy.yaml(), in folder: String, policy: SitePolicy = policy,
    offering change: (@Sendable (Manifest) throws -> Manifest)? = nil
  ) async throws -> String? {
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(try SyntheticStudy.plan(), patients: 240), into: 4, seed: 5)
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder, policy: policy,
      misbehaviour: Misbehaviour { sender, _, frame, _ in
        guard let change, sender == "aggregator",
          frame.kind == Study.MessageKind.manifest.rawValue,
          case .manifest(var offer)? = try? AggregatorMessage(kind: .manifest, body: frame.body),
          let manifest = try? change(Manifest(offer.manifest))
        else { return frame }
        offer.manifest = manifest.bytes
        return .init(
          kind: frame.kind, study: frame.study, body: AggregatorMessage.manifest(offer).body)
      })
    do {
      _ = try await simulation.run(yaml)
      return nil
    } catch {
      return String(describing: error)
    }
  }

  private func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "manifest-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
  }

  /// A manifest with other rules of the protocol is valid, and no site signs it.
  @Test(arguments: ["differencing", "minimum", "colluders", "rounds", "purpose"])
  func everySiteMakesTheManifestAgain(field: String) async throws {
    let text = try await withFolder { folder in
      try await ending(in: folder) { manifest in
        try Manifest(
          studyIdentifier: manifest.studyIdentifier,
          purpose: field == "purpose" ? "something else" : manifest.purpose,
          aggregatorName: manifest.aggregatorName, aggregatorKey: manifest.aggregatorKey,
          roster: manifest.roster, minimumSites: field == "minimum" ? 2 : manifest.minimumSites,
          maximumColluders: field == "colluders" ? 0 : manifest.maximumColluders,
          differencingFloor: field == "differencing" ? 1 : manifest.differencingFloor,
          programDigest: manifest.programDigest,
          epochRoundLimit: field == "rounds" ? 4_096 : manifest.epochRoundLimit)
      }
    }
    #expect(text?.contains("manifest is not what this site approved") == true, "\(text ?? "")")
  }

  /// A roster with a hospital that the policy does not name is not signed.
  @Test func membersOutsideThePolicyAreRefused() async throws {
    var policy = Self.policy
    policy.members = ["site-1", "site-2", "site-3"]
    let text = try await withFolder { try await ending(in: $0, policy: policy) }
    #expect(text?.contains("the roster names site-4") == true, "\(text ?? "")")
  }

  /// Members are met once; one that comes with another key later is refused, until a person forgets it.
  @Test func aMemberWithAnotherKeyIsRefused() async throws {
    try await withFolder { folder in
      #expect(try await ending(SyntheticStudy.yaml(name: "first"), in: folder) == nil)
      // The hospitals' databases are the same, and all keys are new.
      let text = try await ending(SyntheticStudy.yaml(name: "second"), in: folder)
      #expect(text?.contains("comes with another key") == true, "\(text ?? "")")
      let sites = try (1...4).map { number in
        (number, try SiteStore(path: "\(folder)/sites/site-\(number).sqlite") { 0 })
      }
      for (number, store) in sites {
        let members = try await store.knownMembers().map(\.name)
        #expect(members == (1...4).filter { $0 != number }.map { "site-\($0)" })
        for member in members { try await store.forgetMember(member, by: "steward") }
        let actions = try await store.audit.latestEntries(limit: 1_000).map(\.note.action)
        #expect(actions.count { $0 == "member-first-seen" } == 3)
        #expect(actions.count { $0 == "member-forgotten" } == 3)
        try store.close()
      }
      #expect(try await ending(SyntheticStudy.yaml(name: "third"), in: folder) == nil)
    }
  }

  /// What the plan promises about colluders is not quietly made less.
  @Test func aRosterThatCannotCarryTheColludersIsRefused() throws {
    var plan = try SyntheticStudy.plan()
    var entropy = SystemEntropy()
    let key = try SigningKey(from: &entropy).verifyingKey
    func manifest(_ colluders: Int, _ siteCount: Int) throws -> Manifest {
      plan.privacy.maximumColluders = colluders
      let names = (1...siteCount).map { "site-\($0)" }
      let roster = try names.map {
        Manifest.Member(
          siteName: $0, legalEntity: $0, key: try SigningKey(from: &entropy).verifyingKey)
      }
      return try AgreedStudy(plan: plan, sites: names, disclosures: []).manifest(
        aggregatorName: "aggregator", aggregatorKey: key, roster: roster, minimumSites: 3)
    }
    for siteCount in 3...12 {
      let limit = Manifest.colluderLimit(siteCount: siteCount)
      #expect(try manifest(limit, siteCount).maximumColluders == limit)
      let error = #expect(throws: StudyError.self) { try manifest(limit + 1, siteCount) }
      #expect(error?.message.contains("\(siteCount) sites carry \(limit)") == true)
    }
  }
}
