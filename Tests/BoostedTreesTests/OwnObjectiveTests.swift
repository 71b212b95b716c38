import PortableNumerics
import Testing

@testable import BoostedTrees

/// Exponential survival times with censoring, an objective that the library does not have: the
/// margin η is the logarithm of the hazard, t the time in years, δ = 1 for an event and 0 for a patient
/// who was censored.
///
/// Loss: t·e^η − δ − δ·log(t·e^η) ≥ 0, the deviance halved. Derivatives: g = t·e^η − δ, h = t·e^η.
struct ExponentialTimes: BoostingObjective {
  /// Longest time, years.
  var longest: Double
  /// Whether to answer with base margins of the wrong length.
  var isBroken = false

  let outputCount = 1
  let baselineTermCount = 2
  let bounds = DerivativeBounds(gradient: 64, hessian: 64)

  func accepts(outcome: Double) -> Bool { outcome != 0 && abs(outcome) <= longest }

  func baselineTerms(outcome: Double) -> [Double] { [outcome > 0 ? 1 : 0, abs(outcome) / longest] }

  func baseMargins(patientCount: Double, sums: [Double]) throws(BoostedTreesError) -> [Double] {
    guard !isBroken else { return [] }
    guard sums[0] > 0, sums[1] > 0 else { throw BoostedTreesError(.oneOutcomeClass) }
    return [Portable.log(sums[0] / (sums[1] * longest))]
  }

  func derivatives(_ rows: ObjectiveRows, output: Int, into target: DerivativeRows) {
    for row in 0..<rows.count {
      let expected = abs(rows.outcomes[row]) * Portable.exp(rows.margins[output][row])
      target.gradient[row] = expected - (rows.outcomes[row] > 0 ? 1 : 0)
      target.hessian[row] = expected
    }
  }

  func losses(_ rows: ObjectiveRows, into target: UnsafeMutablePointer<Double>) {
    for row in 0..<rows.count {
      let expected = abs(rows.outcomes[row]) * Portable.exp(rows.margins[0][row])
      target[row] = rows.outcomes[row] > 0 ? expected - 1 - Portable.log(expected) : expected
    }
  }

  func predictions(margins: [Double]) -> [Double] { margins.map { Portable.exp($0) } }
}

/// The trainer with an objective defined outside the library.
@Suite struct OwnObjectiveTests {
  private let longest = 8.0

  /// Times of patients whose logarithm of the hazard is their margin − 1, censored at up to `longest` years.
  private func times(_ patients: SyntheticPatients, seed: UInt64) -> [Double] {
    var random = SplitMix64(seed: seed)
    return patients.margins.map { margin in
      let hazard = Portable.exp(margin - 1)
      let event = -Portable.log(1 - random.uniformDouble() * 0x1.fffffp-1) / hazard + 1e-6
      let end = 0.5 + random.uniformDouble() * (longest - 0.5)
      return event <= end ? event : -end
    }
  }

  private func plan(patientLimit: Int) -> TrainingPlan<ExponentialTimes> {
    var plan = TrainingPlan(objective: ExponentialTimes(longest: longest))
    plan.patientLimit = patientLimit
    plan.growth.maximumDepth = 3
    plan.growth.minimumChildWeight = 2
    return plan
  }

  @Test func partitionsGiveThePooledTrees() throws {
    let patients = try SyntheticPatients(seed: 81, count: 400)
    let outcomes = times(patients, seed: 82)
    #expect(outcomes.contains { $0 < 0 } && outcomes.contains { $0 > 0 })
    var plan = plan(patientLimit: 500)
    plan.treeCount = 8
    plan.rowRate = 0.8
    plan.earlyStopping = 3
    let roles = patients.keys.map { $0 % 4 == 0 ? RowRole.evaluation : .training }
    let pooled = try PooledTraining.train(
      plan: plan, features: patients.features,
      sites: [try patients.rows(outcomes: outcomes, roles: roles)])
    #expect(pooled.grown.trees.contains { $0.nodes.count > 3 })
    let first = try #require(pooled.losses.first?.evaluation)
    #expect(try #require(pooled.keptLoss?.evaluation) < first, "the trees learn")
    for siteCount in 2...8 {
      let sites = try patients.partition(into: siteCount, seed: UInt64(900 + siteCount))
        .map { try patients.rows($0, outcomes: outcomes, roles: roles) }
      let federated = try PooledTraining.train(
        plan: plan, features: patients.features, sites: sites)
      #expect(federated.grown == pooled.grown, "\(siteCount) sites")
      #expect(federated.losses == pooled.losses, "\(siteCount) sites")
    }
  }

