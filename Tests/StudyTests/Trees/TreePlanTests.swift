import BoostedTrees
import Cohort
import StrictYAML
import TestSupport
import Testing

@testable import Study

/// Trees in a study file: defaults, refusals, digests.
@Suite struct TreePlanTests {
  private func plan(_ model: String) throws -> StudyPlan {
    try SyntheticStudy.plan(models: "  - {name: m, \(model)}\n")
  }

  private func settings(_ model: String) throws -> TreeSettings {
    guard case .trees(let settings) = try plan(model).models[0].training else {
      throw TestFault("not trees")
    }
    return settings
  }

  @Test func aLearnerNeedsNoSettings() throws {
    #expect(try settings("learner: boosted_trees") == TreeSettings(.boostedTrees))
    #expect(try settings("learner: random_forest") == TreeSettings(.randomForest))
    #expect(try settings("learner: ebm") == TreeSettings(.additive))
    let bins = [try FeatureBins(name: "x", kind: .numeric(cuts: [1, 2]))]
    let event = OutcomeSpecification(column: "died", positive: .oneOf(["1"]), name: "death")
    _ = try TreeSettings(.boostedTrees).trainingPlan(
      features: bins, patientCount: 1000, outcome: event)
    _ = try TreeSettings(.randomForest).trainingPlan(
      features: bins, patientCount: 1000, outcome: event)
    _ = try TreeSettings(.additive).additivePlan(features: bins, patientCount: 1000, outcome: event)
  }

  @Test func everySettingIsPartOfTheDigest() throws {
    let variants = [
      "", ", trees: 7", ", learning_rate: 0.3", ", maximum_depth: 3", ", maximum_leaves: 9",
      ", minimum_child_weight: 2", ", l2: 3", ", l1: 3", ", minimum_split_gain: 3",
      ", row_share: 0.5", ", feature_share: 0.5", ", early_stopping: 3", ", early_stopping: 0",
      ", evaluation_share: 0.1", ", bins: 9", ", bin_rule: ranges", ", increasing: [age]",
      ", decreasing: [age]", ", seed: 3", ", minimum_child_count: 9",
      ", explanation: interventional",
    ]
    let digests = try variants.map { try plan("learner: boosted_trees\($0)").digest }
    #expect(Set(digests).count == variants.count)
    #expect(try plan("learner: ebm").digest != plan("learner: random_forest").digest)
  }

  @Test(arguments: [
    "learner: boosted_trees, training: newton", "learner: boosted_trees, ridge: 1",
    "learner: boosted_trees, rounds: 3", "learner: boosted_trees, pairs: 3",
    "learner: random_forest, learning_rate: 0.1", "learner: ebm, maximum_depth: 3",
    "learner: ebm, explanation: interventional", "learner: boosted_trees, explanation: shapley",
    "learner: ebm, minimum_child_count: 3", "learner: boosted_trees, minimum_child_count: 0",
    "learner: logistic, trees: 3", "learner: boosted_trees, trees: 0",
    "learner: boosted_trees, bins: 255",
    "learner: boosted_trees, early_stopping: 3, evaluation_share: 0",
    "learner: boosted_trees, increasing: [ward]", "learner: boosted_trees, increasing: [nobody]",
    "learner: boosted_trees, increasing: [age], decreasing: [age]", "learner: trees",
  ])
  func whatHasNoMeaningIsRefused(model: String) {
    #expect(throws: YAMLProblem.self) { try plan(model) }
  }

  @Test func leaveOneSiteOutNeedsALogisticModelFirst() throws {
    let text = SyntheticStudy.yaml(
      models: "  - {name: m, learner: boosted_trees}\n", disclose: true)
    let problem = #expect(throws: YAMLProblem.self) {
      try StudyPlan(yaml: text, file: "study.yaml")
    }
    #expect(problem?.message.contains("Newton") == true)
    _ = try StudyPlan(
      yaml: SyntheticStudy.yaml(
        models: SyntheticStudy.newton + "  - {name: m, learner: boosted_trees}\n", disclose: true),
      file: "study.yaml")
  }

  @Test func theQueriesOfTreesAreNamedForPolicies() throws {
    #expect(
      try plan("learner: boosted_trees").neededQueries.isSuperset(
        of: [.treeGrowth, .contributions, .quantileCounts]))
    #expect(try plan("learner: ebm").neededQueries.contains(.shapes))
    #expect(try !plan("learner: ebm").neededQueries.contains(.treeGrowth))
    #expect(try !plan("learner: random_forest").neededQueries.contains(.background))
    #expect(
      try plan("learner: random_forest, explanation: interventional").neededQueries
        .contains(.background))
  }

  @Test func rangesCutWithoutAsking() async throws {
    let plan = try plan("learner: boosted_trees, trees: 2, bin_rule: ranges, bins: 4")
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 31)
    let result = try await TreeStudyTests.run(plan, ["a": table])
    let columns = try #require(result.models[0].trees?.model.columns)
    #expect(
      columns.features[0] == .number(name: "age", unit: "a", cuts: [41, 64, 87]))
    #expect(
      columns.features[1] == .number(name: "lactate", unit: "mmol/L", cuts: [7.5, 15, 22.5]))
  }

  /// Cuts are quantiles to within the share at which a bracket is closed, and depend on the counts
  /// alone.
  @Test func quantileCutsHoldFairShares() async throws {
    let plan = try plan("learner: boosted_trees, trees: 1, bins: 8")
    let table = try SyntheticCohort.table(plan, patients: 2000, seed: 32)
    let result = try await TreeStudyTests.run(plan, ["a": table])
    let columns = try #require(result.models[0].trees?.model.columns)
    guard case .number(_, _, let cuts) = columns.features[0] else { throw TestFault("no number") }
    #expect(cuts.count == 7 && cuts.allSatisfy { $0 == $0.rounded(.down) + 0.5 })
    let ages = table.rowIndices(.training).map { table.numbers(0)[$0] }
    for (k, cut) in cuts.enumerated() {
      let share = Double(ages.count { $0 < cut }) / Double(ages.count)
      #expect((share - Double(k + 1) / 8).magnitude <= 1.0 / 32 + 0.03, "cut \(k)")
    }
  }
}
