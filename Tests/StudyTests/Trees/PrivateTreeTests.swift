import BoostedTrees
import Cohort
import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import Study

/// Models of trees under differential privacy as a study plans and runs them.
@Suite struct PrivateTreeTests {
  static let models = [
    "ebm": "  - {name: shapes, learner: ebm, passes: 3}\n",
    "random_forest":
      "  - {name: forest, learner: random_forest, trees: 20, maximum_depth: 3, seed: 4}\n",
    "boosted_trees":
      "  - {name: trees, learner: boosted_trees, trees: 6, maximum_depth: 2, seed: 4}\n",
  ]

  static func plan(_ models: String, epsilon: Double? = 3) throws -> StudyPlan {
    try StudyPlan(
      yaml: SyntheticStudy.yaml(models: models, epsilon: epsilon), file: "study.yaml")
  }

  private static func run(
    _ plan: StudyPlan, _ cohorts: [String: CohortTable], noise: UInt8? = 1
  ) async throws -> StudyResult {
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    return try await StudyProgram(
      study,
      over: PooledFederation(
        study, cohorts: cohorts, noiseKey: noise.map { [UInt8](repeating: $0, count: 32) })
    ).run()
  }

  @Test("the plan keeps its goal and states every noisy sum", arguments: models.keys.sorted())
  func planned(learner: String) throws {
    let plan = try Self.plan(SyntheticStudy.newton + (try #require(Self.models[learner])))
    let privacy = try #require(try PrivacyPlan(plan))
    #expect(privacy.epsilon <= 3 * (1 + 1e-9) && privacy.epsilon > 2.94)
    #expect(plan.neededQueries.isSuperset(of: [.privateTrees, .privateStep]))
    #expect(!plan.neededQueries.contains(.contributions))
    let only = try Self.plan(try #require(Self.models[learner]))
    #expect(!only.neededQueries.contains(.privateStep))
  }

  @Test(
    "what has no effect is refused by name",
    arguments: [
      ("ebm", "pairs: 2"), ("ebm", "early_stopping: 3"), ("ebm", "evaluation_share: 0.1"),
      ("ebm", "bins: 16"), ("ebm", "bin_rule: quantiles"), ("ebm", "maximum_leaves: 4"),
      ("ebm", "minimum_child_weight: 2"), ("ebm", "l2: 2"), ("ebm", "passes: 0"),
      ("ebm", "passes: 1001"), ("ebm", "learning_rate: 1.5"),
      ("random_forest", "learning_rate: 0.1"), ("random_forest", "row_share: 0.5"),
      ("random_forest", "feature_share: 0.5"), ("random_forest", "minimum_child_count: 3"),
      ("random_forest", "maximum_depth: 9"), ("random_forest", "bins: 8"),
      ("boosted_trees", "early_stopping: 3"), ("boosted_trees", "row_share: 0.5"),
      ("boosted_trees", "increasing: [age]"), ("boosted_trees", "bins: 33"),
      ("boosted_trees", "maximum_leaves: 4"), ("boosted_trees", "maximum_depth: 7"),
    ])
  func idleSettings(learner: String, setting: String) throws {
    let problem = #expect(throws: YAMLProblem.self) {
      _ = try Self.plan("  - {name: m, learner: \(learner), \(setting)}\n")
    }
    let key = try #require(setting.split(separator: ":").first)
    #expect(problem?.description.contains(key) == true, "\(problem as Any)")
  }

  @Test("trees that are set up without epsilon, and votes on trees, are refused")
  func refusals() throws {
    var plan = try Self.plan("  - {name: m, learner: ebm}\n", epsilon: nil)
    plan.privacy.goal = PrivacyGoal(epsilon: 3, delta: 1e-5)
    let error = #expect(throws: StudyError.self) { _ = try PrivacyPlan(plan) }
    #expect(error?.code == .invalidPlan && error?.message.contains("`m`") == true)
    let text = SyntheticStudy.yaml(
      models: "  - {name: m, learner: ebm}\n", epsilon: 3, votes: "{every: 1}")
    let problem = #expect(throws: YAMLProblem.self) {
      _ = try StudyPlan(yaml: text, file: "study.yaml")
    }
    #expect(problem?.message.contains("linear models only") == true)
  }

  /// With the noise left out, how patients are spread over sites changes nothing; with it, the same
  /// keys give the same model.
  @Test("any partition gives the same model", arguments: models.keys.sorted())
  func partition(learner: String) async throws {
    let plan = try Self.plan(try #require(Self.models[learner]))
    let table = try SyntheticCohort.table(plan, patients: 500, seed: 41)
    let pooled = try await Self.run(plan, ["everybody": table], noise: nil)
    let trees = try #require(pooled.models[0].trees)
    for seed in 0..<3 {
      let cohorts = try SyntheticCohort.partition(table, into: 3 + 4 * seed, seed: UInt64(seed))
      let exact = try await Self.run(plan, cohorts, noise: nil)
      #expect(exact.models[0].trees?.model == trees.model, "seed \(seed)")
      let first = try await Self.run(plan, cohorts, noise: 5)
      #expect(try await Self.run(plan, cohorts, noise: 5).digest == first.digest)
      #expect(try await Self.run(plan, cohorts, noise: 6).digest != first.digest)
      #expect(first.digest != exact.digest)
    }
  }

  @Test("without noise the model tells patients apart", arguments: models.keys.sorted())
  func learns(learner: String) async throws {
    let plan = try Self.plan(try #require(Self.models[learner]), epsilon: 50)
    let table = try SyntheticCohort.table(plan, patients: 3000, seed: 42)
    let cohorts = try SyntheticCohort.partition(table, into: 3, seed: 2)
    for noise in [nil, 7] as [UInt8?] {
      let result = try await Self.run(plan, cohorts, noise: noise)
      let pooled = try #require(result.privacy?.pooled.values.first)
      let area = try #require(pooled.discrimination?.value)
      #expect(area > 0.72, "\(area)")
    }
  }

  /// Everything the result says of the trees follows from the noisy totals: a replay without any
  /// patient, and without a site, has the same.
  @Test("the transcript replays to the same model", arguments: models.keys.sorted())
  func replay(learner: String) async throws {
    let text = SyntheticStudy.yaml(models: try #require(Self.models[learner]), epsilon: 3)
    let plan = try StudyPlan(yaml: text, file: "study.yaml")
    let cohorts = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 400, seed: 43), into: 4, seed: 1)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let recorder = RecordingFederation(
      PooledFederation(study, cohorts: cohorts, noiseKey: [UInt8](repeating: 3, count: 32)),
      study: study)
    let result = try await StudyProgram(study, over: recorder).run()
    let transcript = Transcript(
      studyText: text, sites: study.sites, disclosures: [], entries: recorder.entries,
      result: result.digest)
    let read = try Transcript(fileBytes: transcript.fileBytes)
    let replayed = try await read.replayed()
    #expect(replayed.digest == result.digest)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(
      try encoder.encode(replayed.models[0].trees) == encoder.encode(result.models[0].trees))
    // Nothing that the plan does not charge for.
    #expect(
      Set(recorder.entries.map(\.kind)) == [
        .marginals, .privateTrees, .privatePerformance, .privateDistribution,
      ])
    let trees = try #require(result.models[0].trees)
    let privacy = try #require(try PrivacyPlan(plan))
    let planned = privacy.releases.filter {
      switch $0.content {
      case .fit, .weights: true
      default: false
      }
    }
    #expect(trees.roundCount == planned.reduce(0) { $0 + $1.count })
    #expect(trees.losses.isEmpty && result.models[0].trainingLogLoss == nil)
    #expect(result.notes.contains { $0.contains("the loss while it grew is not released") })
  }

