import PortableNumerics

@testable import BoostedTrees

/// The obvious way to grow a depth-wise boosted tree: no blocks, no packing, no subtraction.
enum NaiveTrees {
  struct Settings {
    var depth: Int
    var rate: Double
    var l2: Double
    var minimumWeight: Double
  }

  /// Integer derivatives by the stated rule, one patient at a time.
  static func derivatives(
    margin: Double, outcome: Double, key: UInt64, seed: UInt64, scale: DerivativeScale
  ) -> (g: Int64, h: Int64) {
    let p = Portable.sigmoid(margin)
    let hash = SplitMix64.mix(key ^ seed)
    func quantise(_ value: Double, exponent: Int, uniform: Double) -> Int64 {
      let factor = Double(sign: .plus, exponent: exponent, significand: 1)
      return Int64((value * factor + (uniform - 0.5)).rounded(.toNearestOrEven))
    }
    return (
      quantise(
        p - outcome, exponent: scale.gradientExponent, uniform: Double(hash >> 32) * 0x1p-32),
      quantise(
        p * (1 - p), exponent: scale.hessianExponent,
        uniform: Double(hash & 0xFFFF_FFFF) * 0x1p-32)
    )
  }

  /// Adds the tree's values to the margins of its rows and returns its number of leaves.
  static func grow(
    rows: [Int], depth: Int, table: BinnedTable, g: [Int64], h: [Int64], scale: DerivativeScale,
    settings: Settings, margins: inout [Double]
  ) -> Int {
    let gUnit = Double(sign: .plus, exponent: -scale.gradientExponent, significand: 1)
    let hUnit = Double(sign: .plus, exponent: -scale.hessianExponent, significand: 1)
    func sums(_ rows: [Int]) -> (Double, Double) {
      var a: Int64 = 0
      var b: Int64 = 0
      for row in rows {
        a += g[row]
        b += h[row]
      }
      return (Double(a) * gUnit, Double(b) * hUnit)
    }
    let (gradient, hessian) = sums(rows)
    var best: (gain: Double, test: SplitTest)?
    if depth < settings.depth {
      for feature in table.features.indices {
        var tests: [SplitTest] = []
        for missing in [false, true] {
          for bin in 1..<table.features[feature].binCount {
            let isNumeric: Bool
            if case .numeric = table.features[feature].kind {
              isNumeric = true
            } else {
              isNumeric = false
            }
            tests.append(
              SplitTest(
                feature: feature,
                rule: isNumeric ? .upTo(UInt8(bin)) : .equals(UInt8(bin)),
                missingGoesLeft: missing))
          }
        }
        for test in tests {
          let left = rows.filter { test.goesLeft(table.bin(row: $0, feature: feature)) }
          let (gl, hl) = sums(left)
          let (gr, hr) = (gradient - gl, hessian - hl)
          guard hl >= settings.minimumWeight, hr >= settings.minimumWeight else { continue }
          let gain =
            gl * gl / (hl + settings.l2) + gr * gr / (hr + settings.l2)
            - gradient * gradient / (hessian + settings.l2)
          if gain > (best?.gain ?? 0) + 1e-9 { best = (gain, test) }
        }
      }
    }
    guard let best else {
      for row in rows { margins[row] -= settings.rate * gradient / (hessian + settings.l2) }
      return 1
    }
    let left = rows.filter { best.test.goesLeft(table.bin(row: $0, feature: best.test.feature)) }
    let leftSet = Set(left)
    return grow(
      rows: left, depth: depth + 1, table: table, g: g, h: h, scale: scale, settings: settings,
      margins: &margins)
      + grow(
        rows: rows.filter { !leftSet.contains($0) }, depth: depth + 1, table: table, g: g, h: h,
        scale: scale, settings: settings, margins: &margins)
  }
}
