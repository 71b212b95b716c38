import PortableNumerics

/// How predicted numbers compare with recorded ones on one hospital's holdout.
///
/// Reveals to the study: means over all rows of the holdout, of at least the minimum cell of patients.
/// A mean of few patients is as sensitive to the largest of them as any mean is; the study's range of
/// values bounds that.
public struct NumberPerformance: Sendable, Codable, Equatable {
  /// Rows of the holdout; at least 1.
  public let rowCount: Int
  /// Mean of the recorded numbers, in the outcome's unit.
  public let meanObserved: Double
  /// Mean of the predicted numbers, in the outcome's unit.
  public let meanPredicted: Double
  /// mean |predicted − recorded|, in the outcome's unit.
  public let meanAbsoluteError: Double
  /// √ mean (predicted − recorded)², in the outcome's unit; at least the mean absolute error.
  public let rootMeanSquaredError: Double
  /// R² = 1 − Σ (recorded − predicted)² / Σ (recorded − their mean)²: 1 for a perfect model, 0 for one
  /// that gives everybody the hospital's own mean, below 0 for a worse one; nil where all recorded
  /// numbers are equal.
  public let rSquared: Double?
  /// Mean Poisson deviance, 2 · mean (y log(y/μ) − y + μ) with recorded count y and predicted mean μ,
  /// at least 0, lower is better; nil for numbers that are no counts.
  public let meanPoissonDeviance: Double?

  /// Whether the numbers are counts.
  public var isCount: Bool { meanPoissonDeviance != nil }

  /// Largest magnitude of a number: its square, times any cohort, is finite.
  static let numberLimit = 1e100
  /// Least predicted mean in a deviance; a smaller one counts as this.
  private static let leastMean = 1e-15

  /// Parts that fit together; nil when they do not: what no rows can have.
  ///
  /// Needs |mean predicted − mean recorded| ≤ mean absolute error ≤ root mean squared error (each up to
  /// rounding), R² ≤ 1, for counts means and deviance of at least 0, and a root mean squared error
  /// of 0 only with R² = 1 or without R².
  init?(
    rowCount: Int, meanObserved: Double, meanPredicted: Double, meanAbsoluteError: Double,
    rootMeanSquaredError: Double, rSquared: Double?, meanPoissonDeviance: Double?
  ) {
    let limit = -Self.numberLimit...Self.numberLimit
    guard rowCount >= 1, limit.contains(meanObserved), limit.contains(meanPredicted),
      (0...2 * Self.numberLimit).contains(meanAbsoluteError),
      (0...2 * Self.numberLimit).contains(rootMeanSquaredError)
    else { return nil }
    let slack =
      1e-9 * max(meanObserved.magnitude, meanPredicted.magnitude, rootMeanSquaredError)
    guard (meanPredicted - meanObserved).magnitude <= meanAbsoluteError + slack,
      meanAbsoluteError <= rootMeanSquaredError + slack
    else { return nil }
    if let rSquared {
      guard (-1e300...1).contains(rSquared), rootMeanSquaredError > 0 || rSquared == 1 else {
        return nil
      }
    }
    if let meanPoissonDeviance {
      guard (0...1e300).contains(meanPoissonDeviance), meanObserved >= 0, meanPredicted >= 0 else {
        return nil
      }
    }
    self.rowCount = rowCount
    self.meanObserved = meanObserved
    self.meanPredicted = meanPredicted
    self.meanAbsoluteError = meanAbsoluteError
    self.rootMeanSquaredError = rootMeanSquaredError
    self.rSquared = rSquared
    self.meanPoissonDeviance = meanPoissonDeviance
  }
}