  /// A leaf's first weight is −learning rate · G ÷ (H + λ) with G = Σ(t·e^η − δ), H = Σ t·e^η at
  /// η = log(Σδ ÷ Σt).
  ///
  /// Tolerance: rounding moves each patient's g and h by less than one unit, so G and H by less than n
  /// units u: |Δw| ≤ rate · n·u · (1 + |w|/rate) ÷ (H + λ − n·u), and the base margin's sums by
  /// half a unit of 2^−20 a patient, which moves G and H by less than n · 2^−20 · longest · e.
  @Test func theFirstStepIsNewtons() throws {
    let patients = try SyntheticPatients(seed: 83, count: 600)
    let outcomes = times(patients, seed: 84)
    var plan = plan(patientLimit: 1000)
    plan.treeCount = 1
    let rows = try patients.rows(outcomes: outcomes)
    let trained = try PooledTraining.train(plan: plan, features: patients.features, sites: [rows])
    let events = Double(outcomes.count { $0 > 0 })
    let base = Portable.log(events / outcomes.reduce(0) { $0 + abs($1) })
    #expect(abs(trained.grown.baseMargins[0] - base) < 1e-5)
    let tree = try #require(trained.grown.trees.first)
    #expect(tree.nodes.count > 3)
    let scale = try plan.scale()
    let unit = max(scale.gradientUnit, scale.hessianUnit) + 0x1p-20 * longest * 3
    for leaf in tree.nodes.indices where tree.nodes[leaf].test == nil {
      let members = (0..<patients.count).filter { row in
        tree.leaf { rows.table.bin(row: row, feature: $0) } == leaf
      }
      var gradient = 0.0
      var hessian = 0.0
      for row in members {
        let expected = abs(outcomes[row]) * Portable.exp(base)
        gradient += expected - (outcomes[row] > 0 ? 1 : 0)
        hessian += expected
      }
      let step = -gradient / (hessian + plan.growth.l2Penalty)
      let slack = Double(members.count) * unit
      #expect(slack < 0.1 * hessian, "the tolerance says something")
      let tolerance = slack * (1 + abs(step)) / (hessian + plan.growth.l2Penalty - slack)
      let value = tree.nodes[leaf].value
      #expect(abs(value - plan.learningRate * step) <= plan.learningRate * tolerance)
      #expect(abs(step) > 5 * tolerance || abs(step) < 0.2)
    }
  }

  /// One categorical feature and no penalty: the hazards end at events ÷ years of each level, the
  /// maximum of the likelihood.
  @Test func manyStepsEndAtTheRatesOfTheGroups() throws {
    let patients = try SyntheticPatients(
      seed: 85, count: 900, numericCount: 0, levelCount: 3, missingRate: 0)
    let outcomes = times(patients, seed: 86)
    var plan = plan(patientLimit: 1000)
    plan.treeCount = 60
    plan.learningRate = 0.5
    plan.growth.l2Penalty = 0
    let trained = try PooledTraining.train(
      plan: plan, features: patients.features, sites: [try patients.rows(outcomes: outcomes)])
    for level in 0..<3 {
      let group = outcomes.indices.filter { patients.columns[0][$0] == Double(level) }
        .map { outcomes[$0] }
      let rate = Double(group.count { $0 > 0 }) / group.reduce(0) { $0 + abs($1) }
      let margins = try trained.grown.margins(of: [Double(level)])
      // What rounding leaves: a tree's weight is off by less than n units of 2^−20 over H > 2.
      #expect(abs(plan.objective.predictions(margins: margins)[0] / rate - 1) < 0.01)
    }
  }

  @Test func impossibleOutcomesAndBaseMarginsAreRefused() throws {
    let patients = try SyntheticPatients(seed: 87, count: 40)
    var plan = plan(patientLimit: 100)
    func train(_ outcomes: [Double]) throws {
      _ = try PooledTraining.train(
        plan: plan, features: patients.features, sites: [try patients.rows(outcomes: outcomes)])
    }
    var outcomes = times(patients, seed: 88)
    try train(outcomes)
    #expect(throws: BoostedTreesError(.oneOutcomeClass)) { try train(outcomes.map { -abs($0) }) }
    plan.objective.isBroken = true
    #expect(throws: BoostedTreesError(.totalInconsistent)) { try train(outcomes) }
    plan.objective.isBroken = false
    outcomes[7] = 0
    #expect(throws: BoostedTreesError(.invalidOutcome, index: 7)) { try train(outcomes) }
    outcomes[7] = .nan
    #expect(throws: BoostedTreesError(.invalidOutcome, index: 7)) { try train(outcomes) }
  }

  private func shapes(patientLimit: Int) -> AdditivePlan<ExponentialTimes> {
    var plan = AdditivePlan(objective: ExponentialTimes(longest: longest))
    plan.patientLimit = patientLimit
    plan.minimumPartWeight = 2
    return plan
  }

