import BoostedTrees
import Cohort
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Study

/// Models of trees as a study runs them: bins, growth, explanation, validation, replay.
@Suite struct TreeStudyTests {
  static let models = [
    "boosted_trees":
      "  - {name: trees, learner: boosted_trees, trees: 6, maximum_depth: 3,"
      + " minimum_child_weight: 1, early_stopping: 3, evaluation_share: 0.2}\n",
    "interventional":
      "  - {name: trees, learner: boosted_trees, trees: 4, maximum_leaves: 6, early_stopping: 0,"
      + " minimum_child_count: 12, explanation: interventional}\n",
    "random_forest":
      "  - {name: forest, learner: random_forest, trees: 5, maximum_depth: 4}\n",
    "ebm":
      "  - {name: shapes, learner: ebm, passes: 6, pairs: 1, minimum_child_weight: 1}\n",
  ]

  static func run(
    _ plan: StudyPlan, _ cohorts: [String: CohortTable]
  ) async throws -> StudyResult {
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    return try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run()
  }

  /// How patients are spread over sites changes no bit of the model: twenty random partitions into 1 to
  /// 20 sites, half of them with a site away while the contributions are summed.
  @Test(arguments: models.keys.sorted())
  func anyPartitionGivesTheSameModel(learner: String) async throws {
    let plan = try SyntheticStudy.plan(models: try #require(Self.models[learner]))
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 21)
    let pooled = try await Self.run(plan, ["everybody": table])
    let trees = try #require(pooled.models[0].trees)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let file = try encoder.encode(trees.model)
    for siteCount in 1...20 {
      let cohorts = try SyntheticCohort.partition(
        table, into: siteCount, seed: UInt64(siteCount))
      let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
      let all = PooledFederation(study, cohorts: cohorts)
      // Every second partition: one of its sites, another each time.
      let away = siteCount % 2 == 0 ? study.sites[siteCount * 7 % study.sites.count] : nil
      let without = PooledFederation(study, cohorts: cohorts.filter { $0.key != away })
      let federated = try await StudyProgram(
        study,
        over: AwayFederation(
          all, without: without, rounds: [], misses: away == nil ? nil : .contributions)
      ).run()
      let found = try #require(federated.models[0].trees)
      #expect(found.model == trees.model, "\(siteCount) sites")
      #expect(try encoder.encode(found.model) == file, "\(siteCount) sites")
      if away == nil {
        #expect(federated.digest == pooled.digest, "\(siteCount) sites")
        #expect(try encoder.encode(found) == encoder.encode(trees), "\(siteCount) sites")
      } else {
        #expect(found.explainedCount < trees.explainedCount, "\(siteCount) sites")
      }
    }
    #expect(trees.roundCount > trees.grownCount / 2 && trees.valueCount > 0)
    #expect(trees.contributions.map(\.feature) == ["age", "lactate", "ward", "diabetes"])
  }

  /// The study's trees are the library's own trees on the pooled training rows.
  @Test func theStudyGrowsThePooledTrees() async throws {
    let plan = try SyntheticStudy.plan(models: try #require(Self.models["boosted_trees"]))
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 22)
    let result = try await Self.run(
      plan, try SyntheticCohort.partition(table, into: 5, seed: 2))
    let fitted = try #require(result.models[0].trees)
    guard case .trees(let settings) = plan.models[0].training,
      case .ensemble(let ensemble) = fitted.model.content
    else { throw TestFault("not trees") }
    let rows = table.rowIndices(.training)
    let columns = fitted.model.columns
    let training = try settings.trainingPlan(
      features: columns.bins, patientCount: 400, outcome: plan.cohort.outcome)
    let keys = rows.map { table.patientKeys[$0] }
    // The roles are drawn from the keys; the sites' own rule is used through one site.
    var answers = LocalAnswers(site: "all", plan: plan, cohort: table, noiseKey: nil)
    var trainer = try EnsembleTrainer(plan: training, features: columns.bins)
    var history: [GrowthQuery] = []
    while let step = trainer.query {
      let total = try answers.answer(
        .treeGrowth(
          .init(
            model: plan.models[0], columns: columns, patientCount: 400, step: step,
            history: history, length: trainer.answerCount)))
      history.append(step)
      try trainer.absorb(total)
    }
    #expect(trainer.model == ensemble)
    #expect(Set(keys).count == keys.count)
    let aurocs = result.performance[0].sites.values.compactMap { $0.discrimination?.value }
    #expect(aurocs.reduce(0, +) / Double(max(aurocs.count, 1)) > 0.6)
  }

