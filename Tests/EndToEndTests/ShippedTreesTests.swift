import Cohort
import Foundation
import Reports
import Simulation
import SiteData
import Study
import TestSupport
import Testing

/// Trees through the real network: the model files that the processes leave are those of the pooled
/// patients, byte for byte.
extension EndToEnd.ShippedStudies {
  /// One shipped study of trees and the patients it runs over here.
  struct TreesOverData: Sendable, CustomTestStringConvertible {
    var folder: String
    var file: String
    var siteCount: Int
    /// Below the data folder; nil for the demo's own hospitals.
    var source: String?
    /// Of every site's file, the header and every n-th line, unless all patients are wanted.
    var stride = 1

    var testDescription: String { folder }
    var isThere: Bool { source.map { EndToEnd.ShippedStudies.data($0) != nil } ?? true }
  }

  static let demoTrees = TreesOverData(folder: "demo-admissions", file: "trees.yaml", siteCount: 5)
  static let gustoTrees = TreesOverData(
    folder: "gusto-mortality", file: "trees.yaml", siteCount: 16,
    source: "gusto1/gusto.csv.gz", stride: 8)
  static let diabetesTrees = TreesOverData(
    folder: "diabetes-readmission", file: "study.yaml", siteCount: 6,
    source: "diabetes130/diabetic_data.csv.gz", stride: 25)

  /// `WARDROUND_WHOLE_STUDIES`: all patients, which takes minutes.
  private static let isWhole =
    ProcessInfo.processInfo.environment["WARDROUND_WHOLE_STUDIES"] != nil

  /// Every learner of trees, small; the rest of the study is the shipped one.
  private static let smallModels = """
    models:
      - {name: boosted trees, learner: boosted_trees, trees: 3, maximum_depth: 3, bins: 12, early_stopping: 2}
      - {name: grown by leaf, learner: boosted_trees, trees: 2, maximum_leaves: 6, l1: 0.1, bins: 12, seed: 1}
      - {name: random forest, learner: random_forest, trees: 2, maximum_depth: 4, bins: 12}
      - {name: shapes, learner: ebm, passes: 2, pairs: 1, bins: 12}

    """

  @Test func treesOfTheDemo() async throws {
    try await expectPooledTrees(Self.demoTrees)
  }

  @Test(.enabled(if: gustoTrees.isThere, "the GUSTO-I data is not there"))
  func treesOfGusto() async throws {
    try await expectPooledTrees(Self.gustoTrees)
  }

  @Test(.enabled(if: diabetesTrees.isThere, "the diabetes130 data is not there"))
  func treesOfDiabetes() async throws {
    try await expectPooledTrees(Self.diabetesTrees)
  }

  /// Runs the processes and the same patients in this one: at the same sites, all at one place, and dealt
  /// anew to seven.
  private func expectPooledTrees(_ data: TreesOverData) async throws {
    let folder = NSTemporaryDirectory() + "wardround-trees-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let options = try await Self.prepared(data, in: folder)
    try await demonstrating(options) { outcome, run in
      #expect(outcome.sites.count == data.siteCount)
      let (study, cohorts) = try agreed(outcome, in: run)
      let written = try Self.models(beside: outcome.model, of: study)
      let pooled = try await Self.run(study, cohorts)
      #expect(pooled.digest.hex == outcome.result)
      for (fitted, file) in zip(pooled.models, written) {
        // The same sites in one process: the same file.
        let own = try TreeModelFile(
          pooled, model: fitted.name, features: study.plan.cohort.features,
          transcriptDigest: file.study.transcriptDigest)
        #expect(try own.encoded() == file.encoded(), "\(fitted.name)")
        #expect(file.facts.siteCount == data.siteCount)
      }
      // Which words are frequent enough is asked by site; everything else knows no sites.
      let plan = Self.declaring(written[0].content.columns, in: study.plan)
      let all = try CohortTable.pooling(study.sites.compactMap { cohorts[$0] })
      try await Self.expectSameTrees(written, plan, ["everybody": all])
      try await Self.expectSameTrees(
        written, plan, SyntheticCohort.partition(all, into: 7, seed: 41))
    }
  }

