import PortableNumerics

/// From values to user units, straight or logarithmic.
struct Scale {
  /// The values at the two ends, ascending and different.
  let domain: ClosedRange<Double>
  /// Where they lie; may run backwards.
  let start: Double
  let end: Double
  let isLogarithmic: Bool

  init(
    _ domain: ClosedRange<Double>, from start: Double, to end: Double, isLogarithmic: Bool = false
  ) {
    let isUsable =
      domain.lowerBound.isFinite && domain.upperBound.isFinite
      && domain.lowerBound < domain.upperBound && (!isLogarithmic || domain.lowerBound > 0)
    self.domain = isUsable ? domain : (isLogarithmic ? 0.5...2 : 0...1)
    self.start = start
    self.end = end
    self.isLogarithmic = isLogarithmic
  }

  /// The place of a value; values beyond the domain are placed beyond the ends.
  func place(_ value: Double) -> Double {
    let share: Double
    if isLogarithmic {
      let low = Portable.log(domain.lowerBound)
      share = (Portable.log(max(value, 1e-300)) - low) / (Portable.log(domain.upperBound) - low)
    } else {
      share = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
    }
    return start + share * (end - start)
  }

  /// The place of a value, kept between the ends.
  func clamped(_ value: Double) -> Double {
    place(min(max(value, domain.lowerBound), domain.upperBound))
  }

  func contains(_ value: Double) -> Bool { domain.contains(value) }

  /// Round values inside the domain, about `count` of them.
  func ticks(_ count: Int = 5) -> [Double] {
    if isLogarithmic { return logarithmicTicks(count) }
    let step = Self.step(domain.upperBound - domain.lowerBound, count: count)
    var ticks: [Double] = []
    var index = (domain.lowerBound / step - 1e-9).rounded(.up)
    while index * step <= domain.upperBound + step * 1e-9, ticks.count < 50 {
      ticks.append(index * step)
      index += 1
    }
    return ticks
  }

  private func logarithmicTicks(_ count: Int) -> [Double] {
    let decades: [Double] = [0.001, 0.01, 0.1, 1, 10, 100, 1000]
    let candidates = [
      decades, decades.flatMap { [$0, 3 * $0] }, decades.flatMap { [$0, 2 * $0, 5 * $0] },
      [0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16], [0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4],
      [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 1.8, 2],
    ].map { $0.filter(contains) }
    let fitting = candidates.filter { $0.count <= count + 2 }
    return fitting.max { $0.count < $1.count } ?? candidates[0]
  }

  /// 1, 2 or 5 times a power of ten that divides the span into about `count` parts.
  static func step(_ span: Double, count: Int) -> Double {
    let rough = span / Double(max(count, 1))
    guard rough.isFinite, rough > 1e-12, rough < 1e15 else { return max(span, 1e-9) }
    var power = 1.0
    while power > rough { power /= 10 }
    while power * 10 <= rough { power *= 10 }
    for factor in [1.0, 2, 5] where factor * power >= rough * 0.999 { return factor * power }
    return 10 * power
  }

  /// How many decimals the ticks of this scale need.
  func places(_ ticks: [Double]) -> Int {
    guard ticks.count > 1 else { return 2 }
    let gap = zip(ticks.dropFirst(), ticks).map { $0 - $1 }.min() ?? 1
    return gap >= 0.999 ? 0 : gap >= 0.0999 ? 1 : gap >= 0.00999 ? 2 : 3
  }
}
