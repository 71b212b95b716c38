import Testing

@testable import PortableNumerics

/// |actual − expected| / |expected|, or the absolute error where 0 is expected.
func relativeError(_ actual: Double, _ expected: Double) -> Double {
  if actual == expected { return 0 }
  let error = (actual - expected).magnitude
  return expected == 0 ? error : error / expected.magnitude
}

/// Known answers from mpmath (60 digits) and scipy 1.17.
@Suite struct DistributionTests {
  @Test(arguments: [
    (-3, -0.9999779095030014, 1.9999779095030015),
    (-0.3, -0.3286267594591274, 1.3286267594591274),
    (0, 0.0, 1.0),
    (0.1, 0.1124629160182849, 0.887537083981715),
    (0.5, 0.5204998778130465, 0.4795001221869535),
    (0.9, 0.7969082124228322, 0.20309178757716786),
    (1, 0.8427007929497149, 0.15729920705028513),
    (2.5, 0.999593047982555, 0.0004069520174449589),
    (5, 0.9999999999984626, 1.537459794428035e-12),
    (10, 1.0, 2.088487583762545e-45),
    (26, 1.0, 5.663192408856143e-296),
  ])
  func errorFunctions(x: Double, erf: Double, erfc: Double) {
    #expect(relativeError(SpecialFunctions.erf(x), erf) < 1e-15)
    #expect(relativeError(SpecialFunctions.erfc(x), erfc) < 3e-15)
  }

  @Test(arguments: [
    (-37, 5.725571222524577e-300), (-20, 2.7536241186062337e-89), (-8, 6.220960574271784e-16),
    (-5, 2.866515718791939e-07), (-1.5, 0.06680720126885807), (-0.6, 0.2742531177500736),
    (0, 0.5), (0.3, 0.6179114221889527), (2, 0.9772498680518208), (5, 0.9999997133484281),
  ])
  func normalCumulative(x: Double, expected: Double) {
    #expect(relativeError(NormalDistribution.cumulative(x), expected) < 2e-15)
  }

  @Test(arguments: [
    (1e-300, -37.0470962993612), (1e-100, -21.273453560965326), (1e-12, -7.034483825301132),
    (0.001, -3.0902323061678136), (0.025, -1.9599639845400543), (0.3, -0.5244005127080408),
    (0.4999, -0.00025066283008800747), (0.9, 1.2815515655446006), (0.975, 1.9599639845400538),
    (0.999999, 4.753424308817087),
  ])
  func normalQuantile(p: Double, expected: Double) {
    // Near ½ the quantile is a difference from ½, so the error is absolute there.
    let error = (NormalDistribution.quantile(p) - expected).magnitude
    #expect(error < 1e-15 + 2e-15 * expected.magnitude)
  }

  @Test(arguments: [
    (0.1, 1, 0.4682744825694464), (2, 1, 0.14758361765043326), (12.7, 1, 0.02501216384467208),
    (1e8, 1, 3.1830988618379066e-09), (2.5, 2, 0.0648058601107554),
    (2.3, 3, 0.05249418032223502), (1, 7.5, 0.1742380128153757), (30, 4, 3.6764280488306612e-06),
    (2.1, 19, 0.02465719912163669), (3, 100, 0.0017039576716647248),
    (5, 1000, 3.3836281823243153e-07), (40, 10, 1.1404288715428774e-12),
    (1.5, 1_000_000, 0.06680735911839639), (0.0001, 3, 0.4999632447403869),
  ])
  func studentUpperTail(t: Double, nu: Double, expected: Double) {
    let actual = StudentDistribution.upperTail(t, degreesOfFreedom: nu)
    #expect(relativeError(actual, expected) < 3e-14)
    let lower = StudentDistribution.cumulative(-t, degreesOfFreedom: nu)
    #expect(lower == actual)
  }

