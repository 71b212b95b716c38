import PortableNumerics

/// Logistic regression as a parameter vector: intercept first, then p coefficients.
///
/// Loss of a row: softplus(η) − y η, the negative log-likelihood.
public struct LogisticLearner: ParameterVectorLearner, Equatable {
  /// Number of features p, ≥ 0.
  public let featureCount: Int

  public init(featureCount: Int) {
    precondition(featureCount >= 0, "a feature count from our own plan is not negative")
    self.featureCount = featureCount
  }

  public var parameterCount: Int { featureCount + 1 }

  public var penalisedParameters: Range<Int> { 1..<(featureCount + 1) }

  /// Uniform on ±1/√p, as is usual for a linear layer; the intercept too.
  public func initialParameters(seed: UInt64) -> [Double] {
    var generator = Xoshiro256StarStar(seed: seed)
    let width = 1 / Double(max(featureCount, 1)).squareRoot()
    return (0..<parameterCount).map { _ in width * (2 * generator.uniformDouble() - 1) }
  }

  public func exampleCount(_ examples: TabularExamples) -> Int { examples.outcome.count }

  /// Throws `shapeMismatch` for another number of columns, `invalidOutcome` with the row for an
  /// outcome other than 0 and 1.
  public func check(_ examples: TabularExamples) throws(LinearModelError) {
    guard examples.design.columns == featureCount else { throw LinearModelError(.shapeMismatch) }
    for (row, value) in examples.outcome.enumerated() where value != 0 && value != 1 {
      throw LinearModelError(.invalidOutcome, index: row)
    }
  }

  public func lossSum(
    at parameters: [Double], examples: TabularExamples, indices: ArraySlice<Int>
  ) -> Double {
    var sum = 0.0
    for row in indices {
      let eta = examples.linearPredictor(parameters, row: row)
      sum += Portable.softplus(examples.outcome[row] == 1 ? -eta : eta)
    }
    return sum
  }

  public func addGradient(
    at parameters: [Double], examples: TabularExamples, indices: ArraySlice<Int>,
    to gradient: inout [Double]
  ) {
    for row in indices {
      let eta = examples.linearPredictor(parameters, row: row)
      examples.addScaledRow(
        row, slope: Portable.sigmoid(eta) - examples.outcome[row], to: &gradient)
    }
  }
}
