import Cohort
import Foundation
import LinearModels
import TestSupport
import Testing

@testable import Study

/// `studies/heart-disease-flamby`: the Fed-Heart-Disease benchmark with its own split, Newton and
/// federated averaging with five server optimisers over five seeds each.
@Suite struct FedHeartDiseaseTests {
  private struct Accuracy {
    var pooled: Double
    var bySite: [String: Double]
  }

  /// The study's models, each averaging model once per seed as `adam/3`.
  private static func withSeeds(_ plan: StudyPlan, _ seeds: Range<UInt64>) throws -> StudyPlan {
    var plan = plan
    plan.models = try plan.models.flatMap { model -> [ModelSpecification] in
      guard case .federatedAveraging(let settings) = model.training else { return [model] }
      return try seeds.map { seed in
        let seeded = try FederatedAveragingSettings(
          rounds: settings.rounds, local: settings.local, clipNorm: settings.clipNorm,
          serverOptimiser: settings.serverOptimiser,
          serverLearningRate: settings.serverLearningRate, seed: seed)
        return ModelSpecification(
          name: "\(model.name)/\(seed)", training: .federatedAveraging(seeded))
      }
    }
    return plan
  }

  /// Accuracy at 0.5 from the sites' own confusion counts.
  private static func accuracy(_ model: StudyResult.EvaluatedModel) throws -> Accuracy {
    var right = 0
    var total = 0
    var bySite: [String: Double] = [:]
    for (site, performance) in model.sites {
      let counts = try #require(performance.thresholdPerformance)
      let ownRight = counts.truePositiveCount + counts.trueNegativeCount
      let own = ownRight + counts.falsePositiveCount + counts.falseNegativeCount
      right += ownRight
      total += own
      bySite[site] = Double(ownRight) / Double(own)
    }
    #expect(total == 254)
    return Accuracy(pooled: Double(right) / 254, bySite: bySite)
  }

  @Test(
    .enabled(if: HeartDisease.folder != nil, "the UCI heart disease data is not there"),
    .enabled(if: Python.hasScikitLearn, "scikit-learn is not installed"))
  func reachesThePublishedAccuracy() async throws {
    let source = try #require(HeartDisease.folder)
    let target = FileManager.default.temporaryDirectory
      .appending(path: "wardround-flamby-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: target) }
    let folder = HeartDisease.studyFolder("heart-disease-flamby")
    #expect(try Python.run([folder + "/prepare.py", source.path, target.path]).status == 0)

    let plan = try Self.withSeeds(studyPlan(folder), 0..<5)
    let cohorts = try HeartDisease.cohorts("heart-disease-flamby", plan) {
      target.appending(path: "\($0).csv").path
    }
    #expect(
      cohorts.mapValues { $0.rowIndices(.training).count } == [
        "cleveland": 199, "hungarian": 172, "switzerland": 30, "va": 85,
      ])
    #expect(
      cohorts.mapValues { $0.rowIndices(.holdout).count } == [
        "cleveland": 104, "hungarian": 89, "switzerland": 16, "va": 45,
      ])
    let study = AgreedStudy.synthetic(plan, sites: HeartDisease.hospitals)
    let result = try await StudyProgram(
      study, over: PooledFederation(study, cohorts: cohorts)
    ).run()
    #expect(result.transform.columnCount == 13)

    // numpy's unpenalised fit on the same split: 201 of 254.
    let newton = try Self.accuracy(result.performance[0])
    #expect(newton.pooled == 201.0 / 254)
    let expected = [
      "cleveland": 80.0 / 104, "hungarian": 71.0 / 89, "switzerland": 13.0 / 16, "va": 37.0 / 45,
    ]
    #expect(newton.bySite == expected)

    var means: [String: Double] = [:]
    var table = [Self.row("newton", [newton])]
    for server in ServerOptimiser.allCases.map(\.rawValue) {
      let runs = try result.performance.filter { $0.model.hasPrefix("\(server)/") }
        .map { try Self.accuracy($0) }
      #expect(runs.count == 5)
      let (mean, deviation) = Self.summary(runs.map(\.pooled))
      means[server] = mean
      #expect(deviation <= 0.01, "\(server)")
      #expect(mean >= 0.77, "\(server)")
      table.append(Self.row(server, runs))
    }
    #expect((means.values.max() ?? 0) >= 0.785)
    if ProcessInfo.processInfo.environment["WARDROUND_PRINT_TABLES"] != nil {
      print(table.joined(separator: "\n"))
    }
  }

  private static func summary(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0)
  }

  /// A row of the README's table.
  private static func row(_ name: String, _ runs: [Accuracy]) -> String {
    func cell(_ values: [Double]) -> String {
      let (mean, deviation) = summary(values)
      let text = String(format: "%.4f", mean)
      return values.count > 1 ? text + String(format: " (%.4f)", deviation) : text
    }
    let centres = HeartDisease.hospitals.map { site in cell(runs.map { $0.bySite[site] ?? 0 }) }
    return "| \(name) | \(([cell(runs.map(\.pooled))] + centres).joined(separator: " | ")) |"
  }
}
