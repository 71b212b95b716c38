import PortableNumerics

extension LogisticNewton {
  /// The state before the first round: all coefficients 0.
  public func initialState() -> LogisticNewtonState {
    LogisticNewtonState(parameterCount: featureCount + 1)
  }

  /// A total decoded to doubles, checked against what honest sites can produce.
  private struct Decoded {
    var gradient: [Double]
    var hessian: [Double]
    var logLikelihood: Double
    var patientCount: Int64
    var eventCount: Int64
    var clippedCount: Int64
  }

  /// Everybody's step: the next state from a published total.
  ///
  /// Damped Newton: where the penalised objective rose above that of the best point so far, the
  /// next point is halfway back; otherwise the full step (H + λI) δ = g − λβ is taken. The
  /// decision depends only on totals, and the arithmetic is portable, so every party gets the
  /// same bits.
  ///
  /// - Throws: `finished`; `totalLength`, `totalOutOfRange` for a total no honest sites produce;
  ///   `noPatients`; `oneOutcomeClass`; `singularInformation` with the parameter (0 = intercept)
  ///   whose column is constant, a combination of others, or separates the outcome;
  ///   `diverged`. The result never holds NaN among the coefficients.
  public func update(
    _ state: LogisticNewtonState, total: [Int64]
  ) throws(LinearModelError) -> LogisticNewtonState {
    guard !state.isFinished else { throw LinearModelError(.finished) }
    guard state.beta.count == featureCount + 1 else { throw LinearModelError(.shapeMismatch) }
    let sums = try decode(total)
    var next = state
    next.iteration += 1
    next.patientCount = sums.patientCount
    next.eventCount = sums.eventCount
    next.clippedCount = sums.clippedCount

    var penalty = 0.0
    for value in state.beta.dropFirst() { penalty += value * value }
    let objective = 0.5 * ridge * penalty - sums.logLikelihood
    // The objective of n patients is known to n · 2⁻³³ and to a few ulp.
    let slack = 0x1p-33 * Double(sums.patientCount) + 1e-13 * objective
    if !state.acceptedBeta.isEmpty && objective > state.objective + slack {
      return halfwayBack(next)
    }

    next.objective = objective
    next.deviance = -2 * sums.logLikelihood
    next.acceptedBeta = state.beta
    next.halvings = 0
    let step = try newtonStep(at: state.beta, sums: sums, into: &next)
    var largest = 0.0
    for (index, value) in step.enumerated() {
      largest = max(largest, value.magnitude)
      next.beta[index] = state.beta[index] + value
      guard next.beta[index].magnitude <= Self.parameterBound else {
        throw LinearModelError(.diverged, index: index)
      }
    }
    if largest < tolerance {
      next.status = .converged
    } else if next.iteration >= iterationLimit {
      next.status = .iterationLimit
      next.beta = state.beta
    }
    return next
  }

  private func halfwayBack(_ state: LogisticNewtonState) -> LogisticNewtonState {
    var next = state
    next.halvings += 1
    for index in next.beta.indices {
      next.beta[index] =
        state.acceptedBeta[index] + 0.5 * (state.beta[index] - state.acceptedBeta[index])
    }
    if next.halvings > 30 || next.iteration >= iterationLimit {
      next.status = next.halvings > 30 ? .stalled : .iterationLimit
      next.beta = state.acceptedBeta
    }
    return next
  }

  private func newtonStep(
    at beta: [Double], sums: Decoded, into state: inout LogisticNewtonState
  ) throws(LinearModelError) -> [Double] {
    let q = featureCount + 1
    var gradient = sums.gradient
    do {
      var information = try SymmetricMatrix(order: q, packed: sums.hessian)
      for j in 1..<max(q, 1) {
        information[j, j] += ridge
        gradient[j] -= ridge * beta[j]
      }
      // A pivot is 1 − R² of a column on those before it; below 1e-9 it is rounding.
      let factor = try CholeskyFactor(information, relativeTolerance: 1e-9)
      let covariance = factor.inverse()
      state.covariance = covariance.packed
      state.standardErrors = (0..<q).map { covariance[$0, $0].squareRoot() }
      return try factor.solve(gradient)
    } catch {
      throw LinearModelError(.singularInformation, index: error.index)
    }
  }

  private func decode(_ total: [Int64]) throws(LinearModelError) -> Decoded {
    guard total.count == vectorLength else { throw LinearModelError(.totalLength) }
    let q = featureCount + 1
    let tail = q + q * (q + 1) / 2
    let patientCount = total[tail + 1]
    let eventCount = total[tail + 2]
    let clippedCount = total[tail + 3]
    guard patientCount >= 0, patientCount <= Int64(Self.maximumPatientCount) else {
      throw LinearModelError(.totalOutOfRange, index: tail + 1)
    }
    guard eventCount >= 0, eventCount <= patientCount else {
      throw LinearModelError(.totalOutOfRange, index: tail + 2)
    }
    guard clippedCount >= 0, clippedCount <= patientCount else {
      throw LinearModelError(.totalOutOfRange, index: tail + 3)
    }
    let bound = UInt64(Self.perPatientBound) * UInt64(patientCount)
    for index in 0...tail where total[index].magnitude > bound {
      throw LinearModelError(.totalOutOfRange, index: index)
    }
    guard total[tail] <= 0 else { throw LinearModelError(.totalOutOfRange, index: tail) }
    guard patientCount > 0 else { throw LinearModelError(.noPatients) }
    guard eventCount > 0, eventCount < patientCount else {
      throw LinearModelError(.oneOutcomeClass)
    }
    return Decoded(
      gradient: total[0..<q].map { Double($0) / Self.gradientScale },
      hessian: total[q..<tail].map { Double($0) / Self.hessianScale },
      logLikelihood: Double(total[tail]) / Self.hessianScale,
      patientCount: patientCount, eventCount: eventCount, clippedCount: clippedCount)
  }
}
