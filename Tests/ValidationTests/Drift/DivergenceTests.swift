import Testing

@testable import Validation

@Suite struct DivergenceTests {
  static let p = [0.2, 0.3, 0.5]
  static let q = [0.25, 0.25, 0.5]

  @Test func knownAnswers() {
    #expect(
      close(Divergence.populationStability(reference: Self.p, current: Self.q), 0.0202733, 1e-6))
    #expect(close(Divergence.jensenShannon(reference: Self.p, current: Self.q), 0.00364958, 1e-8))
    #expect(close(Divergence.kolmogorovSmirnov(reference: Self.p, current: Self.q), 0.05))
    #expect(
      close(Divergence.wasserstein(reference: Self.p, current: Self.q, widths: [1, 1]), 0.05))
  }

  @Test(arguments: [51, 52, 53, 54, 55] as [UInt64])
  func symmetricAndNotNegative(seed: UInt64) throws {
    var uniform = SeededUniform(seed: seed)
    let p = (0..<8).map { _ in uniform.next() + 0.01 }
    let q = (0..<8).map { _ in uniform.next() + 0.01 }
    let there = try #require(Divergence.populationStability(reference: p, current: q))
    let back = try #require(Divergence.populationStability(reference: q, current: p))
    #expect(there > 0 && close(there, back), "seed \(seed)")
    let entropy = try #require(Divergence.jensenShannon(reference: p, current: q))
    #expect(entropy > 0 && entropy < 1, "seed \(seed)")
    #expect(close(Divergence.jensenShannon(reference: q, current: p), entropy), "seed \(seed)")
    let scaled = p.map { 7 * $0 }
    #expect(
      close(Divergence.populationStability(reference: scaled, current: q), there), "seed \(seed)")
    let gap = try #require(Divergence.kolmogorovSmirnov(reference: p, current: q))
    #expect(gap > 0 && gap <= 1, "seed \(seed)")
  }

  @Test func equalAndDisjointDistributions() {
    #expect(Divergence.populationStability(reference: Self.p, current: Self.p) == 0)
    #expect(Divergence.jensenShannon(reference: [1, 0], current: [0, 1]) == 1)
    #expect(Divergence.kolmogorovSmirnov(reference: [1, 0], current: [0, 1]) == 1)
    #expect(Divergence.populationStability(reference: [1, 0], current: [0, 1]) == nil)
  }

  @Test func inputsThatAreNoDistributionsAreNil() {
    #expect(Divergence.jensenShannon(reference: [], current: []) == nil)
    #expect(Divergence.jensenShannon(reference: [0, 0], current: [1, 1]) == nil)
    #expect(Divergence.jensenShannon(reference: [1], current: [1, 1]) == nil)
    #expect(Divergence.kolmogorovSmirnov(reference: [-1, 2], current: [1, 1]) == nil)
    #expect(Divergence.kolmogorovSmirnov(reference: [.nan, 2], current: [1, 1]) == nil)
    #expect(Divergence.wasserstein(reference: [1, 2], current: [1, 1], widths: []) == nil)
  }

  /// Reference: scipy.stats.chi2_contingency([[30, 50, 20], [45, 40, 35]], correction=False) and
  /// chi2.sf of PSI·nm/(n+m) with 0.5 added per bin.
  @Test func countComparisonAgreesWithScipy() throws {
    let found = try #require(
      CountComparison(reference: [30, 50, 20, 0], current: [45, 40, 35, 0], isOrdered: true))
    #expect(found.degreesOfFreedom == 2)
    #expect(close(found.chiSquare, 6.43703703703704))
    #expect(close(found.pValue, 0.04001429480764793, 1e-10))
    #expect(close(found.populationStability, 0.11536652646761639))
    #expect(close(found.populationStabilityByChance, 2 * 220 / 12000.0))
  }

  @Test func oneBinIsNoTest() throws {
    let found = try #require(CountComparison(reference: [5, 0], current: [9, 0], isOrdered: true))
    #expect(found.pValue == 1)
    #expect(found.populationStability == 0)
    #expect(CountComparison(reference: [0, 0], current: [9, 0], isOrdered: true) == nil)
  }

  /// Without drift the index times nm/(n+m) is about χ² with B − 1 degrees of freedom: with n = 2000
  /// and m = 1000 over 10 equal bins the mean of 200 draws lies within 9 ± 1.3, which a right null
  /// leaves with probability below 1e-4.
  @Test func theNullOfTheIndexIsChiSquare() {
    var uniform = SeededUniform(seed: 20_240_602)
    var sum = 0.0
    for _ in 0..<200 {
      var p = [Double](repeating: 0, count: 10)
      var q = p
      for _ in 0..<2000 { p[uniform.integer(below: 10)] += 1 }
      for _ in 0..<1000 { q[uniform.integer(below: 10)] += 1 }
      let found = CountComparison(reference: p, current: q, isOrdered: true)
      sum += (found?.populationStability ?? 0) * 2000 * 1000 / 3000
    }
    #expect((sum / 200 - 9).magnitude < 1.3)
  }

  @Test func benjaminiHochberg() {
    // Reference: scipy.stats.false_discovery_control, method "bh".
    let adjusted = BenjaminiHochberg.adjusted([0.01, 0.04, 0.03, 0.005, 0.5])
    for (found, expected) in zip(adjusted, [0.025, 0.05, 0.05, 0.025, 0.5]) {
      #expect(close(found, expected))
    }
    #expect(BenjaminiHochberg.adjusted([]) == [])
    #expect(BenjaminiHochberg.adjusted([.nan, 2]) == [1, 1])
  }

  @Test func numbersInSentences() {
    #expect(PlainNumber.text(88.6432) == "88.6")
    #expect(PlainNumber.text(74) == "74")
    #expect(PlainNumber.text(0.0113) == "0.0113")
    #expect(PlainNumber.text(-1234.5) == "-1230")
    #expect(PlainNumber.text(0.9996) == "1")
    #expect(PlainNumber.text(999.6) == "1000")
    #expect(PlainNumber.text(1.50) == "1.5")
    #expect(PlainNumber.text(0) == "0")
    #expect(PlainNumber.text(.nan) == "unknown")
    #expect(PlainNumber.percent(0.82) == "82 %")
    #expect(PlainNumber.percent(0.084) == "8.4 %")
    #expect(PlainNumber.percent(1) == "100 %")
    #expect(PlainNumber.percent(0) == "0 %")
    #expect(PlainNumber.rounded(36.849, significantDigits: 3) == 36.8)
    #expect(PlainNumber.rounded(-0.012345, significantDigits: 3) == -0.0123)
    #expect(PlainNumber.rounded(123_456, significantDigits: 3) == 123_000)
  }
}