  /// The background is the training patients of all sites by the conditions of the leaves, small counts
  /// merged; contributions against it add up to the margin, and a leaf holds as many patients as asked for.
  @Test func contributionsAgainstPatientsOfAllSites() async throws {
    let text = SyntheticStudy.yaml(
      models: try #require(Self.models["interventional"]), minimumCell: 18)
    let plan = try StudyPlan(yaml: text, file: "study.yaml")
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 28)
    let result = try await Self.run(
      plan, try SyntheticCohort.partition(table, into: 6, seed: 6))
    let model = try #require(result.models[0].trees?.model)
    guard case .ensemble(let ensemble) = model.content else { throw TestFault("not trees") }
    let binned = try model.columns.table(of: table, rows: table.rowIndices(.training))
    let all = Array(0..<binned.rowCount)
    let patterns = try BackgroundPatterns(model: ensemble)
    let counts = try patterns.counts(of: binned, rows: all)
    #expect(model.background == (try patterns.merging(counts, below: 18)))
    #expect(model.background != counts && counts.contains { (1..<18).contains($0) })
    let explainer = try TreeExplainer(model)
    let margins = try model.margins(of: binned)
    var importance = 0.0
    for row in all {
      let bins = model.columns.bins.indices.map { binned.bin(row: row, feature: $0) }
      let contributions = try explainer.contributions(ofBins: bins)
      #expect(abs(contributions.reduce(explainer.base, +) - margins[row]) < 1e-9, "row \(row)")
      importance += abs(contributions[0]) / Double(all.count)
    }
    // The study sums the contributions of the same patients.
    let fitted = try #require(result.models[0].trees)
    #expect(fitted.explainedCount == all.count)
    #expect(abs(fitted.contributions[0].importance - importance) < 1e-5)
    for tree in ensemble.trees {
      var leaves: [Int: Int] = [:]
      for row in all { leaves[tree.leafIndex(of: row, in: binned), default: 0] += 1 }
      // A share of the patients is drawn for each tree, of which every leaf has twelve.
      #expect(leaves.values.allSatisfy { $0 >= 12 } && leaves.count > 2)
    }
    // Written and read with its background, under a digest of its own.
    let read = try JSONDecoder().decode(TreeModel.self, from: JSONEncoder().encode(model))
    #expect(read == model && read.background == model.background)
    let plain = try TreeModel(columns: model.columns, content: model.content)
    #expect(plain.digest != model.digest)
    var wrong = try #require(model.background)
    wrong[1] += 1
    #expect(throws: BoostedTreesError.self) {
      try TreeModel(columns: model.columns, content: model.content, background: wrong)
    }
  }

  /// A site that has lost what it kept in memory answers as if it had not.
  @Test(arguments: models.keys.sorted())
  func aRestartedSiteCatchesUp(learner: String) async throws {
    let plan = try SyntheticStudy.plan(models: try #require(Self.models[learner]))
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 23)
    let study = AgreedStudy.synthetic(plan, sites: ["a"])
    let asked = Collected<SumQuery>()
    let totals = Collected<Total>()
    let recorder = AlteredFederation(
      PooledFederation(study, cohorts: ["a": table]),
      total: { query, total in
        asked.append(query)
        totals.append(total)
        return total
      })
    _ = try await StudyProgram(study, over: recorder).run()
    var behind = LocalAnswers(site: "a", plan: plan, cohort: table, noiseKey: nil)
    for (index, query) in asked.values.enumerated() where index % 5 == 0 {
      // One that answers only some rounds keeps up with the others.
      #expect(try behind.answer(query) == totals.values[index].values, "query \(index), behind")
      var fresh = LocalAnswers(site: "a", plan: plan, cohort: table, noiseKey: nil)
      #expect(try fresh.answer(query) == totals.values[index].values, "query \(index)")
      // Asked again, it answers the same.
      #expect(try fresh.answer(query) == totals.values[index].values, "query \(index) again")
    }
  }

  @Test(arguments: models.keys.sorted())
  func theTranscriptReplaysToTheSameModel(learner: String) async throws {
    let text = SyntheticStudy.yaml(models: try #require(Self.models[learner]))
    let plan = try StudyPlan(yaml: text, file: "study.yaml")
    let cohorts = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 300, seed: 24), into: 4, seed: 1)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let recorder = RecordingFederation(
      PooledFederation(study, cohorts: cohorts), study: study)
    let result = try await StudyProgram(study, over: recorder).run()
    let transcript = Transcript(
      studyText: text, sites: study.sites, disclosures: [], entries: recorder.entries,
      result: result.digest)
    let read = try Transcript(fileBytes: transcript.fileBytes)
    let replayed = try await read.replayed()
    #expect(replayed.digest == result.digest)
    #expect(replayed.models[0].trees?.model == result.models[0].trees?.model)
  }

  /// A site that is away for one round within a tree: the tree ends there, the next one begins with
  /// whoever is there, and no sum of fewer sites says what the missing one holds.
  @Test func aTreeIsGrownOnTheSamePatientsThroughout() async throws {
    let plan = try SyntheticStudy.plan(
      models: "  - {name: trees, learner: boosted_trees, trees: 4, early_stopping: 0}\n")
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 25)
    let cohorts = try SyntheticCohort.partition(table, into: 4, seed: 3)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let all = PooledFederation(study, cohorts: cohorts)
    let present = cohorts.filter { $0.key != "site-2" }
    // The baseline is round 0, roots and the level below them are rounds 1 and 2.
    let federation = AwayFederation(
      all, without: PooledFederation(study, cohorts: present), rounds: [2, 3])
    let result = try await StudyProgram(study, over: federation).run()
    let undisturbed = try await StudyProgram(study, over: all).run()
    guard case .ensemble(let torn)? = result.models[0].trees?.model.content,
      case .ensemble(let whole)? = undisturbed.models[0].trees?.model.content
    else { throw TestFault("not trees") }
    // One level of the first tree was decided by everybody's root; its leaves are what that split says.
    #expect(torn.trees[0].nodes.count == 3 && whole.trees[0].nodes.count > 3)
    #expect(torn.trees[0].nodes[0].test == whole.trees[0].nodes[0].test)
    #expect(torn.trees[0].nodes.dropFirst().allSatisfy { $0.test == nil && $0.value != 0 })
    // The second tree's root was asked over three sites, and so were its levels.
    let steps = federation.steps
    #expect(steps[3].participants.count == 3 && steps[4].companions == steps[3].participants)
    #expect(steps[4].participants.count == 4)
    #expect(torn.trees.count > 2)
    // No two sums that were opened with data begin a tree in the same way, and what goes on with a
    // tree is over the sites of its root or nothing but zeros.
    var begun: Set<TreeBatch> = []
    for step in steps {
      if let batch = step.begins { #expect(begun.insert(batch).inserted) }
      let isWhole = Set(step.companions).isSubset(of: step.participants)
      #expect(isWhole || step.isZero)
    }
  }

  /// Pairs are counted where the features were counted last: without one of those sites nothing is
  /// counted, and the machine goes without pairs.
  @Test(arguments: [0, 1]) func pairsNeedTheSitesOfTheLastPass(place: Int) async throws {
    let plan = try SyntheticStudy.plan(
      models: "  - {name: shapes, learner: ebm, passes: 4, pairs: 1, minimum_child_weight: 1,"
        + " early_stopping: 15}\n")
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 29)
    let cohorts = try SyntheticCohort.partition(table, into: 4, seed: 3)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let all = PooledFederation(study, cohorts: cohorts)
    let undisturbed = AwayFederation(all, without: all, rounds: [])
    let whole = try await StudyProgram(study, over: undisturbed).run()
    guard case .additive(let machine)? = whole.models[0].trees?.model.content else {
      throw TestFault("no shapes")
    }
    #expect(machine.pairs.count == 1)
    let screening = try #require(undisturbed.steps.firstIndex { $0.isPairs })
    #expect(undisturbed.steps[screening].companions == study.sites)
    #expect(undisturbed.steps[screening + 1].companions == study.sites)
    let away = AwayFederation(
      all, without: PooledFederation(study, cohorts: cohorts.filter { $0.key != "site-2" }),
      rounds: [screening + place])
    let result = try await StudyProgram(study, over: away).run()
    #expect(away.steps.count == screening + place + 1 && away.steps.last?.isZero == true)
    guard case .additive(let alone)? = result.models[0].trees?.model.content else {
      throw TestFault("no shapes")
    }
    #expect(alone.shapes == machine.shapes)
    #expect(alone.pairs.allSatisfy { $0.values.allSatisfy { $0.allSatisfy { $0 == 0 } } })
  }

  /// A site that is away for a round that trains nothing changes no bit of the model.
  @Test func aDropoutOfAnotherRoundChangesNoBit() async throws {
    let plan = try SyntheticStudy.plan(models: try #require(Self.models["boosted_trees"]))
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 26)
    let cohorts = try SyntheticCohort.partition(table, into: 4, seed: 4)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let all = PooledFederation(study, cohorts: cohorts)
    let without = PooledFederation(study, cohorts: cohorts.filter { $0.key != "site-3" })
    let result = try await StudyProgram(
      study, over: AwayFederation(all, without: without, rounds: [], misses: .contributions)
    ).run()
    let undisturbed = try await StudyProgram(study, over: all).run()
    #expect(result.models[0].trees?.model == undisturbed.models[0].trees?.model)
    #expect(
      result.models[0].trees?.explainedCount ?? 0
        < undisturbed.models[0].trees?.explainedCount ?? 0)
  }

  /// What is said of the model is said of the trees that it keeps.
  @Test(arguments: ["boosted_trees", "ebm"])
  func theLossIsThatOfTheModelThatIsKept(learner: String) async throws {
    let patience = "early_stopping: 3, evaluation_share: 0.3, minimum_child_weight: 1"
    let plan = try SyntheticStudy.plan(
      models: learner == "ebm"
        ? "  - {name: m, learner: ebm, passes: 60, learning_rate: 1, \(patience)}\n"
        : "  - {name: m, learner: boosted_trees, trees: 60, learning_rate: 0.5, \(patience)}\n")
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 28)
    let result = try await Self.run(plan, ["everybody": table])
    let trees = try #require(result.models[0].trees)
    #expect(trees.treeCount < trees.grownCount && trees.grownCount < 60)
    #expect(trees.losses.map(\.iteration) == Array(1...trees.grownCount))
    let kept = try #require(trees.keptLoss)
    #expect(kept.iteration == trees.treeCount)
    #expect(kept.evaluation == trees.losses.compactMap(\.evaluation).min())
    #expect(result.models[0].trainingLogLoss == kept.training)
    #expect(kept.training != trees.losses.last?.training)
  }

  /// A point that is left out cannot be had from those that are shown.
  @Test func smallCellsCannotBeSubtracted() throws {
    func shown(_ counts: [Int64], minimum: Int) -> [Int] {
      FeatureContribution(
        .category(name: "ward", levels: ["a", "b", "c"], hasOther: false), importance: 1,
        counts: counts, sums: counts.map { Double($0) }, minimumCount: minimum,
        minimumCell: minimum
      ).points.map(\.patientCount)
    }
    #expect(shown([0, 100, 40, 30], minimum: 10) == [100, 40, 30])
    // Four patients beside 998 would be what is left of 1,002.
    #expect(shown([0, 600, 398, 4], minimum: 10) == [600])
    // Two small cells together are enough.
    #expect(shown([6, 600, 398, 4], minimum: 10) == [600, 398])
    #expect(shown([0, 994, 4, 0], minimum: 10).isEmpty)
  }

  @Test func impossibleContributionsAreRefused() async throws {
    let plan = try SyntheticStudy.plan(models: try #require(Self.models["boosted_trees"]))
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 27)
    let study = AgreedStudy.synthetic(plan, sites: ["a"])
    let first = 1 + plan.cohort.features.count
    for changes in [
      [0: Int64.max, first: 1 << 62, first + 2: 1 << 62], [0: 1 << 40], [first: 1 << 62],
      [first + 1: .min], [1: .max], [first: -1],
    ] as [[Int: Int64]] {
      let federation = AlteredFederation(
        PooledFederation(study, cohorts: ["a": table]),
        total: { query, total in
          guard case .contributions = query else { return total }
          var altered = total
          for (index, value) in changes { altered.values[index] = value }
          return altered
        })
      await #expect(throws: StudyError(.implausibleTotal, ""), "\(changes)") {
        _ = try await StudyProgram(study, over: federation).run()
      }
    }
  }

  @Test func impossibleHistogramsAreRefused() async throws {
    let plan = try SyntheticStudy.plan(models: try #require(Self.models["boosted_trees"]))
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 27)
    let study = AgreedStudy.synthetic(plan, sites: ["a"])
    for value in [Int64.max, Int64.min, -1] {
      let federation = AlteredFederation(
        PooledFederation(study, cohorts: ["a": table]),
        total: { query, total in
          guard case .treeGrowth(let growth) = query, growth.step.sequence == 2 else {
            return total
          }
          var altered = total
          altered.values[5] = value
          return altered
        })
      await #expect(throws: StudyError.self, "\(value)") {
        _ = try await StudyProgram(study, over: federation).run()
      }
    }
  }
}

