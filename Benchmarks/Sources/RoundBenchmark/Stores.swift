import Foundation
import Store

extension Network {
  /// The aggregator's new store, in which the study runs.
  func aggregatorStore() async throws -> AggregatorStore {
    let store = try AggregatorStore(path: "\(folder)/stores/aggregator.sqlite") {
      Date().timeIntervalSince1970
    }
    try await store.propose(
      id: Self.study, name: "benchmark", yaml: Self.planText,
      planDigest: agreedStudy().digest.bytes, proposer: "benchmark")
    try await store.setStatus(Self.study, to: .running)
    return store
  }

  /// A site's new store, in which the study is approved and runs.
  func siteStore(of name: String) async throws -> SiteStore {
    let store = try SiteStore(path: "\(folder)/stores/\(name).sqlite") {
      Date().timeIntervalSince1970
    }
    let digest = try agreedStudy().digest.bytes
    _ = try await store.propose(
      id: Self.study, name: "benchmark", planText: Self.planText, planDigest: digest,
      proposer: "benchmark")
    try await store.decide(
      Self.study, planDigest: digest, approved: true, by: "benchmark", reason: "benchmark")
    try await store.setStatus(Self.study, to: .running)
    return store
  }
}
