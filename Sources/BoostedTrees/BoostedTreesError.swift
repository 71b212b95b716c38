/// Why trees could not be planned, answered for, grown or applied.
///
/// Messages are constant text: they never hold a value of the data.
public struct BoostedTreesError: Error, Sendable, Equatable {
  /// What went wrong. The list may grow.
  public enum Code: String, Sendable, CaseIterable {
    /// A setting is outside its valid range.
    case invalidSettings
    /// The objective has more than one output, of which an additive model's shapes learn one.
    case severalOutputs
    /// Bins are empty, too many, not ascending or not finite.
    case invalidBins
    /// Inputs that belong together have different lengths.
    case shapeMismatch
    /// An outcome is not one the objective is made for.
    case invalidOutcome
    /// More patients than the plan's bound, for which the sums were sized.
    case tooManyPatients
    /// A query does not follow the last one that was answered.
    case outOfOrder
    /// A query names a tree, leaf or feature that does not exist.
    case invalidQuery
    /// A total has the wrong number of elements.
    case totalLength
    /// A total has an element that no honest set of sites can produce.
    case totalOutOfRange
    /// Two features' histograms of one leaf have different sums.
    case totalInconsistent
    /// The total counts no patients.
    case noPatients
    /// The patients have one outcome only, so there is nothing to tell apart.
    case oneOutcomeClass
    /// Training has finished; there is nothing to absorb.
    case finished
    /// A model file is of another version, or contradicts itself.
    case invalidModel
  }

  public let code: Code
  /// The feature, row, node or vector element (0-based) concerned, where there is one.
  public let index: Int?

  public init(_ code: Code, index: Int? = nil) {
    self.code = code
    self.index = index
  }

  /// A constant sentence for the code.
  public var message: String {
    switch code {
    case .invalidSettings: "a setting of the trees is outside its valid range"
    case .severalOutputs:
      "the objective has several outputs, such as classes, and an explainable boosting machine learns one"
    case .invalidBins: "a feature's bins are empty, too many, not ascending or not finite"
    case .shapeMismatch: "inputs that belong together have different lengths"
    case .invalidOutcome: "an outcome is not in the range the objective is made for"
    case .tooManyPatients: "there are more patients than the plan allows for"
    case .outOfOrder: "the query does not follow the last one"
    case .invalidQuery: "the query names a tree, leaf or feature that does not exist"
    case .totalLength: "the total has the wrong number of elements"
    case .totalOutOfRange: "the total has an element that honest sites cannot produce"
    case .totalInconsistent: "the histograms of one leaf contradict each other"
    case .noPatients: "no patients are left to learn from"
    case .oneOutcomeClass: "all patients have the same outcome"
    case .finished: "the training has finished already"
    case .invalidModel: "the model is of another version or contradicts itself"
    }
  }
}
