import PortableNumerics
import Testing

@testable import BoostedTrees

/// Federated equals pooled, bit for bit.
@Suite struct PartitionIdentityTests {
  private func expectIdentity(
    _ plan: TrainingPlan<Objective>, patients: SyntheticPatients, outcomes: [Double]? = nil,
    roles: [RowRole]? = nil, partitions: Int, seed: UInt64
  ) throws {
    let pooled = try PooledTraining.train(
      plan: plan, features: patients.features,
      sites: [try patients.rows(outcomes: outcomes, roles: roles)])
    #expect(pooled.model.trees.contains { $0.nodes.count > 3 }, "something was learned")
    for number in 0..<partitions {
      let siteCount = 1 + (number * 19) / max(partitions - 1, 1)
      let sites = try patients.partition(
        into: siteCount, seed: SplitMix64.seed(seed, UInt64(number))
      ).map { try patients.rows($0, outcomes: outcomes, roles: roles) }
      let federated = try PooledTraining.train(
        plan: plan, features: patients.features, sites: sites)
      #expect(
        federated.model == pooled.model,
        "\(siteCount) sites, seed \(seed), partition \(number)")
      #expect(federated.losses == pooled.losses)
    }
  }

  @Test func logisticOverTwentyPartitions() throws {
    var plan = TrainingPlan()
    plan.treeCount = 4
    plan.growth.maximumDepth = 4
    plan.patientLimit = 1000
    let patients = try SyntheticPatients(seed: 1, count: 400)
    try expectIdentity(plan, patients: patients, partitions: 20, seed: 11)
  }

  @Test func everySettingAtOnce() throws {
    var plan = TrainingPlan()
    plan.treeCount = 6
    plan.rowRate = 0.7
    plan.earlyStopping = 2
    plan.patientLimit = 1000
    plan.growth.strategy = .lossGuided(leavesPerRound: 2)
    plan.growth.maximumDepth = 8
    plan.growth.maximumLeafCount = 9
    plan.growth.l1Penalty = 0.05
    plan.growth.minimumChildCount = 5
    plan.growth.featureRatePerTree = 0.8
    plan.growth.monotone = [1, 0, 0, -1, 0, 0]
    let patients = try SyntheticPatients(seed: 2, count: 500)
    let roles = (0..<patients.count).map { row -> RowRole in
      patients.keys[row] % 5 == 0 ? .evaluation : patients.keys[row] % 11 == 1 ? .unused : .training
    }
    try expectIdentity(plan, patients: patients, roles: roles, partitions: 6, seed: 12)
  }

  @Test func otherObjectives() throws {
    let patients = try SyntheticPatients(seed: 3, count: 300)
    var plan = TrainingPlan()
    plan.treeCount = 3
    plan.growth.maximumDepth = 3
    plan.patientLimit = 500
    plan.objective = .squaredError(lower: -5, upper: 6)
    try expectIdentity(
      plan, patients: patients, outcomes: patients.margins, partitions: 4, seed: 13)
    plan.objective = .poisson(maximum: 20)
    try expectIdentity(
      plan, patients: patients,
      outcomes: patients.margins.map { min(max(($0 * 3).rounded(), 0), 20) }, partitions: 4,
      seed: 14)
    plan.objective = .multiclass(classCount: 3)
    try expectIdentity(
      plan, patients: patients,
      outcomes: patients.margins.map { $0 < -0.5 ? 0 : $0 < 0.5 ? 1 : 2 }, partitions: 4, seed: 15)
  }

  @Test func forest() throws {
    var plan = TrainingPlan.randomForest(treeCount: 5, featureCount: 6, treesPerRound: 3)
    plan.patientLimit = 500
    plan.growth.maximumDepth = 5
    let patients = try SyntheticPatients(seed: 4, count: 300)
    try expectIdentity(plan, patients: patients, partitions: 20, seed: 16)
  }

  /// More than one block of rows, by threads too.
  @Test func blocksAndThreads() throws {
    let patients = try SyntheticPatients(seed: 5, count: 40_000, numericCount: 2, cutCount: 7)
    var plan = TrainingPlan()
    plan.treeCount = 1
    plan.growth.maximumDepth = 3
    plan.patientLimit = 40_000
    let rows = try patients.rows()
    let alone = try PooledTraining.train(plan: plan, features: patients.features, sites: [rows])
    let backwards = WorkCrew(size: 3) { size, part in
      for index in (0..<size).reversed() { part(index) }
    }
    let divided = try PooledTraining.train(
      plan: plan, features: patients.features, sites: [rows], crew: backwards)
    #expect(alone.model == divided.model)
    let sites = try patients.partition(into: 3, seed: 17).map { try patients.rows($0) }
    let federated = try PooledTraining.train(plan: plan, features: patients.features, sites: sites)
    #expect(alone.model == federated.model)
  }

  /// A query asked again after a lost round, and a site that restarts from the transcript.
  @Test func repeatedAndReplayedQueries() throws {
    let patients = try SyntheticPatients(seed: 6, count: 300)
    var plan = TrainingPlan()
    plan.treeCount = 3
    plan.growth.maximumDepth = 3
    plan.patientLimit = 300
    let rows = try patients.rows()
    var trainer = try EnsembleTrainer(plan: plan, features: patients.features)
    var shard = try LocalShard(rows: rows, settings: plan.shardSettings())
    var asked: [GrowthQuery] = []
    while let query = trainer.query {
      let answer = try shard.answer(query)
      #expect(try shard.answer(query) == answer, "the same answer to the same query")
      var restarted = try LocalShard(rows: rows, settings: plan.shardSettings())
      for past in asked { try restarted.replay(past) }
      #expect(try restarted.answer(query) == answer, "after \(asked.count) replayed queries")
      asked.append(query)
      try trainer.absorb(answer)
    }
    #expect(throws: BoostedTreesError(.outOfOrder)) { try shard.answer(asked[0]) }
  }
}