  /// The options of `demo` for a shipped study with small models.
  private static func prepared(
    _ data: TreesOverData, in folder: String
  ) async throws -> [String] {
    let shipped = repository.appending(path: "studies/\(data.folder)")
    try FileManager.default.createDirectory(
      atPath: "\(folder)/data", withIntermediateDirectories: true)
    let text = try String(contentsOf: shipped.appending(path: data.file), encoding: .utf8)
    let start = try #require(text.range(of: "\nmodels:\n"))
    let end = try #require(text[start.upperBound...].range(of: "\n\n"))
    let small =
      (text[..<start.lowerBound] + "\n" + smallModels + text[end.upperBound...])
      .replacing("  disclose: [model-by-site-matrix]\n", with: "")
    try Data(small.utf8).write(to: URL(filePath: "\(folder)/study.yaml"))
    guard let source = data.source else {
      return ["--study", folder, "--share", isWhole ? "1" : "0.2"]
    }
    try FileManager.default.copyItem(
      at: shipped.appending(path: "data.yaml"), to: URL(filePath: "\(folder)/data.yaml"))
    let written = try await Command.run(
      URL(filePath: "/usr/bin/env"),
      [
        "python3", shipped.appending(path: "prepare.py").path,
        try #require(Self.data(source)).path, "\(folder)/all",
      ])
    #expect(written.status == 0, "\(written.error)")
    for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/all") {
      let lines = try String(contentsOfFile: "\(folder)/all/\(name)", encoding: .utf8)
        .split(separator: "\n")
      let kept = lines.enumerated().filter { $0.offset % (isWhole ? 1 : data.stride) == 0 }.map(
        \.element)
      try Data((kept.joined(separator: "\n") + "\n").utf8)
        .write(to: URL(filePath: "\(folder)/data/\(name)"))
    }
    return ["--study", folder, "--data", "\(folder)/data"]
  }

  /// The model files that a run left, in the study's order.
  private static func models(
    beside first: String, of study: AgreedStudy
  ) throws -> [TreeModelFile] {
    let folder = URL(filePath: first).deletingLastPathComponent()
    return try study.plan.models.enumerated().map { index, model in
      let name = index == 0 ? "model.json" : ModelFile.fileName(model: model.name, index: index)
      return try TreeModelFile(decoding: Data(contentsOf: folder.appending(path: name)))
    }
  }

  private static func run(
    _ study: AgreedStudy, _ cohorts: [String: CohortTable]
  ) async throws -> StudyResult {
    try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run()
  }

  /// The plan with the words that a study has agreed on as levels.
  private static func declaring(_ columns: TreeColumns, in plan: StudyPlan) -> StudyPlan {
    var plan = plan
    for (index, column) in columns.features.enumerated() {
      if case .category(_, let levels, _) = column {
        plan.cohort.features[index].kind = .category(levels: levels)
      }
    }
    return plan
  }

  /// Bins, trees and shapes of other sites' study are those of the files, byte for byte.
  private static func expectSameTrees(
    _ files: [TreeModelFile], _ plan: StudyPlan, _ cohorts: [String: CohortTable]
  ) async throws {
    let study = AgreedStudy(plan: plan, sites: cohorts.keys.sorted(), disclosures: [])
    let result = try await run(study, cohorts)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    for (fitted, file) in zip(result.models, files) {
      let trees = try #require(fitted.trees)
      #expect(
        try encoder.encode(trees.model) == encoder.encode(file.content),
        "\(fitted.name) over \(cohorts.count) sites")
      guard case .ensemble(let ensemble) = trees.model.content else { continue }
      #expect(ensemble.trees.contains { $0.nodes.count > 3 }, "something was learned")
    }
  }
}
