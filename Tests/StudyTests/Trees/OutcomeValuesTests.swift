import Cohort
import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import BoostedTrees
@testable import Study

/// Models of trees that learn the outcome's number, count or class.
@Suite struct OutcomeValuesTests {
  /// An outcome and a model over it.
  struct Example: Sendable, CustomTestStringConvertible {
    let outcome: String
    let model: String
    var testDescription: String { model }
  }

  static let examples = [
    Example(
      outcome: "{column: stay, above: 6, name: a long stay, values: {range: [0, 20]}}",
      model: "learner: boosted_trees, objective: squared_error, trees: 12, maximum_depth: 2"
        + ", early_stopping: 4"),
    Example(
      outcome: "{column: stay, above: 6, name: a long stay, values: {range: [0, 20]}}",
      model: "learner: boosted_trees, objective: squared_error, trees: 14, maximum_depth: 2"
        + ", early_stopping: 0, explanation: interventional"),
    Example(
      outcome: "{column: stay, above: 6, name: a long stay, values: {range: [0, 20]}}",
      model: "learner: ebm, objective: squared_error, passes: 14"),
    Example(
      outcome: "{column: falls, at_least: 6, name: many falls, values: {maximum: 20}}",
      model: "learner: boosted_trees, objective: poisson, trees: 12, maximum_depth: 2"),
    Example(
      outcome:
        "{column: to, positive: [home, ward], name: not died, values: {classes: [home, ward, died]}}",
      model: "learner: boosted_trees, objective: multiclass, trees: 6, maximum_depth: 2"),
  ]

  private func plan(_ example: Example, minimumCell: Int = 1) throws -> StudyPlan {
    try StudyPlan(
      yaml: SyntheticStudy.yaml(
        models: "  - {name: values, \(example.model)}\n", minimumCell: minimumCell,
        outcome: example.outcome), file: "study.yaml")
  }

