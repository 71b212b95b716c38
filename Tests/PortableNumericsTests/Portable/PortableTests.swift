import Testing

@testable import PortableNumerics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The distance of two doubles in units in the last place; 0 for two NaN.
func ulpDistance(_ a: Double, _ b: Double) -> UInt64 {
  if a.isNaN && b.isNaN { return 0 }
  if a.isNaN || b.isNaN { return .max }
  func ordered(_ x: Double) -> Int64 {
    let bits = Int64(bitPattern: x.bitPattern)
    return bits < 0 ? Int64.min &- bits : bits
  }
  let (difference, overflow) = ordered(a).subtractingReportingOverflow(ordered(b))
  return overflow ? .max : difference.magnitude
}

@Suite struct PortableTests {
  static let functions: [String: @Sendable (Double) -> Double] = [
    "exp": Portable.exp, "expm1": Portable.expm1, "log": Portable.log, "log1p": Portable.log1p,
    "sigmoid": Portable.sigmoid, "logit": Portable.logit, "softplus": Portable.softplus,
  ]

  /// Argument and correctly rounded value as bit patterns, from mpmath at 200 bits with
  /// `random.seed(20240501)`.
  static let knownAnswers: [(String, [(UInt64, UInt64)])] = [
    (
      "exp",
      [
        (0x40815B091F4E1294, 0x7202F008FFD92256), (0xBFD8EC8AB989D4CC, 0x3FE5AD92464ADCDD),
        (0xC069382817246772, 0x2DBE77C42821E41B), (0xBFE862B15CBCF7C8, 0x3FDDDE931A38019B),
        (0x4065DEB63779C314, 0x4FB54FB85F116A58), (0x3FDC682C78698E94, 0x3FF8F079693BE2F3),
        (0x40833AFC5BA85B20, 0x776BC749D0EFE696), (0x3FC5B686D959D708, 0x3FF2F539E2AFED6A),
        (0xC07008F7A4E34F99, 0x28CD121D138546A4), (0xBFE12C49A42FFC74, 0x3FE2B5DCFD376B66),
        (0xC07890157D5B3E70, 0x1C8025E092113FEE), (0xBFDE6ABB62D9B324, 0x3FE3E522B45E7801),
      ]
    ),
    (
      "expm1",
      [
        (0xC034C6F2F991DDA3, 0xBFEFFFFFFF7DC52B), (0xBFEABC6A6C233590, 0xBFE21F7A1178EF20),
        (0x3FAEFC18A64B2A77, 0x3FAFF1069960C258), (0x4061E46C5B25035F, 0x4CD6B3F7133A3ACF),
        (0xBFCE0C5A55FF6F58, 0xBFCAC8260656327B), (0x3F12D7B8C3BA4778, 0x3F12D7E52578645C),
        (0x401F78F48D7A7FA8, 0x40A4674CE95F2304), (0xBFE332471CDFB2FC, 0xBFDCDF42029498FF),
        (0xBD2852C5BE5794CE, 0xBD2852C5BE57943A), (0x407F8C588490DBD8, 0x6D72C8EDA1017A53),
        (0xBFE4A3FA044150A2, 0xBFDE6C1280A5F8BC), (0x3EF4D773C4BAA8F6, 0x3EF4D78157BBE0FE),
      ]
    ),
    (
      "log",
      [
        (0x05919152D729F55F, 0xC0843A72AD8ABA2D), (0x3FF87F1374E64FE6, 0x3FDB428D8764DF33),
        (0x700C93251FBB4E57, 0x4080ACE18573D169), (0x3FFAF0C4DBBB36B9, 0x3FE0AC6096527A1E),
        (0x0507EF52AA019B13, 0xC08469E15EDD5889), (0x3FEBAD5038F9D96F, 0xBFC293BFF316E2F6),
        (0x5BDFE3AFA7B738D9, 0x40735D554F2843E8), (0x3FE6F732F4B16A2E, 0xBFD53B300F03D47C),
        (0x197A549B1D36DA6E, 0xC07AA7B03A3DD70E), (0x3FF743B69B83F724, 0x3FD7F530247C1D3A),
        (0x38625DB4313E5021, 0xC054EEE7BF726496), (0x3FF29798C61054CE, 0x3FC3382ED0B9EC8E),
      ]
    ),
    (
      "log1p",
      [
        (0x54D3A24587C0277E, 0x406CF6E80BB5DEC2), (0x3FC142E8654F3CD0, 0x3FC0314B39CF68F7),
        (0xBECC4EB8F25D5984, 0xBECC4EBC13AE79E6), (0x53B779FBE725148C, 0x406B6D5F9A4C57F0),
        (0xBFD688FC84C46E6C, 0xBFDBC73E65810931), (0xBE7215423D009ABA, 0xBE72154247389366),
        (0x7500A923BF1101C7, 0x4082642DEAB56F0A), (0x3FEE18F854213466, 0x3FE5370DD2DF8257),
        (0xBE437267D246BA63, 0xBE437267D3C0E8ED), (0x40CDE9013060AA45, 0x402345EEF1C186BD),
        (0xBFE1C23EB0247932, 0xBFE9E832D82AD00B), (0xBD24F9AF664937A8, 0xBD24F9AF66493816),
      ]
    ),
    (
      "sigmoid",
      [
        (0xC0850179F52CE69C, 0x0352EE5A3EE0DAB5), (0x400590F68A90F7EC, 0x3FEDFA1475A06236),
        (0xC0822B1C4BF21D5E, 0x0B82CEB940522AED), (0xC013C9F1A95E8F9C, 0x3F7CE3B4476488E7),
        (0x402EE5785093B380, 0x3FEFFFFF9717886C), (0x4013C5006A586702, 0x3FEFC5F188F4BFB8),
        (0xC07605F3F3E1CFF4, 0x2028D6F9553C8E26), (0x400AA4B7226CA588, 0x3FEEE5083B4CC2FC),
        (0xC07B06BCA7EACA7B, 0x18F1BB643C0FBBCB), (0x3FFFC0ACA9F56004, 0x3FEC221D16FBD2F2),
        (0xC061A807E9F5221C, 0x33329BEA12063D6C), (0x3FF6E6633CB74028, 0x3FE9D3BA047027B3),
      ]
    ),
    (
      "logit",
      [
        (0x3FD567AF69476BD6, 0xBFE605012BD0DFE5), (0x2586BDFAF79F6AD6, 0xC0724D981350D706),
        (0x3FE000000008E576, 0x3DF1CAEC00000000), (0x3FE420811AE11A3A, 0x3FE0E3AA80EE1D02),
        (0x1D518D604F00288C, 0xC077FE933A9A540F), (0x3FE012D19B1157F8, 0x3F82D1A3BEE76ADD),
        (0x3FE48F63591C5E8B, 0x3FE2C287C3087D4D), (0x1186DC2D229D5540, 0xC0801536611F3B3B),
        (0x3FE08DE2B4C0F520, 0x3FB1BE27D55BF194), (0x3FD1BC3F3D19E996, 0xBFEEAEA575B80DD6),
        (0x15F8351F3B79EA27, 0xC07D1617E27DB618), (0x3FE0004A12605C43, 0x3F22849817950B08),
      ]
    ),
    (
      "softplus",
      [
        (0x4082929236D25EFC, 0x4082929236D25EFC), (0x4002661AA09AC712, 0x400329CEDF7BFA97),
        (0x405C0C804AB5ACA0, 0x405C0C804AB5ACA0), (0x40028223D2645C60, 0x4003434E073B4541),
        (0x40704200842C2A00, 0x40704200842C2A00), (0x4006DD787BD9CF12, 0x40074FBA65B31985),
        (0x4082DFF89E03DDCE, 0x4082DFF89E03DDCE), (0xBFF2A94B0EEF8D36, 0x3FD15AF84B1262CB),
        (0xC064532999BED6CC, 0x3145662A25C7254C), (0x40036829C7187D00, 0x400415A680033AAF),
        (0x4073B331AE2A71BE, 0x4073B331AE2A71BE), (0xC00BA04B32212C4A, 0x3F9FE63ECDEC12D0),
      ]
    ),
  ]