extension NumberPerformance {
  /// Compares predicted with recorded numbers; nil below the minimum cell of patients.
  ///
  /// Rows are sorted first and sums compensated, so the result has the same bits however the rows are
  /// ordered. O(n log n).
  ///
  /// - Parameters:
  ///   - predicted: one number per row; for counts the predicted mean, at least 0.
  ///   - observed: the recorded numbers; for counts whole and at least 0.
  ///   - isCount: whether the numbers are counts, which have a Poisson deviance.
  ///   - patients: whose each row is; nil when each is another patient's.
  ///   - minimumCell: the smallest number of patients a released cell may hold; 1 or less for no rule.
  /// - Throws: `lengthMismatch`; `outOfRange` for a number that is NaN or beyond 10¹⁰⁰, or no count
  ///   where counts are stated.
  public init?(
    predicted: [Double], observed: [Double], isCount: Bool, patients: [Int32]? = nil,
    minimumCell: Int
  ) throws(ValidationError) {
    try checkRows(predicted.count, observed: observed.count, patients: patients)
    for index in predicted.indices {
      let limit = (isCount ? 0 : -Self.numberLimit)...Self.numberLimit
      guard limit.contains(predicted[index]) else {
        throw ValidationError(
          .outOfRange, "a predicted number must be finite, and of a count at least 0",
          field: "predicted", index: index)
      }
      guard limit.contains(observed[index]),
        !isCount || observed[index].rounded() == observed[index]
      else {
        throw ValidationError(
          .outOfRange, "a recorded number must be finite, and a count whole and at least 0",
          field: "observed", index: index)
      }
    }
    let people = patients.map { Set($0).count } ?? predicted.count
    guard !predicted.isEmpty, people >= minimumCell else { return nil }

    // Adding zero turns a negative zero into zero, so that equal numbers have equal bits.
    let rows = zip(observed, predicted).map { (observed: $0 + 0, predicted: $1 + 0) }
      .sorted { ($0.observed, $0.predicted) < ($1.observed, $1.predicted) }
    let count = Double(rows.count)
    let mean = CompensatedSum.of(rows.lazy.map(\.observed)) / count
    let squares = CompensatedSum.of(
      rows.lazy.map { ($0.predicted - $0.observed) * ($0.predicted - $0.observed) })
    var rSquared: Double?
    if let first = rows.first, let last = rows.last, first.observed < last.observed {
      let total = CompensatedSum.of(
        rows.lazy.map { ($0.observed - mean) * ($0.observed - mean) })
      let value = 1 - squares / total
      // A spread too small to divide by says as little as none.
      rSquared = value.magnitude <= 1e300 ? value : nil
    }
    let deviance = CompensatedSum.of(
      rows.lazy.map { Self.poissonDeviance($0.observed, $0.predicted) })
    self.init(
      rowCount: rows.count, meanObserved: mean,
      meanPredicted: CompensatedSum.of(rows.lazy.map(\.predicted)) / count,
      meanAbsoluteError: CompensatedSum.of(
        rows.lazy.map { ($0.predicted - $0.observed).magnitude }) / count,
      rootMeanSquaredError: (squares / count).squareRoot(), rSquared: rSquared,
      meanPoissonDeviance: isCount ? max(0, deviance / count) : nil)
  }

  /// 2 (y log(y/μ) − y + μ), at least 0 up to rounding; 2 μ for y = 0.
  private static func poissonDeviance(_ observed: Double, _ predicted: Double) -> Double {
    let mean = max(predicted, leastMean)
    guard observed > 0 else { return 2 * mean }
    return 2 * (observed * Portable.log(observed / mean) - observed + mean)
  }

  /// All hospitals together: means over all rows, as one evaluation of all of them would give up to
  /// rounding; nil without parts.
  ///
  /// R² takes the spread around the mean of all hospitals, Σ SST_s + Σ n_s (ȳ_s − ȳ)² with
  /// SST_s = SSE_s / (1 − R²_s); nil where a part's spread is not known (R² of 1) or there is none.
  public static func pooled(_ parts: [NumberPerformance]) -> NumberPerformance? {
    let total = parts.reduce(0.0) { $0 + Double($1.rowCount) }
    guard total > 0, total < 0x1p53 else { return nil }
    func mean(_ value: (NumberPerformance) -> Double) -> Double {
      CompensatedSum.of(parts.map { Double($0.rowCount) * value($0) }) / total
    }
    let observed = mean(\.meanObserved)
    let squares = mean { $0.rootMeanSquaredError * $0.rootMeanSquaredError }
    var spread: Double? = mean {
      ($0.meanObserved - observed) * ($0.meanObserved - observed)
    }
    for part in parts {
      guard let known = part.rSquared else { continue }
      let own =
        part.rootMeanSquaredError * part.rootMeanSquaredError * Double(part.rowCount) / total
      spread = known < 1 ? spread.map { $0 + own / (1 - known) } : nil
    }
    let isCount = parts.allSatisfy(\.isCount)
    return NumberPerformance(
      rowCount: Int(total), meanObserved: observed, meanPredicted: mean(\.meanPredicted),
      meanAbsoluteError: mean(\.meanAbsoluteError), rootMeanSquaredError: squares.squareRoot(),
      rSquared: spread.flatMap { $0 > 0 ? max(-1e300, 1 - squares / $0) : nil },
      meanPoissonDeviance: isCount ? mean { $0.meanPoissonDeviance ?? 0 } : nil)
  }
}

/// Refuses columns of different lengths.
func checkRows(
  _ predicted: Int, observed: Int, patients: [Int32]?
) throws(ValidationError) {
  guard predicted == observed else {
    throw ValidationError(
      .lengthMismatch, "predicted and recorded values must have one entry per row",
      field: "observed")
  }
  guard patients.map({ $0.count == predicted }) ?? true else {
    throw ValidationError(.lengthMismatch, "one patient per row", field: "patients")
  }
}