/// Leaves a site out of some rounds of growing trees, by their number, or of all rounds of one kind. A
/// round that needs the missing site has zeros, as sites answer.
private final class AwayFederation: Federation {
  struct Step {
    var begins: TreeBatch?
    var isPairs: Bool
    var companions: [String]
    var participants: [String]
    var isZero: Bool
  }

  private let all: any Federation
  private let without: any Federation
  private let rounds: Set<Int>
  private let misses: QueryKind?
  private let asked = Mutex<[Step]>([])
  var steps: [Step] { asked.withLock { $0 } }

  init(
    _ all: any Federation, without: any Federation, rounds: Set<Int>, misses: QueryKind? = nil
  ) {
    self.all = all
    self.without = without
    self.rounds = rounds
    self.misses = misses
  }

  func sum(_ query: SumQuery) async throws -> Total {
    if query.kind == misses { return try await without.sum(query) }
    var batch: TreeBatch?
    var isPairs = false
    switch query {
    case .treeGrowth(let growth):
      if case .growth(let step) = growth.step.kind { batch = step.begins }
    case .shapes(let shapes):
      if case .pairs = shapes.step.kind { isPairs = true }
    default: return try await all.sum(query)
    }
    let isAway = rounds.contains(asked.withLock { $0.count })
    var total = try await (isAway ? without : all).sum(query)
    let isWhole = Set(query.companions).isSubset(of: total.participants)
    if !isWhole { total.values = total.values.map { _ in 0 } }
    if !isAway, isWhole, !query.companions.isEmpty, query.companions != total.participants {
      // Whoever was not at the root gives zeros.
      total.values = try await without.sum(query).values
    }
    asked.withLock {
      $0.append(
        Step(
          begins: batch, isPairs: isPairs, companions: query.companions,
          participants: total.participants, isZero: total.values.allSatisfy { $0 == 0 }))
    }
    return total
  }

  func perSite(_ query: SiteQuery) async throws -> SiteAnswers { try await all.perSite(query) }
  func report(_ progress: StageProgress) async {}
}

extension DecisionTree {
  /// The leaf of a row.
  fileprivate func leafIndex(of row: Int, in table: BinnedTable) -> Int {
    var index = 0
    while let test = nodes[index].test {
      let isLeft = test.goesLeft(table.bin(row: row, feature: test.feature))
      index = isLeft ? nodes[index].left : nodes[index].right
    }
    return index
  }
}
