import CanonicalBytes

/// When training stops: as the study file says, or as the number of events decides where it says nothing.
///
/// Early stopping pays with a fifth of the training patients for a loss that says when to stop. Where few of
/// them have the outcome, that loss is mostly chance, and the trees miss the patients it was measured on: a
/// fixed, smaller amount of learning is then better. `Benchmarks/README.md` has the measurements behind the
/// numbers here. The decision needs the profile's total alone, so that every party takes the same one.
extension TreeSettings {
  /// What a study file leaves open.
  public struct Unstated: Sendable, Hashable {
    /// Neither `early_stopping` nor `evaluation_share` is stated.
    public var stopping: Bool
    /// Neither `trees` nor `passes` is stated.
    public var treeCount: Bool
    /// `learning_rate` is not stated.
    public var learningRate: Bool

    public init(stopping: Bool = false, treeCount: Bool = false, learningRate: Bool = false) {
      self.stopping = stopping
      self.treeCount = treeCount
      self.learningRate = learningRate
    }

    /// Nothing is stated: what a learner that can stop early begins with.
    static let all = Self(stopping: true, treeCount: true, learningRate: true)

    /// Appends canonical bytes.
    func write(to writer: inout ByteWriter) {
      writer.boolean(stopping)
      writer.boolean(treeCount)
      writer.boolean(learningRate)
    }
  }

  /// The settings that decide when training stops, as a training used them.
  public struct Stopping: Sendable, Hashable, Codable {
    /// Trees, or passes over the features, at most.
    public var treeCount: Int
    public var learningRate: Double
    /// Trees without a new minimum of the loss after which training stopped; 0 for never.
    public var patience: Int
    /// Share of the training patients that only measured that loss.
    public var evaluationShare: Double
    /// Training patients with the rarer outcome, where these were too few to stop early, so that nobody was
    /// kept aside; nil where the settings are those of the study file or the learner's own.
    public var fewEvents: Int?

    /// Appends canonical bytes.
    public func write(to writer: inout ByteWriter) {
      writer.integer(Int64(treeCount))
      writer.double(learningRate)
      writer.integer(Int64(patience))
      writer.double(evaluationShare)
      writer.optional(fewEvents) { $0.integer(Int64($1)) }
    }
  }

  /// Fewest patients with the rarer outcome that must be expected among those kept aside.
  var leastEvaluationEvents: Double { learner == .additive ? 100 : 200 }
  /// Trees times learning rate where nobody is kept aside.
  private static let fixedLearning = 5.0
  /// Trees, or passes, where nobody is kept aside.
  private var fixedTreeCount: Int { learner == .additive ? 50 : 100 }

  /// The settings that a training uses.
  ///
  /// Where nothing is stated on early stopping, and `evaluationShare` of the patients with the rarer outcome
  /// would be fewer than 200 (100 of an explainable boosting machine), nobody is kept aside and no tree is
  /// taken back: 100 trees of learning rate 0.05 (50 passes of 0.1). Of trees and rate, one that the study
  /// states stays, and the other is such that their product is 5, with no more trees, and no higher rate,
  /// than the defaults.
  ///
  /// - Parameter events: training patients over all sites with the rarer outcome, a published total.
  func used(events: Int) -> (settings: TreeSettings, stopping: Stopping?) {
    var used = self
    used.unstated = Unstated()
    let isFew =
      unstated.stopping && objective == .logistic && evaluationShare > 0
      && Double(events) * evaluationShare < leastEvaluationEvents
    if isFew {
      used.patience = 0
      used.evaluationShare = 0
      if unstated.treeCount {
        let wanted =
          unstated.learningRate
          ? Double(fixedTreeCount) : (Self.fixedLearning / learningRate).rounded(.up)
        used.treeCount = Int(min(Double(treeCount), wanted))
      }
      if unstated.learningRate {
        used.learningRate = min(learningRate, Self.fixedLearning / Double(used.treeCount))
      }
    }
    guard learner != .randomForest else { return (used, nil) }
    return (
      used,
      Stopping(
        treeCount: used.treeCount, learningRate: used.learningRate, patience: used.patience,
        evaluationShare: used.evaluationShare, fewEvents: isFew ? events : nil)
    )
  }
}
