import BoostedTrees
import Cohort
import Foundation
import TestSupport
import Testing

@testable import Study

/// When training stops where the study file does not say: decided by the published number of events.
@Suite struct TreeStoppingTests {
  private func settings(_ model: String) throws -> TreeSettings {
    let plan = try SyntheticStudy.plan(models: "  - {name: m, \(model)}\n")
    guard case .trees(let settings) = plan.models[0].training else { throw TestFault("not trees") }
    return settings
  }

  /// Trees, rate, patience and share that are used.
  private func used(_ model: String, events: Int) throws -> [Double] {
    let (settings, stopping) = try settings(model).used(events: events)
    let found = [
      Double(settings.treeCount), settings.learningRate, Double(settings.patience),
      settings.evaluationShare,
    ]
    let said = try #require(stopping)
    #expect(
      found == [
        Double(said.treeCount), said.learningRate, Double(said.patience), said.evaluationShare,
      ])
    #expect(said.fewEvents == (settings.patience == 0 && !model.contains("stop") ? events : nil))
    #expect(settings.unstated == TreeSettings.Unstated(), "what is used leaves nothing open")
    return found
  }

  @Test func fewEventsLeaveNobodyAside() throws {
    // A fifth of 1,000 events, of 500 for the explainable boosting machine, is what early stopping needs.
    #expect(try used("learner: boosted_trees", events: 1000) == [200, 0.1, 15, 0.2])
    #expect(try used("learner: boosted_trees", events: 999) == [100, 0.05, 0, 0])
    #expect(try used("learner: boosted_trees", events: 0) == [100, 0.05, 0, 0])
    #expect(try used("learner: ebm", events: 500) == [200, 0.1, 15, 0.2])
    #expect(try used("learner: ebm", events: 499) == [50, 0.1, 0, 0])
    #expect(try settings("learner: random_forest").used(events: 3).stopping == nil)
  }

  @Test func whatTheStudyFileSaysStays() throws {
    for events in [20, 5000] {
      #expect(
        try used("learner: boosted_trees, early_stopping: 15", events: events)
          == [200, 0.1, 15, 0.2])
      #expect(
        try used("learner: boosted_trees, early_stopping: 0", events: events) == [200, 0.1, 0, 0])
      #expect(
        try used(
          "learner: ebm, passes: 70, early_stopping: 4, evaluation_share: 0.3", events: events)
          == [70, 0.1, 4, 0.3])
    }
    let share = try settings("learner: boosted_trees, evaluation_share: 0.4").used(events: 20)
    #expect(share.settings.evaluationShare == 0.4 && share.settings.patience == 15)
    #expect(share.stopping?.fewEvents == nil)
    // Of trees and rate the one that is stated stays, and their product is 5, the rate at most 0.1.
    let trees = "learner: boosted_trees, trees"
    #expect(try used("\(trees): 400", events: 20) == [400, 0.0125, 0, 0])
    #expect(try used("\(trees): 30", events: 20) == [30, 0.1, 0, 0])
    #expect(try used("\(trees): 30, learning_rate: 0.5", events: 20) == [30, 0.5, 0, 0])
    #expect(try used("\(trees): 400", events: 2000) == [400, 0.1, 15, 0.2])
    let rate = "learner: boosted_trees, learning_rate"
    #expect(try used("\(rate): 0.2", events: 20) == [25, 0.2, 0, 0])
    #expect(try used("\(rate): 0.03", events: 20) == [167, 0.03, 0, 0])
    #expect(try used("\(rate): 0.001", events: 20) == [200, 0.001, 0, 0])
    #expect(try used("learner: ebm, passes: 100", events: 20) == [100, 0.05, 0, 0])
  }

  /// The spread of a number is made from the patients kept aside, and its precision is that of all patients.
  @Test func numbersDoNotDependOnEvents() throws {
    var number = TreeSettings(.boostedTrees)
    number.objective = .squaredError
    #expect(number.used(events: 3).settings.patience == 15)
    #expect(TreeSettings.privately(.additive).used(events: 3).settings.treeCount == 5)
  }

  /// What is stated, though it is the default, is another plan: it is followed whatever the events.
  @Test func statingADefaultIsAnotherPlan() throws {
    var seen: Set<String> = []
    for more in [
      "", ", early_stopping: 15", ", evaluation_share: 0.2", ", trees: 200", ", learning_rate: 0.1",
    ] {
      let text = "  - {name: m, learner: boosted_trees\(more)}\n"
      #expect(
        seen.insert(try SyntheticStudy.plan(models: text).digest.hex).inserted
          || more == ", evaluation_share: 0.2")
    }
  }

  /// Every party decides alike: the federated studies are the pooled one to the bit, the settings used are
  /// in every question, in the result and, with the result's words, in what the study prints.
  @Test(arguments: ["boosted_trees, maximum_depth: 2, bins: 8", "ebm, bins: 8"])
  func everyPartyUsesTheSameSettings(learner: String) async throws {
    let plan = try SyntheticStudy.plan(models: "  - {name: m, learner: \(learner)}\n")
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 41)
    let pooled = try await TreeStudyTests.run(plan, ["everybody": table])
    let trees = try #require(pooled.models[0].trees)
    let isAdditive = trees.learner == .additive
    let events = min(
      pooled.totals.trainingEventCount,
      pooled.totals.trainingCount - pooled.totals.trainingEventCount)
    #expect(
      trees.stopping
        == TreeSettings.Stopping(
          treeCount: isAdditive ? 50 : 100, learningRate: isAdditive ? 0.1 : 0.05, patience: 0,
          evaluationShare: 0, fewEvents: events))
    #expect(trees.grownCount == (isAdditive ? 50 : 100) && trees.treeCount == trees.grownCount)
    #expect(trees.losses.isEmpty)
    #expect(trees.costInWords.contains("since \(events) training patients"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    for siteCount in [3, 7] {
      let cohorts = try SyntheticCohort.partition(table, into: siteCount, seed: 5)
      let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
      let asked = Collected<SumQuery>()
      let federation = AlteredFederation(
        PooledFederation(study, cohorts: cohorts),
        total: { query, total in
          asked.append(query)
          return total
        })
      let federated = try await StudyProgram(study, over: federation).run()
      #expect(federated.digest == pooled.digest, "\(siteCount) sites")
      #expect(
        try encoder.encode(federated.models[0].trees) == encoder.encode(trees),
        "\(siteCount) sites")
      let expected = try settings("learner: \(learner)").used(events: events).settings
      var count = 0
      for query in asked.values {
        switch query {
        case .treeGrowth(let query):
          #expect(query.model.training == .trees(expected))
          count += 1
        case .shapes(let query):
          #expect(query.model.training == .trees(expected))
          count += 1
        default: break
        }
      }
      #expect(count == trees.roundCount)
    }
  }

  /// The same study with the settings of the rule written into its file grows the same trees.
  @Test func theRuleIsTheSettingsItStandsFor() async throws {
    let rest = "maximum_depth: 2, bins: 8"
    let open = try SyntheticStudy.plan(
      models: "  - {name: m, learner: boosted_trees, \(rest)}\n")
    let stated = try SyntheticStudy.plan(
      models: "  - {name: m, learner: boosted_trees, \(rest), trees: 100, learning_rate: 0.05,"
        + " early_stopping: 0}\n")
    let cohorts = try SyntheticCohort.partition(
      try SyntheticCohort.table(open, patients: 300, seed: 42), into: 3, seed: 6)
    let first = try await TreeStudyTests.run(open, cohorts)
    let second = try await TreeStudyTests.run(stated, cohorts)
    #expect(first.models[0].trees?.model == second.models[0].trees?.model)
    #expect(second.models[0].trees?.stopping?.fewEvents == nil)
    #expect(second.models[0].trees?.costInWords.contains("since") == false)
  }
}
