import PortableNumerics
import Testing

@testable import BoostedTrees

/// Totals come from other parties: none may trap.
@Suite struct TotalsTests {
  @Test func badTotalsThrow() throws {
    let patients = try SyntheticPatients(seed: 41, count: 200)
    var plan = TrainingPlan()
    plan.patientLimit = 200
    plan.treeCount = 1
    var trainer = try EnsembleTrainer(plan: plan, features: patients.features)
    #expect(throws: BoostedTreesError(.totalLength)) { try trainer.absorb([1]) }
    #expect(throws: BoostedTreesError(.noPatients)) { try trainer.absorb([0, 0]) }
    #expect(throws: BoostedTreesError.self) { try trainer.absorb([-1, 0]) }
    #expect(throws: BoostedTreesError.self) { try trainer.absorb([201, 0]) }
    #expect(throws: BoostedTreesError.self) { try trainer.absorb([10, 11 << 20]) }
    #expect(throws: BoostedTreesError(.oneOutcomeClass)) { try trainer.absorb([10, 10 << 20]) }
    var shard = try LocalShard(rows: patients.rows(), settings: plan.shardSettings())
    let baseline = try #require(trainer.query)
    try trainer.absorb(try shard.answer(baseline))
    let query = try #require(trainer.query)
    var answer = try shard.answer(query)
    answer[3] &+= 5
    #expect(throws: BoostedTreesError.self) { try trainer.absorb(answer) }
    answer[3] &-= 5
    var random = SplitMix64(seed: 42)
    for _ in 0..<20 {
      let noise = answer.map { _ in Int64(truncatingIfNeeded: random.next()) }
      #expect(throws: BoostedTreesError.self) { try trainer.absorb(noise) }
    }
    #expect(trainer.query == query, "a bad total changes nothing")
    try trainer.absorb(answer)
    #expect(trainer.query != query)
  }

  @Test func roundingIsUnbiasedAndBounded() throws {
    let scale = try DerivativeScale(
      bounds: DerivativeBounds(gradient: 1, hessian: 0.25), patientLimit: 1_000_000)
    #expect(scale.gradientExponent == 11)
    #expect(scale.hessianExponent == 13)
    #expect(1_000_000 * scale.gradientLimit < 0x1p31)
    #expect(1_000_000 * scale.hessianLimit < 0x1p31)
    let count = 20_000
    var random = SplitMix64(seed: 43)
    let keys = (0..<count).map { _ in random.next() }
    for (g, h) in [(0.0001, 0.0001), (-0.33, 0.2211), (1.0, 0.25), (-1, 0), (-7, .nan)] {
      var gradient = [Double](repeating: g, count: count)
      var hessian = [Double](repeating: h, count: count)
      var words = [Int64](repeating: 0, count: count)
      gradient.withUnsafeMutableBufferPointer { gradient in
        hessian.withUnsafeMutableBufferPointer { hessian in
          keys.withUnsafeBufferPointer { keys in
            words.withUnsafeMutableBufferPointer { words in
              guard let a = gradient.baseAddress, let b = hessian.baseAddress,
                let k = keys.baseAddress, let w = words.baseAddress
              else { return }
              scale.write(
                count: count, derivatives: DerivativeRows(gradient: a, hessian: b), keys: k,
                seed: 9, into: w)
            }
          }
        }
      }
      var sum: Int64 = 0
      for word in words {
        #expect(Double(PackedWord.gradient(word).magnitude) <= scale.gradientLimit)
        #expect((0...scale.hessianLimit).contains(Double(PackedWord.hessian(word))))
        sum &+= word
      }
      let mean = Double(PackedWord.gradient(sum)) * 0x1p-11 / Double(count)
      // Standard error at most 2^-12/√20000; 6 of them: one false alarm in 10^9.
      #expect(abs(mean - min(max(g, -1), 1)) < 6 * 0x1p-12 / 141, "seed 43")
    }
  }

  @Test func binsAreChecked() throws {
    #expect(throws: BoostedTreesError.self) {
      try FeatureBins(name: "x", kind: .numeric(cuts: [1, 1]))
    }
    #expect(throws: BoostedTreesError.self) {
      try FeatureBins(name: "x", kind: .numeric(cuts: [.nan]))
    }
    #expect(throws: BoostedTreesError.self) {
      try FeatureBins(name: "x", kind: .categorical(levelCount: 256))
    }
    let numeric = try FeatureBins(name: "x", cutsAt: [2, 1, 2, .nan])
    #expect(numeric.kind == .numeric(cuts: [1, 2]))
    #expect([0.5, 1, 1.5, 2, 9].map { numeric.bin(of: $0) } == [1, 2, 2, 3, 3])
    #expect(
      [Double.nan, .infinity, -.infinity, 1e300].map { numeric.bin(of: $0) } == [0, 0, 0, 0])
    let levels = try FeatureBins(name: "x", kind: .categorical(levelCount: 3))
    #expect([0.0, 1, 2, 3, -1, 0.5, .nan].map { levels.bin(of: $0) } == [1, 2, 3, 0, 0, 0, 0])
    let many = try FeatureBins(name: "x", cutsAt: (0..<1000).map(Double.init))
    #expect(many.binCount == 256)
    #expect(many.bin(of: 1e9) == 255)
  }
}