  /// However the patients are dealt out, the model file has the same bytes; and what it predicts is of the
  /// values: it follows them, its risk follows the event, and its contributions add up to its score.
  @Test(arguments: examples)
  func learnsTheValuesOverAnyPartition(_ example: Example) async throws {
    let plan = try plan(example)
    let table = try SyntheticCohort.table(plan, valuesFor: 500, seed: 31)
    let pooled = try await TreeStudyTests.run(plan, ["everybody": table])
    let fitted = try #require(pooled.models[0].trees)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let file = try encoder.encode(fitted.model)
    for siteCount in [2, 5, 9] {
      let cohorts = try SyntheticCohort.partition(table, into: siteCount, seed: UInt64(siteCount))
      let result = try await TreeStudyTests.run(plan, cohorts)
      #expect(try encoder.encode(try #require(result.models[0].trees).model) == file)
      #expect(result.digest == pooled.digest)
    }
    #expect(try JSONDecoder().decode(TreeModel.self, from: file) == fitted.model)

    let holdout = table.rowIndices(.holdout)
    let risks = try fitted.model.predict(table, rows: holdout)
    let values = try #require(try fitted.model.values(of: table, rows: holdout))
    let truth = try #require(table.outcomeValues)
    #expect(risks.allSatisfy { (0...1).contains($0) })
    let mean = holdout.reduce(0.0) { $0 + truth[$1] } / Double(holdout.count)
    if case .classes(let classes)? = plan.cohort.outcome.values {
      #expect(values.allSatisfy { $0.count == classes.count && abs($0.reduce(0, +) - 1) < 1e-12 })
      for (row, risk) in zip(values, risks) { #expect(abs(row[0] + row[1] - risk) < 1e-12) }
      let hits = zip(holdout, values).count { row, probabilities in
        probabilities.firstIndex(of: probabilities.max() ?? 0) == Int(truth[row])
      }
      #expect(hits > holdout.count / 2)
    } else {
      var ours = 0.0
      var means = 0.0
      for (row, value) in zip(holdout, values) {
        ours += (value[0] - truth[row]) * (value[0] - truth[row])
        means += (mean - truth[row]) * (mean - truth[row])
      }
      #expect(ours < 0.6 * means)
    }
    // What the hospital says of them is about its own holdout.
    let said = try #require(pooled.performance[0].sites["everybody"]?.values)
    #expect(said.rowCount == holdout.count)
    if case .numbers(let numbers) = said {
      #expect(abs(numbers.meanObserved - mean) < 1e-9)
      #expect((numbers.rSquared ?? 0) > 0.4)
      #expect(numbers.isCount == example.outcome.contains("maximum"))
    }
    let auroc = try #require(pooled.performance[0].sites["everybody"]?.discrimination?.value)
    #expect(auroc > 0.75)

    let explainer = try TreeExplainer(fitted.model)
    let binned = try fitted.model.columns.table(of: table, rows: Array(holdout.prefix(20)))
    let weights = fitted.model.target?.outputWeights ?? []
    for row in 0..<binned.rowCount {
      let bins = fitted.model.columns.bins.indices.map { binned.bin(row: row, feature: $0) }
      let sum = try explainer.contributions(ofBins: bins).reduce(explainer.base, +)
      let margins: [Double]
      switch fitted.model.content {
      case .ensemble(let ensemble): margins = try ensemble.margins(of: binned)[row]
      case .additive(let additive): margins = [try additive.margins(of: binned)[row]]
      }
      #expect(abs(zip(weights, margins).reduce(0) { $0 + $1.0 * $1.1 } - sum) < 1e-9)
    }
  }

  /// Contributions to a number of any size are told: 2¹⁴ times the numbers, 2¹⁴ times the contributions.
  @Test func largeNumbersAreExplained() async throws {
    func contributions(_ factor: Double) async throws -> [FeatureContribution] {
      let plan = try plan(
        Example(
          outcome:
            "{column: cost, above: \(6 * factor), name: high, values: {range: [0, \(20 * factor)]}}",
          model: "learner: boosted_trees, objective: squared_error, trees: 12, early_stopping: 0"))
      let small = try SyntheticCohort.table(plan, valuesFor: 500, seed: 31)
      let values = try #require(small.outcomeValues)
      let table = try CohortTable(
        features: small.features, columns: small.columns, outcome: values.map { $0 > 6 ? 1 : 0 },
        isHoldout: small.isHoldout, outcomeValues: values.map { $0 * factor })
      let result = try await TreeStudyTests.run(plan, ["everybody": table])
      return try #require(result.models[0].trees).contributions
    }
    let ordinary = try await contributions(1)
    let large = try await contributions(0x1p14)
    #expect(ordinary.map(\.importance).max() ?? 0 > 0.2)
    for (one, other) in zip(ordinary, large) {
      #expect(abs(other.importance / 0x1p14 - one.importance) < 1e-3)
      for (point, scaled) in zip(one.points, other.points) {
        #expect(abs(scaled.mean / 0x1p14 - point.mean) < 1e-3)
      }
    }
  }

  /// Leaves of fewer patients than the smallest cell are refused or not grown, whatever is learnt.
  @Test(arguments: examples)
  func leavesHoldTheSmallestCell(_ example: Example) async throws {
    let plan = try plan(example, minimumCell: 25)
    guard case .trees(let settings) = plan.models[0].training else { throw TestFault("not trees") }
    #expect(settings.smallestLeaf >= 25)
    let table = try SyntheticCohort.table(plan, valuesFor: 500, seed: 33)
    let model = try #require(
      try await TreeStudyTests.run(plan, ["everybody": table]).models[0].trees?.model)
    guard case .ensemble(let ensemble) = model.content else { return }
    let training = table.rowIndices(.training)
    let binned = try model.columns.table(of: table, rows: training)
    for tree in ensemble.trees {
      var counts: [Int: Int] = [:]
      for row in 0..<binned.rowCount {
        counts[tree.leaf { binned.bin(row: row, feature: $0) }, default: 0] += 1
      }
      #expect(counts.values.allSatisfy { $0 >= 25 })
    }
  }

