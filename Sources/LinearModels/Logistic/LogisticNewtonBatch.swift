import PortableNumerics

/// Several independent Newton fits that share their rounds, such as one for each site left out.
///
/// The vectors of the fits that are still iterating stand one after the other, so K fits take as
/// many rounds as the slowest of them. Which fits take part follows from the states, which
/// everybody has. A fit that is impossible is marked as failed and leaves the others alone.
public struct LogisticNewtonBatch: Sendable, Equatable {
  /// Settings of every fit.
  public let newton: LogisticNewton

  public init(_ newton: LogisticNewton) {
    self.newton = newton
  }

  /// States before the first round.
  public func initialStates(fitCount: Int) -> [LogisticNewtonState] {
    Array(repeating: newton.initialState(), count: max(fitCount, 0))
  }

  /// The fits that need another round, in order.
  public func activeFits(_ states: [LogisticNewtonState]) -> [Int] {
    states.indices.filter { !states[$0].isFinished }
  }

  /// Number of integers in the next answer; 0 when all fits have finished.
  public func vectorLength(_ states: [LogisticNewtonState]) -> Int {
    activeFits(states).count * newton.vectorLength
  }

  /// A site's answer: the answers of the active fits, one after the other.
  ///
  /// - Parameters:
  ///   - rows: for each fit the rows of this site that it uses; nil for all, empty where this site
  ///     is the one left out. As many as there are states.
  /// - Throws: `shapeMismatch` and what `LogisticNewton.answer` throws.
  public func answer(
    _ states: [LogisticNewtonState], design: Matrix, outcome: [UInt8], rows: [[Int]?]
  ) throws(LinearModelError) -> [Int64] {
    guard rows.count == states.count, design.columns == newton.featureCount else {
      throw LinearModelError(.shapeMismatch)
    }
    var result: [Int64] = []
    for fit in activeFits(states) {
      result += try LogisticNewton.answer(
        beta: states[fit].beta, design: design, outcome: outcome, rows: rows[fit])
    }
    return result
  }

  /// The next states from a published total.
  ///
  /// Throws `finished` when no fit is active and `totalLength` for another length; a fit whose own
  /// part is faulty gets the status `failed`.
  public func update(
    _ states: [LogisticNewtonState], total: [Int64]
  ) throws(LinearModelError) -> [LogisticNewtonState] {
    let active = activeFits(states)
    guard !active.isEmpty else { throw LinearModelError(.finished) }
    let length = newton.vectorLength
    guard total.count == active.count * length else { throw LinearModelError(.totalLength) }
    var next = states
    for (position, fit) in active.enumerated() {
      let part = Array(total[(position * length)..<((position + 1) * length)])
      do {
        next[fit] = try newton.update(states[fit], total: part)
      } catch {
        next[fit].iteration += 1
        next[fit].status = .failed(error.code)
      }
    }
    return next
  }
}
