import Foundation
import PortableNumerics
import Testing

@testable import BoostedTrees

/// The explainable boosting machine.
@Suite struct AdditiveTests {
  private func plan(
    _ change: (inout AdditivePlan<Objective>) -> Void = { _ in }
  ) -> AdditivePlan<Objective> {
    var plan = AdditivePlan()
    plan.passCount = 12
    plan.patientLimit = 5000
    change(&plan)
    return plan
  }

  @Test func anyPartitionGivesTheSameModel() throws {
    let patients = try SyntheticPatients(seed: 81, count: 400)
    let roles = patients.keys.map { $0 % 4 == 0 ? RowRole.evaluation : .training }
    for perRound in [1, 4] {
      let plan = plan {
        $0.featuresPerRound = perRound
        $0.pairCount = 2
        $0.pairPassCount = 4
        $0.earlyStopping = 3
      }
      let pooled = try PooledTraining.train(
        plan: plan, features: patients.features, sites: [patients.rows(roles: roles)])
      #expect(pooled.model.pairs.count == 2)
      for siteCount in (perRound == 1 ? [2, 5, 13] : Array(1...20)) {
        let sites = try patients.partition(into: siteCount, seed: 82).map {
          try patients.rows($0, roles: roles)
        }
        let federated = try PooledTraining.train(
          plan: plan, features: patients.features, sites: sites)
        #expect(federated.model == pooled.model, "\(siteCount) sites, seed 82")
        #expect(federated.losses == pooled.losses)
      }
    }
  }

  @Test func shapesFollowTheTruth() throws {
    let patients = try SyntheticPatients(seed: 83, count: 3000, missingRate: 0.1)
    let trained = try PooledTraining.train(
      plan: plan { $0.passCount = 40 }, features: patients.features, sites: [patients.rows()])
    #expect(trained.roundCount == 1 + 40 * 6)
    let model = trained.model
    for (feature, importance) in trained.importance.enumerated() {
      #expect(importance > 0.02, "feature \(feature) matters")
    }
    // x0 raises the margin, x1 lowers it up to 0.8; missing values raise it by 0.4.
    #expect(model.shapes[0][19] - model.shapes[0][2] > 0.8)
    #expect(model.shapes[1][15] - model.shapes[1][2] < -0.2)
    #expect(model.shapes[5][2] - model.shapes[5][1] > 0.5, "level 1 has log odds 1 more")
    // Prediction is the sum of the shapes, and the site's margins agree to rounding.
    let row = patients.columns.map { $0[7] }
    let sum = try model.contributions(of: row).reduce(model.baseMargin, +)
    #expect(abs(sum - (try model.margin(of: row))) < 1e-12)
  }

  /// Shapes and pairs as trees predict the same bits for every bin of every feature, missing values
  /// and constant features included, and are a model that reads back.
  @Test func asTreesTheMarginsHaveTheSameBits() throws {
    let patients = try SyntheticPatients(seed: 88, count: 600, missingRate: 0.2)
    let features =
      patients.features + [
        try FeatureBins(name: "never cut", kind: .numeric(cuts: [])),
        try FeatureBins(name: "one level", kind: .categorical(levelCount: 1)),
      ]
    let constant = [[Double]](repeating: .init(repeating: 0, count: 600), count: 2)
    let rows = try TrainingRows(
      table: BinnedTable(features: features, columns: patients.columns + constant),
      outcomes: patients.binary, keys: patients.keys)
    let model = try PooledTraining.train(
      plan: plan {
        $0.pairCount = 4
        $0.pairPassCount = 3
      }, features: features, sites: [rows]
    ).model
    let ensemble = model.ensemble
    #expect(model.pairs.count == 4 && ensemble.trees.count == features.count + 4)
    #expect(try ensemble.margins(of: rows.table).map { $0[0] } == model.margins(of: rows.table))
    var random = SplitMix64(seed: 89)
    for _ in 0..<2000 {
      let bins = features.map { UInt8(random.uniformInteger(below: $0.binCount)) }
      let sum = try model.contributions(ofBins: bins).reduce(model.baseMargin, +)
      #expect(ensemble.margins(ofBins: bins) == [sum], "\(bins), seed 89")
    }
    let coded = try JSONEncoder().encode(ensemble)
    #expect(try JSONDecoder().decode(TreeEnsemble.self, from: coded) == ensemble)
  }

  @Test func screeningFindsThePair() throws {
    var random = SplitMix64(seed: 84)
    let features = try (0..<4).map {
      try FeatureBins(name: "x\($0)", cutsAt: (1..<16).map { Double($0) / 16 })
    }
    var columns = [[Double]](repeating: [], count: 4)
    var outcomes: [Double] = []
    for _ in 0..<3000 {
      for feature in 0..<4 { columns[feature].append(random.uniformDouble()) }
      let isOdd = (columns[1].last ?? 0 > 0.5) != (columns[3].last ?? 0 > 0.5)
      outcomes.append(random.uniformDouble() < (isOdd ? 0.8 : 0.2) ? 1 : 0)
    }
    let rows = try TrainingRows(
      table: BinnedTable(features: features, columns: columns), outcomes: outcomes,
      keys: outcomes.map { _ in random.next() })
    let trained = try PooledTraining.train(
      plan: plan {
        $0.passCount = 5
        $0.pairCount = 1
        $0.pairPassCount = 30
      }, features: features, sites: [rows])
    let model = trained.model
    #expect(model.pairs.map(\.first) == [1])
    #expect(model.pairs.map(\.second) == [3])
    let odd = try model.prediction(of: [0.5, 0.9, 0.5, 0.1])
    let even = try model.prediction(of: [0.5, 0.9, 0.5, 0.9])
    #expect(odd > 0.7 && even < 0.3)
  }

  @Test func codedFormReadsBackAndIsChecked() throws {
    let patients = try SyntheticPatients(seed: 85, count: 200)
    let model = try PooledTraining.train(
      plan: plan {
        $0.passCount = 2
        $0.pairCount = 1
        $0.pairPassCount = 1
      }, features: patients.features, sites: [patients.rows()]
    ).model
    let data = try JSONEncoder().encode(model)
    #expect(try JSONDecoder().decode(AdditiveModel.self, from: data) == model)
    var broken = model
    broken.grown.shapes[0].removeLast()
    let bad = try JSONEncoder().encode(broken)
    #expect(throws: (any Error).self) { try JSONDecoder().decode(AdditiveModel.self, from: bad) }
  }

  @Test func queriesRepeatReplayAndRefuse() throws {
    let patients = try SyntheticPatients(seed: 86, count: 150)
    let plan = plan { $0.passCount = 2 }
    let rows = try patients.rows()
    var trainer = try AdditiveTrainer(plan: plan, features: patients.features)
    var shard = try AdditiveShard(rows: rows, plan: plan)
    var asked: [AdditiveQuery] = []
    while let query = trainer.query {
      let answer = try shard.answer(query)
      #expect(try shard.answer(query) == answer)
      var restarted = try AdditiveShard(rows: rows, plan: plan)
      for past in asked { try restarted.replay(past) }
      #expect(try restarted.answer(query) == answer)
      asked.append(query)
      #expect(throws: BoostedTreesError.self) { try trainer.absorb(answer + [0]) }
      try trainer.absorb(answer)
    }
    #expect(throws: BoostedTreesError(.outOfOrder)) { try shard.answer(asked[1]) }
    #expect(throws: BoostedTreesError(.finished)) { try trainer.absorb([]) }
  }
}
