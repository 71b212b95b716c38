import LinearModels
import PortableNumerics

/// A site's vote on a model.
extension LocalAnswers {
  /// 1 when the model is worse on this site's holdout than the one before it, else 0.
  ///
  /// The site is against when Σx (`worsening`) exceeds twice its standard error √Σx²; under differential
  /// privacy, when Σx with discrete Gaussian noise exceeds twice the noise's standard deviation (of the
  /// data nothing else enters then). Either way one chance in forty of a false alarm at a site where the
  /// models are equally good. A site without holdout patients is not against. A model that gives no
  /// risks is worse.
  mutating func vote(_ query: SumQuery.VoteQuery) throws -> [Int64] {
    guard let (sum, squares) = try worsening(query) else { return [1] }
    guard let noise = query.noise else {
      return [Double(sum) > 2 * squares.squareRoot() ? 1 : 0]
    }
    let noisy = try withNoise([sum], noise, query: SumQuery.vote(query).canonicalBytes)[0]
    return [Double(noisy) > 2 * Double(noise.variance).squareRoot() ? 1 : 0]
  }

  /// Σx and Σx² over the holdout patients (the first row of each), in units of `PrivacyPlan.countUnit`:
  ///
  ///     x = clip(ℓ(candidate) − ℓ(reference) − tolerance, ±1),  ℓ the log loss in nats,
  ///
  /// so that no patient counts more than one unit. Nil for a candidate that gives no risks.
  mutating func worsening(
    _ query: SumQuery.VoteQuery
  ) throws -> (sum: Int64, squares: Double)? {
    let design = try prepare(query.transform)
    guard query.candidate.count == design.columns + 1, query.reference.count == design.columns + 1
    else {
      throw StudyError(.malformedAnswer, "the model voted on does not fit the study's columns")
    }
    let rows = firstRows(cohort.rowIndices(.holdout))
    let holdout = design.selectingRows(rows)
    guard let candidate = try? LogisticNewton.predict(beta: query.candidate, design: holdout)
    else { return nil }
    let reference = try LogisticNewton.predict(beta: query.reference, design: holdout)
    let unit = Double(PrivacyPlan.countUnit)
    var sum: Int64 = 0
    var squares = 0.0
    for (index, row) in rows.enumerated() {
      func logLoss(_ risk: Double) -> Double {
        -Portable.log(max(cohort.outcome[row] == 1 ? risk : 1 - risk, 1e-12))
      }
      let worse = logLoss(candidate[index]) - logLoss(reference[index]) - query.tolerance
      let units = worse.isNaN ? unit : (min(max(worse, -1), 1) * unit).rounded(.toNearestOrEven)
      sum += Int64(units)
      squares += units * units
    }
    return (sum, squares)
  }
}
