import PortableNumerics

/// Linear regression by least squares as a parameter vector: intercept first, then p coefficients.
///
/// Loss of a row: ½ (η − y)².
public struct LinearRegressionLearner: ParameterVectorLearner, Equatable {
  /// Number of features p, ≥ 0.
  public let featureCount: Int

  public init(featureCount: Int) {
    precondition(featureCount >= 0, "a feature count from our own plan is not negative")
    self.featureCount = featureCount
  }

  public var parameterCount: Int { featureCount + 1 }

  public var penalisedParameters: Range<Int> { 1..<(featureCount + 1) }

  /// All zero, whatever the seed.
  public func initialParameters(seed: UInt64) -> [Double] {
    Array(repeating: 0, count: parameterCount)
  }

  public func exampleCount(_ examples: TabularExamples) -> Int { examples.outcome.count }

  /// Throws `shapeMismatch` for another number of columns.
  public func check(_ examples: TabularExamples) throws(LinearModelError) {
    guard examples.design.columns == featureCount else { throw LinearModelError(.shapeMismatch) }
  }

  public func lossSum(
    at parameters: [Double], examples: TabularExamples, indices: ArraySlice<Int>
  ) -> Double {
    var sum = 0.0
    for row in indices {
      let error = examples.linearPredictor(parameters, row: row) - examples.outcome[row]
      sum += 0.5 * error * error
    }
    return sum
  }

  public func addGradient(
    at parameters: [Double], examples: TabularExamples, indices: ArraySlice<Int>,
    to gradient: inout [Double]
  ) {
    for row in indices {
      let error = examples.linearPredictor(parameters, row: row) - examples.outcome[row]
      examples.addScaledRow(row, slope: error, to: &gradient)
    }
  }
}
