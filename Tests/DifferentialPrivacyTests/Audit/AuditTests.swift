import DifferentialPrivacy
import PortableNumerics
import Testing

@Suite struct OneRunAuditTests {
  /// PRIVACY-CORE §6, 95 %, δ = 10^−5.
  @Test(arguments: [(1000, 600, 600, 5.27), (1000, 100, 95, 2.17), (1000, 200, 110, 0)])
  func boundsAreThoseOfTheTable(m: Int, r: Int, v: Int, bound: Double) throws {
    let audit = try OneRunAudit(canaryCount: m, guessCount: r, correctCount: v)
    #expect((try audit.epsilonLowerBound(delta: 1e-5) - bound).magnitude < 0.005)
  }

  @Test func boundIsWhereThePValueReachesTheLevel() throws {
    let audit = try OneRunAudit(canaryCount: 1000, guessCount: 200, correctCount: 160)
    for level in [0.2, 0.05, 0.001] {
      let bound = try audit.epsilonLowerBound(delta: 1e-5, significance: level)
      #expect((try audit.pValue(epsilon: bound, delta: 1e-5) / level - 1).magnitude < 1e-6)
    }
  }

  @Test func evidenceMovesTheBoundTheRightWay() throws {
    var previous = -1.0
    for correct in stride(from: 100, through: 200, by: 10) {
      let audit = try OneRunAudit(canaryCount: 1000, guessCount: 200, correctCount: correct)
      let bound = try audit.epsilonLowerBound(delta: 1e-5)
      #expect(bound >= previous)
      previous = bound
      // A larger δ and a stricter level leave less.
      #expect(try audit.epsilonLowerBound(delta: 1e-3) <= bound)
      #expect(try audit.epsilonLowerBound(delta: 1e-5, significance: 0.001) <= bound)
    }
    #expect(previous > 3)
  }

  @Test func pValueAtZeroIsTheCoinTest() throws {
    let audit = try OneRunAudit(canaryCount: 10, guessCount: 10, correctCount: 9)
    #expect((try audit.pValue(epsilon: 0, delta: 0) - 11.0 / 1024).magnitude < 1e-15)
    let nothing = try OneRunAudit(canaryCount: 10, guessCount: 0, correctCount: 0)
    #expect(try nothing.pValue(epsilon: 0, delta: 0) == 1)
    #expect(try nothing.epsilonLowerBound(delta: 0) == 0)
  }

  @Test func impossibleCountsAreRefused() {
    for (m, r, v) in [(10, 11, 5), (10, 5, 6), (10, 5, -1), (100_000_000, 1, 1)] {
      #expect(throws: DifferentialPrivacyError.self) {
        try OneRunAudit(canaryCount: m, guessCount: r, correctCount: v)
      }
    }
  }
}

@Suite struct MembershipTests {
  /// PRIVACY-CORE §6: claimed ε at δ = 10^−5, best AUC, TPR at 0.1 %, 1 % and 10 % FPR.
  @Test(arguments: [
    [1, 0.575, 0.002, 0.020, 0.155], [2, 0.639, 0.005, 0.034, 0.218],
    [4, 0.743, 0.015, 0.081, 0.361], [8, 0.881, 0.077, 0.255, 0.650],
    [16, 0.980, 0.427, 0.719, 0.948],
  ])
  func ceilingsAreThoseOfTheTable(row: [Double]) throws {
    let ceiling = try MembershipCeiling(epsilon: row[0], delta: 1e-5)
    #expect((ceiling.area - row[1]).magnitude < 6e-4)
    for (rate, expected) in zip([0.001, 0.01, 0.1], row[2...]) {
      let best = try ceiling.truePositiveRate(atFalsePositiveRate: rate)
      #expect((best - expected).magnitude < 6e-4)
    }
  }

  @Test func ceilingsAreBounded() throws {
    let perfect = MembershipCeiling(.none)
    #expect(perfect.area == 0.5 && perfect.advantage == 0)
    #expect((try perfect.truePositiveRate(atFalsePositiveRate: 0.01) - 0.01).magnitude < 1e-15)
    let naked = MembershipCeiling(try GaussianPrivacy(mu: .infinity))
    #expect(naked.area == 1 && naked.advantage == 1)
    #expect(try naked.truePositiveRate(atFalsePositiveRate: 0.01) == 1)
    #expect(throws: DifferentialPrivacyError.self) {
      try perfect.truePositiveRate(atFalsePositiveRate: 1.1)
    }
  }
}
