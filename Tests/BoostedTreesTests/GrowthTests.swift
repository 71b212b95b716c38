import PortableNumerics
import Testing

@testable import BoostedTrees

@Suite struct GrowthTests {
  private func train(
    _ plan: TrainingPlan<Objective>, _ patients: SyntheticPatients, outcomes: [Double]? = nil,
    roles: [RowRole]? = nil
  ) throws -> EnsembleTrainer<Objective> {
    try PooledTraining.train(
      plan: plan, features: patients.features,
      sites: [try patients.rows(outcomes: outcomes, roles: roles)])
  }

  private func plan(_ change: (inout TrainingPlan<Objective>) -> Void = { _ in }) -> TrainingPlan<
    Objective
  > {
    var plan = TrainingPlan()
    plan.treeCount = 5
    plan.patientLimit = 2000
    plan.growth.maximumDepth = 4
    change(&plan)
    return plan
  }

  @Test func trainingLossFalls() throws {
    let patients = try SyntheticPatients(seed: 31, count: 600)
    for objective in [
      Objective.logistic, .squaredError(lower: -8, upper: 8), .poisson(maximum: 30),
      .multiclass(classCount: 3),
    ] {
      let outcomes: [Double]
      switch objective {
      case .logistic: outcomes = patients.binary
      case .squaredError: outcomes = patients.margins
      case .poisson: outcomes = patients.margins.map { min(max(($0 * 4).rounded(), 0), 30) }
      case .multiclass: outcomes = patients.margins.map { $0 < -0.5 ? 0 : $0 < 0.5 ? 1 : 2 }
      }
      let trained = try train(
        plan {
          $0.objective = objective
          $0.earlyStopping = 100
          $0.treeCount = 8
        }, patients, outcomes: outcomes)
      let losses = trained.losses.compactMap(\.training)
      #expect(losses.count == 8)
      for (before, after) in zip(losses, losses.dropFirst()) {
        #expect(after < before, "\(objective), seed 31")
      }
    }
  }

  @Test func roundsPerTree() throws {
    let patients = try SyntheticPatients(seed: 32, count: 1500)
    let trained = try train(plan(), patients)
    // One for the baseline, then one for each level of each tree.
    #expect(trained.roundCount == 1 + 5 * 4)
    let bins = patients.features.reduce(0) { $0 + $1.binCount }
    // At most 1 + 1 + 2 + 4 histograms a tree: siblings are differences.
    #expect(trained.elementCount <= 2 + 5 * 8 * bins)
  }

  @Test func lossGuidedGrowthStopsAtItsLeaves() throws {
    let patients = try SyntheticPatients(seed: 33, count: 1500)
    for leavesPerRound in [1, 3] {
      let trained = try train(
        plan {
          $0.growth.strategy = .lossGuided(leavesPerRound: leavesPerRound)
          $0.growth.maximumDepth = 20
          $0.growth.maximumLeafCount = 11
        }, patients)
      for tree in trained.model.trees {
        #expect(tree.nodes.count(where: { $0.test == nil }) == 11)
      }
    }
  }

