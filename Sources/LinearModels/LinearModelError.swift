/// Why a linear model could not be answered or updated.
///
/// Messages are constant text: they never hold a value of the data.
public struct LinearModelError: Error, Sendable, Equatable {
  /// What went wrong. The list may grow.
  public enum Code: String, Sendable, CaseIterable {
    /// A setting is outside its valid range.
    case invalidSettings
    /// Two inputs that belong together have different lengths.
    case shapeMismatch
    /// A feature is NaN or infinite: impute and standardise first.
    case nonFiniteFeature
    /// An outcome is not 0 or 1 (logistic), or not finite (regression).
    case invalidOutcome
    /// A parameter is NaN, infinite or beyond ±10⁶.
    case nonFiniteParameter
    /// More patients than the encoding bound allows.
    case tooManyPatients
    /// A total has the wrong number of elements.
    case totalLength
    /// A total has an element that no honest set of sites can produce.
    case totalOutOfRange
    /// The total counts no patients.
    case noPatients
    /// All outcomes in the total are the same, so the intercept has no finite estimate.
    case oneOutcomeClass
    /// The information matrix is singular: a column is constant or a combination of others, or
    /// the outcome is separated by the features, and the ridge penalty is 0 or too small.
    case singularInformation
    /// Local training or an update went to NaN or beyond ±10⁶.
    case diverged
    /// The fit has finished; there is nothing to update.
    case finished
  }

  public let code: Code
  /// The parameter, column, row or vector element (0-based) concerned, where there is one.
  public let index: Int?

  public init(_ code: Code, index: Int? = nil) {
    self.code = code
    self.index = index
  }

  /// A constant sentence for the code.
  public var message: String {
    switch code {
    case .invalidSettings: "a setting of the model is outside its valid range"
    case .shapeMismatch: "inputs that belong together have different lengths"
    case .nonFiniteFeature: "a feature is missing or not finite; impute and standardise first"
    case .invalidOutcome: "an outcome is not in the range the model is made for"
    case .nonFiniteParameter: "a parameter is not a finite number within ±1e6"
    case .tooManyPatients: "there are more patients than the encoding allows"
    case .totalLength: "the total has the wrong number of elements"
    case .totalOutOfRange: "the total has an element that honest sites cannot produce"
    case .noPatients: "no patients are left to learn from"
    case .oneOutcomeClass: "all patients have the same outcome"
    case .singularInformation:
      "the information matrix is singular: a feature is constant, collinear or separates the outcome"
    case .diverged: "training diverged"
    case .finished: "the fit has finished already"
    }
  }
}
