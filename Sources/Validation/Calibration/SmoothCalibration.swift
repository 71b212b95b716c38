import PortableNumerics

/// Moderate calibration: a smooth curve from predicted to observed risk, and how far it is from the
/// diagonal (Austin and Steyerberg 2019).
///
/// The curve is logit P(y) = restricted cubic spline of logit p: 5 knots at the 5, 27.5, 50, 72.5
/// and 95 % quantiles, 3 knots (10, 50, 90 %) with fewer than 100 events or non-events. Unlike lowess
/// it needs no neighbours, so one hospital's curve and a federated one mean the same.
/// The maximum error is left out: it is the error at one patient.
public struct SmoothCalibration: Sendable, Codable, Equatable {
  /// One point of the curve.
  public struct Point: Sendable, Codable, Equatable {
    /// The predicted risk, in (0, 1).
    public let predicted: Double
    /// The observed risk according to the curve, in [0, 1].
    public let observed: Double
    /// The pointwise 95 % interval of `observed`.
    public let interval: Interval

    /// Creates a point, or nothing when a number is outside [0, 1] or the ends are out of order.
    init?(predicted: Double, observed: Double, lower: Double, upper: Double) {
      guard predicted > 0, predicted < 1, lower >= 0, lower <= observed, observed <= upper,
        upper <= 1, let interval = Interval(lower: lower, upper: upper)
      else { return nil }
      self.predicted = predicted
      self.observed = observed
      self.interval = interval
    }
  }

  /// Integrated calibration index: the mean of |curve − predicted| over the patients.
  public let integratedCalibrationIndex: Double
  /// The median of |curve − predicted|.
  public let medianError: Double
  /// The 90 % quantile of |curve − predicted|.
  public let ninetiethPercentileError: Double
  /// The curve at the points of the public risk grid between the 5 and 95 % quantiles of the
  /// predicted risks, at most 40 of them, in ascending order.
  public let curve: [Point]

  /// Rebuilds a result; nil when a number is outside [0, 1] or the curve is not ascending.
  init?(index: Double, median: Double, ninetieth: Double, curve: [Point]) {
    let unit = 0.0...1.0
    guard unit.contains(index), unit.contains(median), unit.contains(ninetieth),
      median <= ninetieth,
      zip(curve, curve.dropFirst()).allSatisfy({ $0.predicted < $1.predicted })
    else { return nil }
    integratedCalibrationIndex = index
    medianError = median
    ninetiethPercentileError = ninetieth
    self.curve = curve
  }

  /// Fits the curve; nil with fewer than 20 patients in a class, when fewer than three knots are
  /// distinct, or when the fit does not converge.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange` for a risk outside [0, 1].
  public static func evaluate(
    probabilities: [Double], outcomes: [Bool]
  ) throws(ValidationError) -> SmoothCalibration? {
    SmoothCalibration(try CheckedInput(scores: probabilities, outcomes: outcomes, asRisks: true))
  }

  /// Fits the curve on checked rows.
  init?(_ input: CheckedInput) {
    let rarer = min(input.eventCount, input.nonEventCount)
    guard rarer >= 20, !input.separatesClasses else { return nil }
    let predictors = input.linearPredictors
    let shares = rarer < 100 ? [0.1, 0.5, 0.9] : [0.05, 0.275, 0.5, 0.725, 0.95]
    let spline = RestrictedCubicSpline(
      knots: shares.map { quantile(ofSorted: predictors, share: $0) })
    guard let spline else { return nil }

    let basis = predictors.map(spline.basis)
    let columns = (0..<spline.width).map { column in basis.map { $0[column] } }
    let start = [Double](repeating: 0, count: spline.width)
    guard let fit = LogisticFit(columns: columns, outcomes: input.outcomes, start: start) else {
      return nil
    }
    func linear(_ weights: [Double]) -> Double {
      zip(weights, fit.coefficients).reduce(0) { $0 + $1.0 * $1.1 }
    }

    let errors = input.scores.indices.map { row in
      (Portable.sigmoid(linear(basis[row])) - input.scores[row]).magnitude
    }
    let sorted = errors.sorted()
    var points: [Point] = []
    let low = quantile(ofSorted: input.scores, share: 0.05)
    let high = quantile(ofSorted: input.scores, share: 0.95)
    let inside = RiskTable.publicGrid.filter { $0 >= low && $0 <= high }
    let stride = max(1, (inside.count + 39) / 40)
    for index in Swift.stride(from: 0, to: inside.count, by: stride) {
      let weights = spline.basis(Portable.logit(inside[index]))
      let eta = linear(weights)
      let reach = normalQuantile975 * fit.variance(of: weights).squareRoot()
      let point = Point(
        predicted: inside[index], observed: Portable.sigmoid(eta),
        lower: Portable.sigmoid(eta - reach), upper: Portable.sigmoid(eta + reach))
      if let point { points.append(point) }
    }
    self.init(
      index: errors.reduce(0, +) / Double(errors.count),
      median: quantile(ofSorted: sorted, share: 0.5),
      ninetieth: quantile(ofSorted: sorted, share: 0.9), curve: points)
  }
}

/// Harrell's restricted cubic spline: cubic between the knots, linear beyond the outer ones.
struct RestrictedCubicSpline {
  /// Strictly ascending knots, at least three.
  let knots: [Double]
  /// Columns of the basis: constant, linear and one per knot but two.
  var width: Int { knots.count }

  /// Creates a spline from ascending knots, dropping repeated ones; nil with fewer than three.
  init?(knots: [Double]) {
    var distinct: [Double] = []
    for knot in knots where distinct.last.map({ knot > $0 + 1e-9 }) ?? true {
      distinct.append(knot)
    }
    guard distinct.count >= 3 else { return nil }
    self.knots = distinct
  }

  /// The basis at x, with x centred at the middle knot and cubes scaled by the knots' range.
  func basis(_ x: Double) -> [Double] {
    let last = knots[knots.count - 1]
    let beforeLast = knots[knots.count - 2]
    let range = last - knots[0]
    func cube(_ knot: Double) -> Double {
      let distance = max(0, x - knot)
      return distance * distance * distance
    }
    var values = [1, x - knots[knots.count / 2]]
    for knot in knots.dropLast(2) {
      let bend =
        cube(knot) - cube(beforeLast) * (last - knot) / (last - beforeLast)
        + cube(last) * (beforeLast - knot) / (last - beforeLast)
      values.append(bend / (range * range))
    }
    return values
  }
}

/// The quantile of ascending values by linear interpolation between order statistics (type 7 of
/// Hyndman and Fan 1996); 0 for no values, which callers exclude.
func quantile(ofSorted values: [Double], share: Double) -> Double {
  guard let last = values.indices.last else { return 0 }
  let position = share * Double(last)
  let lower = min(last, Int(position))
  let upper = min(last, lower + 1)
  return values[lower] + (values[upper] - values[lower]) * (position - Double(lower))
}