  @Test(arguments: knownAnswers)
  func matchesCorrectlyRoundedValues(name: String, pairs: [(UInt64, UInt64)]) throws {
    let function = try #require(Self.functions[name])
    let allowed: UInt64 = ["sigmoid", "logit", "softplus"].contains(name) ? 3 : 1
    for (argument, value) in pairs {
      let actual = function(Double(bitPattern: argument))
      #expect(ulpDistance(actual, Double(bitPattern: value)) <= allowed, "\(name) \(argument)")
    }
  }

  /// Largest distance to the C library (itself within 1 ulp) over seeded arguments.
  func largestDistance(
    _ ours: (Double) -> Double, _ theirs: (Double) -> Double, _ draw: (inout SplitMix64) -> Double
  ) -> UInt64 {
    var generator = SplitMix64(seed: 99)
    var largest: UInt64 = 0
    for _ in 0..<20_000 {
      let x = draw(&generator)
      largest = max(largest, ulpDistance(ours(x), theirs(x)))
    }
    return largest
  }

  @Test func agreesWithTheCLibraryOverWideRanges() {
    #expect(largestDistance(Portable.exp, exp) { $0.uniformDouble() * 1500 - 760 } <= 1)
    #expect(largestDistance(Portable.exp, exp) { $0.uniformDouble() * 2 - 1 } <= 1)
    #expect(largestDistance(Portable.expm1, expm1) { $0.uniformDouble() * 760 - 45 } <= 1)
    #expect(largestDistance(Portable.expm1, expm1) { $0.uniformDouble() * 4 - 2 } <= 1)
    #expect(
      largestDistance(Portable.log, log) {
        Double(bitPattern: $0.next() % 0x7FF0_0000_0000_0000)
      } <= 1)
    #expect(largestDistance(Portable.log, log) { 0.4 + $0.uniformDouble() * 1.8 } <= 1)
    #expect(largestDistance(Portable.log1p, log1p) { $0.uniformDouble() * 3 - 1 } <= 1)
    #expect(
      largestDistance(Portable.log1p, log1p) {
        Double(bitPattern: $0.next() % 0x7FF0_0000_0000_0000)
      } <= 1)
  }

  @Test func edgesOfTheRange() {
    #expect(Portable.exp(0) == 1)
    #expect(Portable.exp(-0.0) == 1)
    #expect(Portable.exp(.infinity) == .infinity)
    #expect(Portable.exp(-.infinity) == 0)
    #expect(Portable.exp(.nan).isNaN)
    #expect(Portable.exp(709.782712893384).isFinite)
    #expect(Portable.exp(709.7827128933841) == .infinity)
    #expect(Portable.exp(-745.13) == Double.leastNonzeroMagnitude)
    #expect(Portable.exp(-745.14) == 0)
    #expect(Portable.exp(Double.leastNonzeroMagnitude) == 1)

    #expect(Portable.expm1(-0.0).sign == .minus)
    #expect(Portable.expm1(Double.leastNonzeroMagnitude) == Double.leastNonzeroMagnitude)
    #expect(Portable.expm1(-.infinity) == -1)
    #expect(Portable.expm1(.infinity) == .infinity)
    #expect(Portable.expm1(.nan).isNaN)

    #expect(Portable.log(1) == 0)
    #expect(Portable.log(0) == -.infinity)
    #expect(Portable.log(-0.0) == -.infinity)
    #expect(Portable.log(.infinity) == .infinity)
    #expect(Portable.log(-1).isNaN)
    #expect(Portable.log(.nan).isNaN)
    #expect(Portable.log(Double.leastNonzeroMagnitude) == -744.4400719213812)
    #expect(Portable.log(.greatestFiniteMagnitude) == 709.782712893384)

    #expect(Portable.log1p(-0.0).sign == .minus)
    #expect(Portable.log1p(-1) == -.infinity)
    #expect(Portable.log1p(-1.5).isNaN)
    #expect(Portable.log1p(.infinity) == .infinity)
    #expect(Portable.log1p(.greatestFiniteMagnitude) == 709.782712893384)
    #expect(Portable.log1p(Double.leastNonzeroMagnitude) == Double.leastNonzeroMagnitude)

    #expect(Portable.sigmoid(0) == 0.5)
    #expect(Portable.sigmoid(.infinity) == 1)
    #expect(Portable.sigmoid(-.infinity) == 0)
    #expect(Portable.sigmoid(-800) == 0)
    #expect(Portable.sigmoid(.nan).isNaN)
    #expect(Portable.logit(0) == -.infinity)
    #expect(Portable.logit(1) == .infinity)
    #expect(Portable.logit(0.5) == 0)
    #expect(Portable.logit(1.1).isNaN)
    #expect(Portable.logit(.nan).isNaN)
    #expect(Portable.softplus(.infinity) == .infinity)
    #expect(Portable.softplus(-.infinity) == 0)
    #expect(Portable.softplus(1000) == 1000)
    #expect(Portable.softplus(.nan).isNaN)
  }

  @Test func roundingIsToNearestEven() {
    var generator = SplitMix64(seed: 15)
    for _ in 0..<20_000 {
      let x = Double(bitPattern: generator.next())
      #expect(ulpDistance(Portable.rounded(x), x.rounded(.toNearestOrEven)) == 0)
      let small = (generator.uniformDouble() - 0.5) * 1e9
      #expect(Portable.rounded(small) == small.rounded(.toNearestOrEven))
      #expect(Portable.nearestInteger(small) == small.rounded(.toNearestOrEven))
    }
    #expect([0.5, 1.5, 2.5, -0.5, -1.5].map(Portable.rounded) == [0, 2, 2, 0, -2])
    #expect(Portable.rounded(4_503_599_627_370_495.5) == 4_503_599_627_370_496)
  }

  @Test func expIsMonotoneAcrossReductionBoundaries() {
    // The reduction changes k at odd multiples of ½ ln 2.
    for k in -1000...1000 {
      let boundary = (Double(k) + 0.5) * 0.693_147_180_559_945_3
      var x = boundary - 8 * boundary.ulp
      var previous = Portable.exp(x)
      for _ in 0..<16 {
        x = x.nextUp
        let value = Portable.exp(x)
        #expect(value >= previous, "k \(k)")
        previous = value
      }
    }
  }

  @Test func sigmoidAndLogitAreInverse() {
    var generator = SplitMix64(seed: 4)
    for _ in 0..<2000 {
      let x = generator.uniformDouble() * 40 - 35
      let back = Portable.logit(Portable.sigmoid(x))
      // Above 0 the probability itself is rounded: an error of ulp(1) e^x / 2.
      #expect((back - x).magnitude <= 1e-14 * max(1, x.magnitude) + 3e-16 * Portable.exp(x))
      #expect((Portable.softplus(x) - Portable.softplus(-x) - x).magnitude <= 1e-14 * 36)
    }
  }
}
