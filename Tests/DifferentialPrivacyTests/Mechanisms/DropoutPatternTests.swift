import DifferentialPrivacy
import Testing

/// The noise of every permitted dropout pattern, by exact arithmetic over the plan of layers: no
/// sampling and no tolerance. A pattern says of every site where it stops: nowhere; at Shares or Masked,
/// and then it is not in the sum; at Ack or Unmask, and then it is in the sum and reveals nothing.
///
/// That sessions keep and remove exactly this is what `SecureAggregationTests` show.
@Suite struct DropoutPatternTests {
  private enum Stop: Int, CaseIterable {
    case nowhere, shares, masked, ack, unmask
    var isInSum: Bool { self != .shares && self != .masked }
  }

  /// Calls `body` with every pattern of at most `limit` sites that stop.
  private func patterns(_ siteCount: Int, limit: Int, _ body: ([Stop]) -> Void) {
    var pattern = [Stop](repeating: .nowhere, count: siteCount)
    func place(from site: Int, left: Int) {
      body(pattern)
      guard left > 0 else { return }
      for next in site..<siteCount {
        for stop in Stop.allCases where stop != .nowhere {
          pattern[next] = stop
          place(from: next + 1, left: left - 1)
        }
        pattern[next] = .nowhere
      }
    }
    place(from: 0, left: limit)
  }

  @Test(
    "Every pattern of every roster of 3 to 10: the honest sites hold at least σ²", arguments: 3...10
  )
  func neverBelow(siteCount: Int) throws {
    let threshold = 2 * siteCount / 3 + 1
    // SecureAggregation's manifest admits at most this many colluders.
    let colluderLimit = min(siteCount - 2, 2 * threshold - siteCount - 1)
    // The smallest with layers, an odd one, a prime, a large one; below 16 per layer there are none.
    for variance in [1, 17, 999, 1_000_003, 1 << 40] as [UInt64] {
      for colluders in 0...colluderLimit {
        let schedule = try NoiseSchedule(
          siteCount: siteCount, colluderCount: colluders, threshold: threshold,
          variance: variance, vectorLength: 10)
        let everything = schedule.layers.reduce(schedule.baseVariance) { $0 + $1.variance }
        var count = 0
        var least = UInt64.max
        patterns(siteCount, limit: siteCount - threshold) { pattern in
          count += 1
          let inSum = pattern.filter(\.isInSum)
          let kept = schedule.keptVariance(survivorCount: inSum.count)
          // The colluders are those whose noise is largest.
          let held = inSum.map { $0 == .nowhere ? kept : everything }.sorted()
          least = min(least, held.prefix(inSum.count - colluders).reduce(0, +))
        }
        #expect(least >= variance, "σ² = \(variance), c = \(colluders)")
        if variance > 1_000_000 { #expect(Double(least) <= 1.001 * Double(variance)) }
        // Σ_k C(n, k) · 4^k over k ≤ n − t.
        var expected = 0
        var choices = 1
        for k in 0...(siteCount - threshold) {
          expected += choices << (2 * k)
          choices = choices * (siteCount - k) / (k + 1)
        }
        #expect(count == expected)
        if siteCount == 10 { #expect(count == 8_441) }
      }
    }
  }

  @Test("n = 10, c = 1, nobody missing: the sum's variance is at most 1.06² times the ideal")
  func nothingWasted() throws {
    // Below 2^11 a layer would have less than 16 lattice units², and there are none.
    for exponent in 11...60 {
      let variance = UInt64(1) << UInt64(exponent)
      let schedule = try NoiseSchedule(
        siteCount: 10, colluderCount: 1, threshold: 7, variance: variance, vectorLength: 10_000)
      let total = schedule.totalVariance(survivorCount: 10)
      // In integers: 10⁴ · total ≤ 106² · σ².
      #expect(UInt128(total) * 10_000 <= UInt128(variance) * 11_236, "2^\(exponent)")
    }
  }
}