  @Test(arguments: [
    (0.025, 1, 12.706204736174705), (0.025, 2, 4.302652729749464), (0.025, 3, 3.1824463052837095),
    (0.025, 4, 2.7764451051977943), (0.005, 10, 3.1692726726169513),
    (0.45, 5, 0.13217517523168723), (1e-10, 3, 2225.7692846830932),
    (1e-06, 1, 318309.8861827435), (0.025, 1000, 1.9623390808264085),
    (0.1, 2.5, 1.7302509288071766),
  ])
  func studentQuantile(p: Double, nu: Double, expected: Double) {
    #expect(
      relativeError(-StudentDistribution.quantile(p, degreesOfFreedom: nu), expected) < 1e-13)
    #expect(
      relativeError(StudentDistribution.quantile(1 - p, degreesOfFreedom: nu), expected) < 1e-5)
  }

  @Test(arguments: [
    (0.01, 1, 0.07965567455405796, 0.920344325445942),
    (3.84, 1, 0.9499564787512949, 0.050043521248705106),
    (50, 1, 0.9999999999984626, 1.537459794428035e-12),
    (2, 2, 0.6321205588285577, 0.36787944117144233),
    (7.8, 3, 0.9496689021401467, 0.05033109785985335),
    (100, 100, 0.5188083154720433, 0.48119168452795674),
    (150, 100, 0.9990960679576459, 0.0009039320423540091),
    (60, 100, 0.0005188914625480343, 0.999481108537452),
    (1e-05, 0.5, 0.052170017580666625, 0.9478299824193334),
    (1010, 1000, 0.593966849052264, 0.40603315094773595),
    (900, 1000, 0.010717238091289742, 0.9892827619087102),
    (100000, 100100, 0.4121260161239612, 0.5878739838760387),
  ])
  func chiSquare(x: Double, nu: Double, lower: Double, upper: Double) {
    #expect(
      relativeError(ChiSquareDistribution.cumulative(x, degreesOfFreedom: nu), lower) < 1e-13)
    #expect(
      relativeError(ChiSquareDistribution.upperTail(x, degreesOfFreedom: nu), upper) < 1e-13)
  }

  @Test(arguments: [
    (0.95, 1, 3.841458820694124), (0.05, 1, 0.003932140000019522),
    (0.001, 3, 0.024297585815692732), (0.5, 2, 1.386294361119891),
    (0.999999, 10, 46.86304684671568), (0.025, 100, 74.22192747492373),
    (0.975, 1000, 1089.5309127749135),
  ])
  func chiSquareQuantile(p: Double, nu: Double, expected: Double) {
    #expect(
      relativeError(ChiSquareDistribution.quantile(p, degreesOfFreedom: nu), expected) < 1e-12)
  }

  @Test(arguments: [
    (0.3, 2, 3, 0.3483), (0.5, 0.5, 0.5, 0.5), (0.01, 5, 0.3, 1.066935369053948e-11),
    (0.9, 50, 3, 0.09663328513725221), (0.5, 1000, 1010, 0.5882698275437275),
    (0.001, 0.2, 900, 0.9388316722743846), (0.2, 30, 170, 0.9695116778081919),
  ])
  func incompleteBeta(x: Double, a: Double, b: Double, expected: Double) {
    #expect(relativeError(SpecialFunctions.incompleteBeta(x, a, b), expected) < 2e-13)
    let mirrored = 1 - SpecialFunctions.incompleteBeta(1 - x, b, a)
    #expect((mirrored - expected).magnitude < 2e-13)
    #expect(relativeError(BetaDistribution.quantile(expected, a, b), x) < 1e-10)
  }

  @Test(arguments: [
    (1e-10, 23.025850929882736), (0.3, 1.0957979948180756), (1, 0.0), (1.5, -0.12078223763524522),
    (2, 0.0), (5.5, 3.9578139676187165), (10, 12.801827480081469), (50.5, 146.51925549072064),
    (100000, 1051287.7089736569), (1e+100, 2.2925850929940456e+102),
  ])
  func logGamma(x: Double, expected: Double) {
    let error = (SpecialFunctions.logGamma(x) - expected).magnitude
    #expect(error < 1e-14 * max(1, expected.magnitude))
  }

  @Test(arguments: [
    (0, 10, 0.0, 0.27753279986288926, 0.0, 0.30849710781876294),
    (3, 20, 0.05236874589621662, 0.3604188647407569, 0.0320709371854637, 0.37892682654531396),
    (10, 10, 0.7224672001371109, 1.0, 0.6915028921812371, 1.0),
    (45, 100, 0.35614537979511984, 0.5475539700255787, 0.35032022923967204, 0.5527198112260501),
    (
      1, 1000, 0.00017654637062607809, 0.0056425585979579355, 2.531748749129404e-05,
      0.0055589242798499
    ),
  ])
  func proportionIntervals(
    k: Int, n: Int, wilsonLow: Double, wilsonHigh: Double, exactLow: Double, exactHigh: Double
  ) throws {
    let wilson = try #require(
      BinomialProportion.wilsonInterval(successes: Double(k), trials: Double(n)))
    #expect((wilson.lower - wilsonLow).magnitude < 1e-14)
    #expect((wilson.upper - wilsonHigh).magnitude < 1e-14)
    let exact = try #require(BinomialProportion.exactInterval(successes: k, trials: n))
    #expect((exact.lower - exactLow).magnitude < 1e-9)
    #expect((exact.upper - exactHigh).magnitude < 1e-9)
  }

  @Test(arguments: [
    (3, 20, 0.2, 0.41144886195656893), (0, 5, 0.5, 0.03125), (70, 100, 0.6, 0.9852246817692689),
    (4, 5, 0.1, 0.99999), (-1, 5, 0.1, 0), (5, 5, 0.1, 1),
  ])
  func binomialCumulative(k: Int, n: Int, p: Double, expected: Double) {
    let actual = BinomialProportion.cumulative(successes: k, trials: n, probability: p)
    #expect(relativeError(actual, expected) < 1e-13)
  }

  @Test func argumentsOutOfRangeGiveNaNOrNil() {
    #expect(NormalDistribution.quantile(-0.1).isNaN)
    #expect(NormalDistribution.quantile(.nan).isNaN)
    #expect(NormalDistribution.quantile(0) == -.infinity)
    #expect(NormalDistribution.quantile(1) == .infinity)
    #expect(NormalDistribution.cumulative(.nan).isNaN)
    #expect(NormalDistribution.cumulative(-.infinity) == 0)
    #expect(NormalDistribution.cumulative(.infinity) == 1)
    #expect(StudentDistribution.upperTail(1, degreesOfFreedom: 0).isNaN)
    #expect(StudentDistribution.upperTail(1e308, degreesOfFreedom: 1e-3) <= 0.5)
    #expect(StudentDistribution.upperTail(.infinity, degreesOfFreedom: 3) == 0)
    #expect(StudentDistribution.quantile(0.2, degreesOfFreedom: -1).isNaN)
    #expect(ChiSquareDistribution.upperTail(-3, degreesOfFreedom: 2) == 1)
    #expect(ChiSquareDistribution.upperTail(3, degreesOfFreedom: -2).isNaN)
    #expect(SpecialFunctions.incompleteBeta(1.5, 1, 1).isNaN)
    #expect(SpecialFunctions.logGamma(-1).isNaN)
    #expect(BinomialProportion.wilsonInterval(successes: 1, trials: 0) == nil)
    #expect(BinomialProportion.wilsonInterval(successes: 5, trials: 3) == nil)
    #expect(BinomialProportion.exactInterval(successes: -1, trials: 3) == nil)
  }

  @Test func cumulativeAndQuantileAreInverse() {
    for step in 1..<200 {
      let p = Double(step) / 200
      #expect(
        relativeError(NormalDistribution.cumulative(NormalDistribution.quantile(p)), p) < 1e-14)
      for nu in [1.0, 2.5, 12] {
        let t = StudentDistribution.quantile(p, degreesOfFreedom: nu)
        let back = StudentDistribution.cumulative(t, degreesOfFreedom: nu)
        #expect(relativeError(back, p) < 1e-12)
        let x = ChiSquareDistribution.quantile(p, degreesOfFreedom: nu)
        let chi = ChiSquareDistribution.cumulative(x, degreesOfFreedom: nu)
        #expect(relativeError(chi, p) < 1e-12)
      }
    }
  }
}
