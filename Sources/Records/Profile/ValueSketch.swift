/// The distribution of a variable's values in one unit, in 32 bins an octave: counts only.
public struct ValueSketch: Sendable, Hashable {
  private static let binsPerOctave = 32
  private static let lowest = -40
  private static let highest = 40

  public private(set) var count = 0
  public private(set) var zeroCount = 0
  public private(set) var negativeCount = 0
  private var bins: [Int: Int] = [:]

  public init() {}

  /// Counts a value; not-a-number is not counted.
  public mutating func add(_ value: Double) {
    guard value.isFinite else { return }
    count += 1
    if value == 0 {
      zeroCount += 1
    } else if value < 0 {
      negativeCount += 1
    } else {
      // The bin of 2^e · (1 + f): e octaves and f of one, linear inside the octave.
      let exponent = min(max(Int(value.exponent), Self.lowest), Self.highest)
      let part = Int((value.significand - 1) * Double(Self.binsPerOctave))
      bins[exponent * Self.binsPerOctave + min(max(part, 0), Self.binsPerOctave - 1), default: 0] +=
        1
    }
  }

  /// The middle of a bin.
  private static func middle(_ bin: Int) -> Double {
    let octave = bin >= 0 ? bin / binsPerOctave : (bin - binsPerOctave + 1) / binsPerOctave
    let part = bin - octave * binsPerOctave
    return (1 + (Double(part) + 0.5) / Double(binsPerOctave)) * octaveStart(bin)
  }

  /// Quantile of the values, right to 2 %; negative values count as below zero. Nil without values.
  public func quantile(_ probability: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = max(1, Int((probability * Double(count)).rounded(.up)))
    if rank <= negativeCount { return -.infinity }
    if rank <= negativeCount + zeroCount { return 0 }
    var seen = negativeCount + zeroCount
    for (bin, number) in bins.sorted(by: { $0.key < $1.key }) {
      seen += number
      if seen >= rank { return Self.middle(bin) }
    }
    return bins.keys.max().map(Self.middle)
  }

  /// Share of the values that meet a test, by the middle of their bins.
  public func share(_ test: (Double) -> Bool) -> Double {
    guard count > 0 else { return 0 }
    var met = test(0) ? zeroCount : 0
    for (bin, number) in bins where test(Self.middle(bin)) { met += number }
    return Double(met) / Double(count)
  }

  /// Shares of all values in bins of equal width over a range of positive values; a bin of the sketch is
  /// divided over those that it touches. Empty when the range is.
  public func histogram(from low: Double, to high: Double, binCount: Int) -> [Double] {
    guard count > 0, binCount > 0, low >= 0, low < high, high.isFinite else { return [] }
    let width = (high - low) / Double(binCount)
    var shares = [Double](repeating: 0, count: binCount)
    if low == 0 { shares[0] += Double(zeroCount) / Double(count) }
    for (bin, number) in bins {
      let middle = Self.middle(bin)
      // Half a bin: 1/64 of the octave's beginning.
      let half = Self.octaveStart(bin) / Double(2 * Self.binsPerOctave)
      let (start, end) = (middle - half, middle + half)
      guard end > low, start < high else { continue }
      let first = max(0, Int((max(start, low) - low) / width))
      let last = min(binCount - 1, Int((min(end, high) - low) / width))
      guard first <= last else { continue }
      for place in first...last {
        let from = max(start, low + Double(place) * width)
        let to = min(end, low + Double(place + 1) * width)
        if to > from {
          shares[place] += Double(number) / Double(count) * (to - from) / (end - start)
        }
      }
    }
    return shares
  }

  /// The power of two at which a bin's octave begins.
  private static func octaveStart(_ bin: Int) -> Double {
    let octave = bin >= 0 ? bin / binsPerOctave : (bin - binsPerOctave + 1) / binsPerOctave
    var value = 1.0
    for _ in 0..<abs(octave) { value = octave > 0 ? value * 2 : value / 2 }
    return value
  }
}
