/// g = p − y and h = p·(1 − p) with p the logistic function of the margin, four patients at a time.
///
/// With e = exp(−|margin|): p is 1/(1 + e) or e/(1 + e), and h = e/(1 + e)². exp is 2^k · P(r) with
/// |r| ≤ 0.35 and P the Taylor polynomial of degree 10, whose relative error is below 1e−12: far
/// below a unit of the integers that the derivatives become (2^−20 at best). Only + − × ÷ and bit
/// patterns, lane by lane, so every machine gets the same bits.
enum LogisticDerivatives {
  private typealias Lanes = SIMD4<Double>

  static func write(
    count: Int, margins: UnsafePointer<Double>, outcomes: UnsafePointer<Double>,
    into target: DerivativeRows
  ) {
    var row = 0
    while row &+ 4 <= count {
      let margin = Lanes(margins[row], margins[row + 1], margins[row + 2], margins[row + 3])
      let outcome = Lanes(outcomes[row], outcomes[row + 1], outcomes[row + 2], outcomes[row + 3])
      let (gradient, hessian) = derivatives(margin, outcome)
      for lane in 0..<4 {
        target.gradient[row + lane] = gradient[lane]
        target.hessian[row + lane] = hessian[lane]
      }
      row &+= 4
    }
    while row < count {
      let (gradient, hessian) = derivatives(
        Lanes(repeating: margins[row]), Lanes(repeating: outcomes[row]))
      target.gradient[row] = gradient[0]
      target.hessian[row] = hessian[0]
      row &+= 1
    }
  }

  @inline(__always)
  private static func derivatives(_ margin: Lanes, _ outcome: Lanes) -> (Lanes, Lanes) {
    let isNegative = margin .< Lanes(repeating: 0)
    let below = margin.replacing(with: -margin, where: .!isNegative)
    // exp(−700) is a normal number and no different from 0 here.
    let x = below.replacing(with: Lanes(repeating: -700), where: below .< Lanes(repeating: -700))
    // Adding 1.5 · 2^52 rounds to an integer and leaves it in the low bits.
    let shift = Lanes(repeating: 6_755_399_441_055_744)
    let shifted = x * Lanes(repeating: 1.442_695_040_888_963_4) + shift
    let k = shifted - shift
    let r =
      (x - k * Lanes(repeating: 0x1.62E42FEEp-1)) - k * Lanes(repeating: 0x1.A39EF35793C76p-33)
    var p = Lanes(repeating: 1.0 / 3_628_800)
    p = p * r + Lanes(repeating: 1.0 / 362_880)
    p = p * r + Lanes(repeating: 1.0 / 40_320)
    p = p * r + Lanes(repeating: 1.0 / 5_040)
    p = p * r + Lanes(repeating: 1.0 / 720)
    p = p * r + Lanes(repeating: 1.0 / 120)
    p = p * r + Lanes(repeating: 1.0 / 24)
    p = p * r + Lanes(repeating: 1.0 / 6)
    p = p * r + Lanes(repeating: 0.5)
    p = p * r + Lanes(repeating: 1)
    p = p * r + Lanes(repeating: 1)
    // P is in (0.7, 1.5): adding k to its exponent multiplies by 2^k.
    let exponent = unsafeBitCast(shifted, to: SIMD4<UInt64>.self) &<< SIMD4(repeating: 52)
    let e = unsafeBitCast(
      unsafeBitCast(p, to: SIMD4<UInt64>.self) &+ exponent, to: Lanes.self)
    let inverse = Lanes(repeating: 1) / (Lanes(repeating: 1) + e)
    let smaller = e * inverse
    let probability = inverse.replacing(with: smaller, where: isNegative)
    return (probability - outcome, smaller * inverse)
  }
}