  /// A site that lost its memory, or was away, needs none of the steps before.
  @Test("a step needs no step before it", arguments: models.keys.sorted())
  func restarted(learner: String) async throws {
    let plan = try Self.plan(try #require(Self.models[learner]))
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 44)
    let study = AgreedStudy.synthetic(plan, sites: ["a"])
    let asked = Collected<SumQuery>()
    let totals = Collected<Total>()
    let recorder = AlteredFederation(
      PooledFederation(study, cohorts: ["a": table], noiseKey: nil),
      total: { query, total in
        asked.append(query)
        totals.append(total)
        return total
      })
    _ = try await StudyProgram(study, over: recorder).run()
    for (query, total) in zip(asked.values, totals.values).reversed() {
      var fresh = LocalAnswers(site: "a", plan: plan, cohort: table, noiseKey: nil)
      #expect(try fresh.answer(query) == total.values)
    }
    // The model so far, the step and the noise are all part of the query.
    #expect(Set(asked.values.map(\.canonicalBytes)).count == asked.values.count)
  }

  @Test("the noisy counts go to the bins of the trees, cell by cell")
  func columns() throws {
    let plan = try Self.plan(try #require(Self.models["ebm"]))
    let columns = try StudyProgram.publicTreeColumns(plan)
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 45)
    let answers = LocalAnswers(site: "a", plan: plan, cohort: table, noiseKey: nil)
    let bins = plan.cohort.features.map { StudyProgram.publicBins($0).query }
    let counts = try answers.marginals(
      .init(bins: bins, noise: .init(variance: 16, sensitivitySquared: 1, group: .training))
    ).map { Double($0) / Double(PrivacyPlan.countUnit) }
    let rows = table.rowIndices(.training)
    let binned = try columns.table(of: table, rows: rows)
    var offset = 2
    for (feature, bin) in bins.enumerated() {
      let found = StudyProgram.counts(
        Array(counts[offset..<(offset + bin.count + 1)]), in: bin, bins: columns.bins[feature])
      offset += bin.count + 1
      var expected = [Double](repeating: 0, count: columns.bins[feature].binCount)
      for row in rows.indices { expected[Int(binned.bin(row: row, feature: feature))] += 1 }
      #expect(found == expected, "\(columns.features[feature].name)")
    }
  }
}