  /// Against scipy.stats: norm.sf, and poisson.sf over poisson.cdf of the maximum.
  @Test func theRiskOfTheEventFollowsFromTheValue() throws {
    let number = ValueTarget(
      values: .number(0...20), event: .comparison(.greater, 7), spread: 2.5)
    #expect(abs(number.risk(of: [7]) - 0.5) < 1e-15)
    #expect(abs(number.risk(of: [4]) - 0.11506967022170828) < 1e-14)
    #expect(number.values(of: [25]) == [20])
    let count = ValueTarget(values: .count(maximum: 6), event: .comparison(.greaterOrEqual, 3))
    // 1 − cdf(2, 2.5)/cdf(6, 2.5)
    #expect(abs(count.risk(of: [2.5]) - 0.44836060389768795) < 1e-12)
    #expect(count.risk(of: [0]) == 0)
    #expect(
      ValueTarget(values: .count(maximum: 6), event: .oneOf(["0"])).risk(of: [0]) == 1)
    let large = ValueTarget(values: .count(maximum: 1000), event: .comparison(.greater, 950))
    #expect(large.risk(of: [980]) > 0.6 && large.risk(of: [980]) < 1)
    let classes = ValueTarget(values: .classes(["a", "b", "c"]), event: .oneOf(["c", "a"]))
    #expect(abs(classes.risk(of: [0.25, 0.5, 0.25]) - 0.5) < 1e-15)
    #expect(classes.outputWeights == [0.5, -1, 0.5])
  }

  @Test(arguments: [
    // No such values, or none at all.
    ("{column: died, positive: [1], name: death}", "objective: squared_error"),
    ("{column: stay, above: 6, name: long, values: {range: [0, 20]}}", "objective: poisson"),
    ("{column: stay, above: 6, name: long, values: {range: [0, 20]}}", "objective: multiclass"),
    // Values that contradict the event or themselves.
    ("{column: stay, positive: [6], name: six, values: {range: [0, 20]}}", "trees: 3"),
    ("{column: stay, above: 6, name: long, values: {range: [20, 0]}}", "trees: 3"),
    ("{column: stay, above: 6, name: long, values: {maximum: 5000}}", "trees: 3"),
    ("{column: stay, above: 60, name: long, values: {maximum: 50}}", "trees: 3"),
    ("{column: to, positive: [died], name: d, values: {classes: [home, ward]}}", "trees: 3"),
    ("{column: to, positive: [home], name: d, values: {classes: [home]}}", "trees: 3"),
    ("{column: to, positive: [home], name: d, values: {classes: [home, home]}}", "trees: 3"),
    (
      "{column: to, positive: [a, b], name: d, values: {classes: [a, b]}}", "trees: 3"
    ),
    ("{column: to, positive: [a], name: d, values: {classes: [a, b], maximum: 3}}", "trees: 3"),
  ])
  func whatCannotBeLearntIsRefused(outcome: String, model: String) {
    #expect(throws: YAMLProblem.self) {
      try plan(Example(outcome: outcome, model: "learner: boosted_trees, \(model)"))
    }
  }

  @Test func learnersThatHaveNoSuchObjectiveRefuseIt() {
    let count = "{column: falls, at_least: 6, name: many, values: {maximum: 20}}"
    for model in [
      "learner: ebm, objective: poisson", "learner: random_forest, objective: poisson",
      "learner: logistic, objective: poisson", "learner: boosted_trees, objective: cox",
    ] {
      #expect(throws: YAMLProblem.self) { try plan(Example(outcome: count, model: model)) }
    }
    #expect(throws: YAMLProblem.self) {
      try StudyPlan(
        yaml: SyntheticStudy.yaml(
          models: "  - {name: m, learner: boosted_trees, objective: poisson}\n", epsilon: 1,
          outcome: count), file: "study.yaml")
    }
  }

  /// Every part of what is learnt is part of what the hospitals approve.
  @Test func theValuesArePartOfTheDigest() throws {
    let outcomes = [
      "{column: stay, above: 6, name: long}",
      "{column: stay, above: 6, name: long, values: {range: [0, 20]}}",
      "{column: stay, above: 6, name: long, values: {range: [0, 21]}}",
      "{column: stay, above: 6, name: long, values: {maximum: 20}}",
      "{column: stay, above: 6, name: long, values: {maximum: 21}}",
    ]
    let digests = try outcomes.map {
      try plan(Example(outcome: $0, model: "learner: boosted_trees")).digest
    }
    #expect(Set(digests).count == outcomes.count)
    let learns = try plan(
      Example(outcome: outcomes[1], model: "learner: boosted_trees, objective: squared_error"))
    #expect(!digests.contains(learns.digest))
  }

  /// A saved model that contradicts itself is refused.
  @Test func aModelFileThatContradictsItselfIsRefused() async throws {
    let plan = try plan(Self.examples[0])
    let table = try SyntheticCohort.table(plan, valuesFor: 300, seed: 35)
    let model = try #require(
      try await TreeStudyTests.run(plan, ["everybody": table]).models[0].trees?.model)
    let text = try #require(String(data: JSONEncoder().encode(model), encoding: .utf8))
    for (old, new) in [
      ("\"range\":[0,20]", "\"range\":[0,21]"), ("\"range\":[0,20]", "\"range\":[20,0]"),
      ("\"range\":[0,20]", "\"range\":[]"), ("\"range\":[0,20]", "\"maximum\":20"),
      ("\"above\":6", "\"positive\":[\"6\"]"),
    ] {
      #expect(text.contains(old))
      let changed = Data(text.replacingOccurrences(of: old, with: new).utf8)
      #expect(throws: (any Error).self) { try JSONDecoder().decode(TreeModel.self, from: changed) }
    }
  }
}