  @Test func partitionsGiveThePooledShapes() throws {
    let patients = try SyntheticPatients(seed: 89, count: 400)
    let outcomes = times(patients, seed: 90)
    var plan = shapes(patientLimit: 500)
    plan.passCount = 12
    plan.featuresPerRound = 3
    plan.pairCount = 2
    plan.pairPassCount = 3
    plan.earlyStopping = 3
    let roles = patients.keys.map { $0 % 4 == 0 ? RowRole.evaluation : .training }
    let pooled = try PooledTraining.train(
      plan: plan, features: patients.features,
      sites: [try patients.rows(outcomes: outcomes, roles: roles)])
    #expect(pooled.grown.shapes.count { Set($0).count > 2 } >= 4 && pooled.grown.pairs.count == 2)
    let first = try #require(pooled.losses.first?.evaluation)
    #expect(try #require(pooled.keptLoss?.evaluation) < first, "the shapes learn")
    for siteCount in 2...8 {
      let sites = try patients.partition(into: siteCount, seed: UInt64(910 + siteCount))
        .map { try patients.rows($0, outcomes: outcomes, roles: roles) }
      let federated = try PooledTraining.train(
        plan: plan, features: patients.features, sites: sites)
      #expect(federated.grown == pooled.grown, "\(siteCount) sites")
      #expect(federated.losses == pooled.losses, "\(siteCount) sites")
    }
  }

  /// As of the trees: with one categorical feature the hazards end at events ÷ years of each level, and the
  /// margins of the shapes are those that the sites hold.
  @Test func manyPassesEndAtTheRatesOfTheGroups() throws {
    let patients = try SyntheticPatients(
      seed: 91, count: 900, numericCount: 0, levelCount: 3, missingRate: 0)
    let outcomes = times(patients, seed: 92)
    var plan = shapes(patientLimit: 1000)
    plan.passCount = 60
    plan.learningRate = 0.5
    plan.l2Penalty = 0
    let rows = try patients.rows(outcomes: outcomes)
    let trained = try PooledTraining.train(plan: plan, features: patients.features, sites: [rows])
    let margins = try trained.grown.margins(of: rows.table)
    for level in 0..<3 {
      let members = outcomes.indices.filter { patients.columns[0][$0] == Double(level) }
      let group = members.map { outcomes[$0] }
      let rate = Double(group.count { $0 > 0 }) / group.reduce(0) { $0 + abs($1) }
      let margin = try trained.grown.margin(of: [Double(level)])
      #expect(margins[members[0]] == margin)
      // What rounding leaves: a step is off by less than n units of 2^−20 over H > 2.
      #expect(abs(plan.objective.predictions(margins: [margin])[0] / rate - 1) < 0.01)
    }
  }

  @Test func shapesRefuseWhatTreesDo() throws {
    let patients = try SyntheticPatients(seed: 93, count: 40)
    var plan = shapes(patientLimit: 100)
    plan.passCount = 2
    func train(_ outcomes: [Double]) throws {
      _ = try PooledTraining.train(
        plan: plan, features: patients.features, sites: [try patients.rows(outcomes: outcomes)])
    }
    var outcomes = times(patients, seed: 94)
    try train(outcomes)
    #expect(throws: BoostedTreesError(.oneOutcomeClass)) { try train(outcomes.map { -abs($0) }) }
    plan.objective.isBroken = true
    #expect(throws: BoostedTreesError(.totalInconsistent)) { try train(outcomes) }
    plan.objective.isBroken = false
    outcomes[7] = .infinity
    #expect(throws: BoostedTreesError(.invalidOutcome, index: 7)) { try train(outcomes) }
    // The sum of the second baseline term is checked as the first one is.
    var trainer = try AdditiveTrainer(plan: plan, features: patients.features)
    #expect(trainer.answerCount == 3)
    #expect(throws: BoostedTreesError(.totalOutOfRange, index: 2)) {
      try trainer.absorb([10, 5 << 20, 11 << 20])
    }
  }

  /// Shapes of several outputs are not learnt; trees of them are.
  @Test func severalOutputsAreRefusedByName() throws {
    let patients = try SyntheticPatients(seed: 95, count: 60)
    let rows = try patients.rows(outcomes: (0..<60).map { Double($0 % 3) })
    let objective = Objective.multiclass(classCount: 3)
    let error = #expect(throws: BoostedTreesError.self) {
      try PooledTraining.train(
        plan: AdditivePlan(objective: objective), features: patients.features, sites: [rows])
    }
    #expect(error?.code == .severalOutputs)
    #expect(error?.message.contains("several outputs") == true)
    #expect(throws: BoostedTreesError(.severalOutputs)) {
      try AdditiveShard(rows: rows, plan: AdditivePlan(objective: objective))
    }
    var trees = TrainingPlan(objective: objective)
    trees.treeCount = 1
    _ = try PooledTraining.train(plan: trees, features: patients.features, sites: [rows])
  }
}
