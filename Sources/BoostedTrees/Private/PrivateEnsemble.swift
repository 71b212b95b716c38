/// A training of trees that goes from one noisy sum to the next.
public protocol PrivateEnsemble {
  /// What the next sum counts; nil when training is over.
  var cells: PrivateCells? { get }
  /// The model so far.
  var model: TreeEnsemble { get }
  /// Takes the noisy total of `cells`.
  mutating func absorb(_ total: [Int64]) throws(BoostedTreesError)
}

extension PrivateForest: PrivateEnsemble {}
extension PrivateBoosting: PrivateEnsemble {}