  /// Strict best-first growth with as many leaves as a full tree splits what depth-wise growth does.
  @Test func lossGuidedAndDepthWiseAgreeOnFullTrees() throws {
    let patients = try SyntheticPatients(seed: 34, count: 1500)
    let depthWise = try train(plan { $0.treeCount = 1 }, patients)
    let lossGuided = try train(
      plan {
        $0.treeCount = 1
        $0.growth.strategy = .lossGuided(leavesPerRound: 1)
      }, patients)
    let rows = try patients.rows()
    #expect(
      try depthWise.model.margins(of: rows.table) == lossGuided.model.margins(of: rows.table))
  }

  @Test func childrenAreHeavyAndManyEnough() throws {
    let patients = try SyntheticPatients(seed: 35, count: 600)
    let trained = try train(
      plan {
        $0.growth.minimumChildWeight = 12
        $0.growth.minimumChildCount = 60
      }, patients)
    let rows = try patients.rows()
    for tree in trained.model.trees {
      var counts = [Int](repeating: 0, count: tree.nodes.count)
      for row in 0..<patients.count {
        counts[tree.leaf { rows.table.bin(row: row, feature: $0) }] += 1
      }
      for (node, count) in zip(tree.nodes, counts) where node.test == nil {
        #expect(count >= 60)
        #expect(node.cover >= 12)
      }
    }
    #expect(trained.model.trees[0].nodes.count > 3)
  }

  @Test func monotoneFeaturesStayMonotone() throws {
    let patients = try SyntheticPatients(seed: 36, count: 800, missingRate: 0)
    let directions = [-1, 0, 1, 1, 0, 0]
    let trained = try train(
      plan {
        $0.growth.monotone = directions
        $0.treeCount = 15
      }, patients)
    var random = SplitMix64(seed: 37)
    var used = 0.0
    for _ in 0..<200 {
      var row = (0..<5).map { _ in random.uniformDouble() } + [Double(random.next() % 4)]
      for feature in [0, 2, 3] {
        var last: Double?
        for step in 0...20 {
          row[feature] = Double(step) / 20
          let margin = try trained.model.margins(of: row)[0]
          if let last {
            #expect((margin - last) * Double(directions[feature]) >= 0)
            used += abs(margin - last)
          }
          last = margin
        }
      }
    }
    #expect(used > 0)
  }

  @Test func earlyStoppingKeepsTheBestIteration() throws {
    let patients = try SyntheticPatients(seed: 38, count: 300)
    let trained = try train(
      plan {
        $0.treeCount = 100
        $0.learningRate = 0.5
        $0.earlyStopping = 5
        $0.growth.minimumChildWeight = 0
      }, patients, roles: (0..<300).map { $0 % 2 == 0 ? .evaluation : .training })
    let losses = trained.losses.compactMap(\.evaluation)
    let best = losses.indices.min { losses[$0] < losses[$1] } ?? 0
    #expect(trained.model.trees.count == best + 1)
    #expect(losses.count == best + 1 + 5)
  }

  @Test func lassoAndGammaPrune() throws {
    let patients = try SyntheticPatients(seed: 39, count: 600)
    let free = try train(plan { $0.treeCount = 1 }, patients)
    for change: (inout TrainingPlan<Objective>) -> Void in [
      { $0.growth.minimumSplitGain = 5 }, { $0.growth.l1Penalty = 20 },
    ] {
      let pruned = try train(
        plan {
          $0.treeCount = 1
          change(&$0)
        }, patients)
      #expect(pruned.model.trees[0].nodes.count < free.model.trees[0].nodes.count)
    }
  }

  @Test func degenerateTables() throws {
    var plan = plan()
    plan.treeCount = 2
    // Constant and all-missing columns: nothing to split, and no trap.
    let features = [
      try FeatureBins(name: "constant", cutsAt: []), try FeatureBins(name: "missing", cutsAt: [1]),
    ]
    let table = try BinnedTable(
      features: features, columns: [[3, 3, 3, 3], [.nan, .infinity, .nan, .nan]])
    let rows = try TrainingRows(table: table, outcomes: [0, 1, 1, 0], keys: [1, 2, 3, 4])
    let trained = try PooledTraining.train(plan: plan, features: features, sites: [rows])
    #expect(trained.model.trees.allSatisfy { $0.nodes.count == 1 })
    // No rows at all.
    let nobody = try TrainingRows(
      table: BinnedTable(features: features, columns: [[], []]), outcomes: [], keys: [])
    #expect(throws: BoostedTreesError(.noPatients)) {
      try PooledTraining.train(plan: plan, features: features, sites: [nobody])
    }
    // An empty site beside another changes nothing.
    let both = try PooledTraining.train(plan: plan, features: features, sites: [nobody, rows])
    #expect(both.model == trained.model)
    // One class.
    let dead = try TrainingRows(table: table, outcomes: [1, 1, 1, 1], keys: [1, 2, 3, 4])
    #expect(throws: BoostedTreesError(.oneOutcomeClass)) {
      try PooledTraining.train(plan: plan, features: features, sites: [dead])
    }
  }

  /// 2^20 patients with one value and the largest derivatives: no sum leaves its half of the word.
  @Test func aMillionEqualRows() throws {
    let count = 1 << 20
    let features = [try FeatureBins(name: "x", cutsAt: [1])]
    let table = BinnedTable(features: features, rowCount: count) { _, _, bins in
      bins.update(repeating: 2)
    }
    let rows = try TrainingRows(
      table: table, outcomes: [Double](repeating: 0, count: count),
      keys: [UInt64](repeating: 5, count: count))
    var plan = TrainingPlan()
    plan.patientLimit = count
    let settings = try plan.shardSettings()
    var shard = try LocalShard(rows: rows, settings: settings)
    _ = try shard.answer(GrowthQuery(sequence: 0, kind: .baseline))
    // A margin of 800 makes every gradient 1.
    let batch = TreeBatch(
      usesBaseMargins: false, baseMargins: [800], trees: [.init(output: 0, seed: 3)])
    let request = TreeRequest(histograms: [HistogramRequest(leaf: 0, features: [0])])
    let answer = try shard.answer(
      GrowthQuery(
        sequence: 1, kind: .growth(GrowthStep(begins: batch, trees: [request]))))
    #expect(answer.count == 3)
    #expect(answer[0] == 0 && answer[1] == 0)
    let mean = Double(PackedWord.gradient(answer[2])) * settings.scale.gradientUnit
    #expect(mean == Double(count))
    #expect(PackedWord.hessian(answer[2]) >= 0)
    #expect(Double(count) * settings.scale.gradientLimit < 0x1p31)
  }

  @Test func forestPredictsMeans() throws {
    let patients = try SyntheticPatients(seed: 40, count: 800)
    var plan = TrainingPlan.randomForest(treeCount: 20, featureCount: 6)
    plan.patientLimit = 800
    let trained = try train(plan, patients)
    #expect(trained.model.trees.count == 20)
    let margins = try trained.model.margins(of: patients.rows().table).map { $0[0] }
    #expect(margins.allSatisfy { $0 >= -1e-6 && $0 <= 1 + 1e-6 })
    let events = zip(margins, patients.binary).filter { $0.1 == 1 }.map(\.0)
    let others = zip(margins, patients.binary).filter { $0.1 == 0 }.map(\.0)
    let difference =
      events.reduce(0, +) / Double(events.count) - others.reduce(0, +) / Double(others.count)
    #expect(difference > 0.1)
  }
}
