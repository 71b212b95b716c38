import Cryptography
import DifferentialPrivacy
import PortableNumerics
import Testing

@Suite struct NoiseScheduleTests {
  @Test("Honest sites hold the whole variance, for every n, c, m and many variances, in integers")
  func invariant() throws {
    for n in 3...60 {
      let t = 2 * n / 3 + 1
      for c in 0..<t {
        for variance in [1, 15, 97, 5_003, 1_000_003, (1 << 40) + 1, 1 << 60] as [UInt64] {
          let schedule = try NoiseSchedule(
            siteCount: n, colluderCount: c, threshold: t, variance: variance, vectorLength: 1_000)
          #expect(schedule.layers.count <= (n > 8 ? 3 : n - t))
          #expect(schedule.layers.allSatisfy { $0.variance >= NoiseSchedule.leastVariance })
          #expect(schedule.baseVariance >= NoiseSchedule.leastVariance)
          for m in t...n {
            let kept = schedule.keptVariance(survivorCount: m)
            #expect(schedule.honestVariance(survivorCount: m) == UInt64(m - c) * kept)
            guard schedule.honestVariance(survivorCount: m) >= variance else {
              Issue.record("n \(n) c \(c) m \(m) variance \(variance)")
              return
            }
            let removed = Set(schedule.layersToRemove(survivorCount: m))
            let stays = schedule.layers.indices.filter { !removed.contains($0) }
            #expect(stays.allSatisfy { schedule.layers[$0].largestSurvivorCount >= m })
          }
          // Nothing is wasted at full attendance: at most one unit per site beyond σ².
          if !schedule.layers.isEmpty {
            #expect(schedule.layersToRemove(survivorCount: n) == Array(schedule.layers.indices))
            #expect(
              schedule.honestVariance(survivorCount: n)
                < max(variance, 16 * UInt64(n - c)) + UInt64(n - c))
          }
        }
      }
    }
  }

  @Test("The table of the specification: noise relative to central noise, n = 10, c = 1 and 3")
  func table() throws {
    let cases: [(c: Int, m: Int, ratio: Double)] = [
      (1, 10, 1.054), (1, 7, 1.080), (3, 10, 1.195), (3, 7, 1.323),
    ]
    for (c, m, ratio) in cases {
      let schedule = try NoiseSchedule(
        siteCount: 10, colluderCount: c, threshold: 7, variance: 1 << 40, vectorLength: 1_000)
      #expect(schedule.layerLimits == [9, 8, 7])
      let measured =
        (Double(schedule.totalVariance(survivorCount: m)) / Double(1 << 40 as UInt64)).squareRoot()
      #expect((measured - ratio).magnitude < 1e-3)
    }
  }

  @Test("Long vectors and thin layers have no layers but the worst-case share")
  func noLayers() throws {
    for (variance, length) in [(1 << 30, 65_537), (200, 10)] as [(UInt64, Int)] {
      let schedule = try NoiseSchedule(
        siteCount: 10, colluderCount: 1, threshold: 7, variance: variance, vectorLength: length)
      #expect(schedule.layers.isEmpty)
      #expect(schedule.baseVariance == max(16, (variance + 5) / 6))
      #expect(schedule.layersToRemove(survivorCount: 10).isEmpty)
    }
  }

  @Test("What cannot be planned is refused")
  func refusals() {
    for (n, c, t, variance) in [
      (5, 4, 4, 100), (5, -1, 4, 100), (3, 1, 4, 100), (70_000, 1, 50_000, 100), (5, 1, 4, 0),
      (5, 1, 4, (1 << 60) + 1),
    ] as [(Int, Int, Int, UInt64)] {
      #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
        try NoiseSchedule(
          siteCount: n, colluderCount: c, threshold: t, variance: variance, vectorLength: 10)
      }
    }
  }

  private func seeds(_ count: Int, _ fill: UInt8) -> SecretBytes {
    SecretBytes(count: 32 * count) { target in
      for index in target.indices { target[index] = fill &+ UInt8(truncatingIfNeeded: index) }
    }
  }

  @Test("The base and every layer, and taking every layer away again, leaves the base")
  func addAndRemove() throws {
    let schedule = try NoiseSchedule(
      siteCount: 10, colluderCount: 1, threshold: 7, variance: 100_000, vectorLength: 500)
    let layerSeeds = seeds(3, 9)
    let base = seeds(1, 77)
    var values = [Int64](repeating: 5, count: 500)
    try schedule.addBase(to: &values, seed: base)
    let all = try DiscreteGaussian.sum(
      seeds: layerSeeds, variances: schedule.layers.map(\.variance), count: 500)
    for index in values.indices { values[index] += all[index] }
    let revealed = layerSeeds.revealed()
    for layer in 0..<3 {
      let noise = try DiscreteGaussian(variance: schedule.layers[layer].variance)
        .draws(count: 500, seed: Array(revealed[(32 * layer)..<(32 * layer + 32)]))
      for index in values.indices { values[index] -= noise[index] }
    }
    let expected = try DiscreteGaussian(variance: schedule.baseVariance)
      .draws(count: 500, seed: base.revealed())
    #expect(values == expected.map { $0 + 5 })
    #expect(throws: DifferentialPrivacyError(.lengthMismatch, "", field: "")) {
      try DiscreteGaussian.sum(seeds: base, variances: [16, 16], count: 500)
    }
    #expect(throws: DifferentialPrivacyError(.malformed, "", field: "")) {
      try schedule.addBase(to: &values, seed: layerSeeds)
    }
  }
}
