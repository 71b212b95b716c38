/// What is kept of a variable's values in one window of one row. Two halves of the records give the
/// same as the whole, in any order: all sums are whole numbers.
struct Accumulator: Sendable, Hashable {
  var count: Int32 = 0
  var firstText = Lexicon.none
  var lastText = Lexicon.none
  var minimum = Double.infinity
  var maximum = -Double.infinity
  var firstTime = Int64.max
  var lastTime = Int64.min
  var lastKnown = Int64.min
  var first = Double.nan
  var last = Double.nan

  /// Adds one value. Of values at the same time, the first is the smallest; the last is the one
  /// that became known last, and of those the largest.
  @inline(__always)
  mutating func add(_ event: KnownEvent, value: Double) {
    let isOnly = count == 0
    count &+= 1
    if value < minimum { minimum = value }
    if value > maximum { maximum = value }
    let time = event.time
    if time < firstTime || (time == firstTime && value < first) {
      firstTime = time
      first = value
    }
    // The only record may be one that is known from ever: no time is later than that.
    if isOnly || time > lastTime
      || (time == lastTime
        && (event.knownAt > lastKnown || (event.knownAt == lastKnown && value > last)))
    {
      lastTime = time
      lastKnown = event.knownAt
      last = value
    }
  }

  /// Adds a record whose value is a text, or that has none.
  mutating func add(_ event: KnownEvent, text: Int32, value: Double, texts: borrowing Interner) {
    let isOnly = count == 0
    count &+= 1
    let time = event.time
    if time < firstTime
      || (time == firstTime && Self.precedes(text, value, firstText, first, texts))
    {
      firstTime = time
      firstText = text
      first = value
    }
    if isOnly || time > lastTime
      || (time == lastTime
        && (event.knownAt > lastKnown
          || (event.knownAt == lastKnown && Self.precedes(lastText, last, text, value, texts))))
    {
      lastTime = time
      lastKnown = event.knownAt
      lastText = text
      last = value
    }
  }

  /// Order of two values that are texts or numbers: texts after numbers, each in its own order.
  private static func precedes(
    _ leftText: Int32, _ left: Double, _ rightText: Int32, _ right: Double,
    _ texts: borrowing Interner
  ) -> Bool {
    if leftText == rightText { return left < right }
    if leftText == Lexicon.none || rightText == Lexicon.none { return leftText < rightText }
    return texts.text(leftText) < texts.text(rightText)
  }
}

/// Sums over one window: Σx, Σx², Σt, Σt², Σxt with x in billionths of the unit and t in seconds
/// before the prediction time, as whole numbers, so that their order does not matter.
struct Moments: Sendable, Hashable {
  /// Values are rounded to billionths: decimals as hospitals record them stay exact.
  static let scale = 1e9
  /// Larger magnitudes have no billionths in 64 bits.
  static let bound = 9e9

  var sum: Int128 = 0
  var squares: Int128 = 0
  var times: Int128 = 0
  var timeSquares: Int128 = 0
  var products: Int128 = 0
  /// A sum left 128 bits; what depends on it is missing.
  var overflowed = false

  /// A value in billionths, rounded half away from zero. `value` lies within ±`bound`.
  @inline(__always)
  static func scaled(_ value: Double) -> Int64 {
    let product = value * scale
    let whole = Int64(product)
    // Exact: beyond 2^52 a double has no fraction, below it the difference is one.
    let rest = product - Double(whole)
    return rest >= 0.5 ? whole + 1 : rest <= -0.5 ? whole - 1 : whole
  }

  mutating func add(_ value: Double, before: Int64) {
    let x = Int128(Self.scaled(value))
    let t = Int128(before)
    sum &+= x
    times &+= t
    if !Self.accumulate(&squares, x * x) { overflowed = true }
    if !Self.accumulate(&timeSquares, t * t) { overflowed = true }
    if !Self.accumulate(&products, x * t) { overflowed = true }
  }

  /// Adds a term; false when the sum left 128 bits.
  private static func accumulate(_ total: inout Int128, _ term: Int128) -> Bool {
    let (result, overflow) = total.addingReportingOverflow(term)
    total = result
    return !overflow
  }

  /// A sum in billionths as a number.
  static func total(_ sum: Int128) -> Double { Double(sum) / scale }

  /// A sum in billionths over a count of values.
  static func mean(_ sum: Int128, _ count: Int) -> Double {
    count > 0 ? Double(sum) / (scale * Double(count)) : .nan
  }

  func standardDeviation(_ count: Int) -> Double {
    guard count > 1, !overflowed, let spread = Self.cross(count, squares, sum, sum) else {
      return .nan
    }
    let n = Double(count)
    return (max(0, spread) / (n * (n - 1))).squareRoot() / Self.scale
  }

  /// Least-squares slope per hour.
  func slopePerHour(_ count: Int) -> Double {
    guard count > 1, !overflowed, let spread = Self.cross(count, timeSquares, times, times),
      spread > 0, let shared = Self.cross(count, products, sum, times)
    else { return .nan }
    // Times are counted backwards from the prediction.
    let slope = -shared / spread / Self.scale * 3600
    return slope == 0 ? 0 : slope
  }

  /// n·Σab − Σa·Σb, exact where it fits 128 bits and in doubles otherwise.
  private static func cross(_ count: Int, _ products: Int128, _ a: Int128, _ b: Int128) -> Double? {
    let (left, over) = products.multipliedReportingOverflow(by: Int128(count))
    let (right, under) = a.multipliedReportingOverflow(by: b)
    let (difference, beyond) = left.subtractingReportingOverflow(right)
    if !over, !under, !beyond { return Double(difference) }
    let value = Double(products) * Double(count) - Double(a) * Double(b)
    return value.isFinite ? value : nil
  }
}
