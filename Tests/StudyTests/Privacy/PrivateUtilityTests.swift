import Foundation
import LinearModels
import Testing

@testable import Study

/// What differential privacy costs in discrimination. The fast part of each measurement is asserted;
/// with WARDROUND_PRIVATE_UTILITY=1 the whole tables of the studies' pages are measured and printed.
@Suite("Utility under differential privacy", .serialized)
struct PrivateUtilityTests {
  private static let delta = "delta 1e-5, 10 seeds: median [quartiles] range"

  @Test(
    "GUSTO-I loses at most 0.005 of the pooled AUROC at epsilon 1",
    .enabled(if: Gusto.file != nil, "the GUSTO-I data are not here"))
  func gusto() async throws {
    let utility = try PrivateUtility(try studyPlan(Gusto.studyFolder), cohorts: Gusto.cohorts)
    let full = PrivateUtility.printsTables
    let table = try await utility.table(
      epsilons: [1], seeds: 0..<(full ? 10 : 1))
    if full { print("gusto-mortality, \(Self.delta)\n" + utility.markdown(table)) }
    let loss = try #require(table.medianLoss(epsilon: 1))
    #expect(loss <= 0.005, "median loss \(loss)")
  }

  /// `WARDROUND_PRIVATE_LEARNER` names one learner to measure; without it, or without tables, the
  /// explainable boosting machine alone is asserted.
  @Test(
    "trees from noisy sums of GUSTO-I are not behind noisy logistic regression",
    .enabled(if: Gusto.file != nil, "the GUSTO-I data are not here"))
  func gustoTrees() async throws {
    let full = PrivateUtility.printsTables
    let wanted = ProcessInfo.processInfo.environment["WARDROUND_PRIVATE_LEARNER"]
    for learner in TreeSettings.Learner.allCases
    where full ? wanted ?? learner.rawValue == learner.rawValue : learner == .additive {
      let utility = try PrivateUtility(
        try studyPlan(Gusto.studyFolder),
        model: ModelSpecification(
          name: learner.inWords, training: .trees(TreeSettings(learner))),
        noisyModel: ModelSpecification(
          name: learner.inWords, training: .trees(.privately(learner))),
        cohorts: Gusto.cohorts)
      for epsilon in full ? [1, 3, 8] as [Double] : [1] {
        // Boosted trees and forests without noise take long in a debug build; processes grow them.
        let table = try await utility.table(
          epsilons: [epsilon], seeds: 0..<(full ? 3 : 1),
          withExact: full && learner == .additive && epsilon == 1)
        if full { print("gusto-mortality, \(learner.inWords)\n" + utility.markdown(table)) }
        guard learner == .additive else { continue }
        let areas = try #require(table.noisy.first?.areas[PrivateUtility.pooled])
        #expect(Spread(areas).median >= 0.81, "\(areas)")
      }
    }
  }

  @Test(
    "heart disease keeps its order at epsilon 3",
    .enabled(if: HeartDisease.folder != nil, "the heart disease data are not here"))
  func heartDisease() async throws {
    let utility = try PrivateUtility(
      try studyPlan(HeartDisease.studyFolder("heart-disease"))
    ) { plan in
      let folder = try #require(HeartDisease.folder)
      return try HeartDisease.cohorts("heart-disease", plan) {
        folder.appending(path: "processed.\($0).data").path
      }
    }
    let full = PrivateUtility.printsTables
    let table = try await utility.table(
      epsilons: full ? [1, 3, 8] : [3], seeds: 0..<(full ? 10 : 5))
    if full { print("heart-disease, \(Self.delta)\n" + utility.markdown(table)) }
    let loss = try #require(table.medianLoss(epsilon: 3))
    #expect(loss <= 0.03, "median loss \(loss)")
  }

  @Test("the demo study keeps its order at epsilon 3")
  func demo() async throws {
    let full = PrivateUtility.printsTables
    let utility = try PrivateUtility(
      try studyPlan(repositoryRoot.appending(path: "studies/demo-admissions-private").path)
    ) { try DemoAdmissions.cohorts($0, share: full ? 1 : 0.5) }
    let table = try await utility.table(
      epsilons: full ? [1, 3, 8] : [3], seeds: 0..<(full ? 10 : 3))
    if full { print("demo-admissions-private, \(Self.delta)\n" + utility.markdown(table)) }
    let loss = try #require(table.medianLoss(epsilon: 3))
    #expect(loss <= 0.02, "median loss \(loss)")
  }

  /// Federated averaging on the demo under fixed clips and under ones that follow a quantile of the norms.
  @Test(
    "what adaptive clipping does on the demo", .enabled(if: PrivateUtility.printsTables))
  func adaptiveClipping() async throws {
    let median = FederatedAveragingSettings.AdaptiveClipping()
    let most = FederatedAveragingSettings.AdaptiveClipping(quantile: 0.9)
    let plan = try studyPlan(repositoryRoot.appending(path: "studies/demo-admissions-private").path)
    let cohorts = try DemoAdmissions.cohorts(plan, share: 1)
    for server in [ServerOptimiser.average, .adam] {
      var text = "\(server), epsilon 3, \(Self.delta)\n"
      for (clip, adaptive) in [
        (0.1, nil), (0.3, nil), (1, nil), (3, nil), (10, nil), (0.1, median), (1, median),
        (10, median), (0.1, most), (1, most), (10, most),
      ] as [(Double, FederatedAveragingSettings.AdaptiveClipping?)] {
        let model = ModelSpecification(
          name: "steps",
          training: .federatedAveraging(
            try .init(
              rounds: 30, local: .init(), clipNorm: clip, serverOptimiser: server,
              adaptiveClipping: adaptive)))
        let utility = try PrivateUtility(plan, model: model) { _ in cohorts }
        var areas: [Double] = []
        for seed in 0..<UInt8(10) {
          let result = try await utility.result(epsilon: 3, seed: seed)
          areas.append(try #require(try utility.areas(result)[PrivateUtility.pooled]))
        }
        text +=
          "| \(clip) | \(adaptive.map { "to \($0.quantile)" } ?? "fixed") | \(Spread(areas)) |\n"
      }
      print(text)
    }
  }

  @Test("a spread's quartiles are between its order statistics")
  func spread() {
    let spread = Spread([0.9, 0.5, 0.7, 0.6, 0.8])
    #expect(spread.description == ".700 [.600, .800] .500–.900")
    #expect(Spread([0.05, 1]).description == ".525 [.288, .763] .050–1.000")
  }
}
