import Cohort
import Foundation
import LinearModels
import SiteData
import StrictYAML
import Study
import TestSupport

/// Studies under differential privacy that the tests attack.
enum AuditedStudy {
  enum Training: String, CaseIterable, Sendable {
    case newton
    case gradient
    case sampledGradient
    case shapes
    case forest
    case boosting
  }

  /// The synthetic study at three sites.
  static func synthetic(
    _ training: Training, epsilon: Double, patients: Int = 90
  ) throws -> (study: AgreedStudy, cohorts: [String: CohortTable]) {
    var plan = try SyntheticStudy.plan()
    plan.validation.disclosures = []
    plan.models = [try model(training)]
    plan.privacy.goal = PrivacyGoal(epsilon: epsilon, delta: 1e-5)
    let table = try SyntheticCohort.table(plan, patients: patients, seed: 5)
    let cohorts = try SyntheticCohort.partition(table, into: 3, seed: 6)
    return (.synthetic(plan, sites: SyntheticCohort.siteNames(3)), cohorts)
  }

  private static func model(_ training: Training) throws -> ModelSpecification {
    let steps = { (rate: Double) throws -> ModelSpecification in
      ModelSpecification(
        name: "steps",
        training: .federatedAveraging(
          try .init(
            rounds: 6, local: .init(epochs: 1, batchSize: 16, learningRate: 0.1),
            samplingRate: rate)))
    }
    switch training {
    case .newton: return ModelSpecification(name: "newton", training: .newton(.init()))
    case .gradient: return try steps(1)
    case .sampledGradient: return try steps(0.2)
    case .shapes:
      var settings = TreeSettings.privately(.additive)
      settings.treeCount = 3
      return ModelSpecification(name: "shapes", training: .trees(settings))
    case .forest:
      return ModelSpecification(
        name: "forest", training: .trees(.privately(.randomForest)))
    case .boosting:
      var settings = TreeSettings.privately(.boostedTrees)
      settings.treeCount = 3
      return ModelSpecification(name: "trees", training: .trees(settings))
    }
  }

  // MARK: - Heart disease

  private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL

  /// Folder of `processed.*.data`; nil where it is not there.
  static let heartFolder: URL? = {
    let environment = ProcessInfo.processInfo.environment["WARDROUND_DATA"].map {
      URL(filePath: $0, directoryHint: .isDirectory)
    }
    let beside = repository.appending(path: "../shared/data").standardizedFileURL
    return [environment, beside].compactMap { $0?.appending(path: "uci_heart") }.first {
      FileManager.default.fileExists(atPath: $0.appending(path: "processed.va.data").path)
    }
  }()

  /// The heart disease study of the repository with its first model.
  static func heart(
    epsilon: Double
  ) throws -> (study: AgreedStudy, cohorts: [String: CohortTable]) {
    let sites = ["cleveland", "hungarian", "switzerland", "va"]
    guard let heartFolder else { throw TestFault("there are no heart disease data") }
    let folder = repository.appending(path: "studies/heart-disease")
    func text(_ name: String) throws -> String {
      try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }
    var plan = try StudyPlan(yaml: try text("study.yaml"), file: "study.yaml")
    plan.validation.disclosures = []
    plan.models = Array(plan.models.prefix(1))
    plan.privacy.goal = PrivacyGoal(epsilon: epsilon, delta: 1e-5)
    var cohorts: [String: CohortTable] = [:]
    for site in sites {
      let root = try YAMLDocument(text: try text("data.yaml"), file: "data.yaml").root
      let description = try DataDescription(
        from: root.mapping(keys: ["data"]).required("data"), folder: "",
        defaultFile: heartFolder.appending(path: "processed.\(site).data").path)
      cohorts[site] = try SiteData.load(description, cohort: plan.cohort)
    }
    return (AgreedStudy(plan: plan, sites: sites, disclosures: []), cohorts)
  }
}
