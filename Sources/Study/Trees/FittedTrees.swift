import BoostedTrees

/// What a study knows about a model of trees that it fitted.
public struct FittedTrees: Sendable, Codable {
  public var learner: TreeSettings.Learner
  public var model: TreeModel
  /// Trees, or passes over the features, that the model keeps; of classes, iterations of one tree each.
  public var treeCount: Int
  /// Trees, passes or iterations that were grown; more than are kept where training stopped early.
  public var grownCount: Int
  /// Secure sums of the training, those for the bins left out.
  public var roundCount: Int
  /// Integers that each hospital sent masked in them, eight bytes each.
  public var valueCount: Int
  /// Mean loss of evaluation and training patients after each tree or pass, where measured.
  public var losses: [MeasuredLoss]
  /// The losses of the model that is kept.
  public var keptLoss: MeasuredLoss?
  /// Patients over whom the contributions were summed; 0 where they could not be.
  public var explainedCount: Int
  /// By feature, in the plan's order; empty where they could not be summed.
  public var contributions: [FeatureContribution]
  /// The settings that decided when training stopped; nil for a forest and under differential privacy.
  public var stopping: TreeSettings.Stopping?

  /// Bytes that each hospital sent for one tree, pass or iteration, the protocol's own left out.
  public var bytesPerTree: Double { 8 * Double(valueCount) / Double(max(grownCount, 1)) }
  /// Secure sums for one tree, pass or iteration.
  public var roundsPerTree: Double { Double(roundCount) / Double(max(grownCount, 1)) }

  /// Trees grown at once: one for each class, else 1.
  public var treesPerIteration: Int {
    guard case .ensemble(let ensemble) = model.content else { return 1 }
    return max(ensemble.baseMargins.count, 1)
  }

  /// The cost of the training in words, for the progress, the terminal and the report.
  public var costInWords: String {
    let (one, many, each) =
      switch (learner, treesPerIteration) {
      case (.additive, _): ("pass", "passes", "a pass")
      case (_, 1): ("tree", "trees", "a tree")
      case (_, let count):
        ("iteration of \(count) trees", "iterations of \(count) trees", "an iteration")
      }
    let kept = grownCount > treeCount ? ", \(treeCount) kept" : ""
    return "\(grownCount) \(grownCount == 1 ? one : many)\(kept),"
      + " \(roundCount) rounds (\(Self.decimal(roundsPerTree)) \(each)),"
      + " \(Self.bytes(bytesPerTree)) \(each) from each hospital\(fewEventsInWords)"
  }

  /// What is said where events were too few to stop early; empty elsewhere.
  private var fewEventsInWords: String {
    guard let events = stopping?.fewEvents else { return "" }
    return
      "; not stopped early, since \(events) training patients with the rarer outcome are too few to"
      + " keep some aside"
  }

  /// One decimal place.
  static func decimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  static func bytes(_ count: Double) -> String {
    switch count {
    case ..<10_000: "\(Int(count.rounded())) bytes"
    case ..<10_000_000: "\(Int((count / 1000).rounded())) kB"
    default: "\(Int((count / 1_000_000).rounded())) MB"
    }
  }
}

/// What one feature contributes to the margins of a model of trees.
public struct FeatureContribution: Sendable, Codable {
  public var feature: String
  /// Mean |contribution| over the patients, in the units of the score that `TreeExplainer` explains: log-odds,
  /// of a forest probability, of values those of their margins.
  public var importance: Double
  /// Mean contribution by value; neighbouring bins of a number are merged until they hold enough
  /// patients.
  public var points: [Point]

  /// Some values of a feature.
  public struct Point: Sendable, Codable {
    /// Values from here on, in the feature's unit; nil for the lowest and for other kinds.
    public var lower: Double?
    /// Values below this; nil for the highest and for other kinds.
    public var upper: Double?
    /// A level, "yes" or "no", or "missing".
    public var level: String?
    public var patientCount: Int
    public var mean: Double

    public init(
      lower: Double? = nil, upper: Double? = nil, level: String? = nil, patientCount: Int,
      mean: Double
    ) {
      self.lower = lower
      self.upper = upper
      self.level = level
      self.patientCount = patientCount
      self.mean = mean
    }
  }
}

extension FeatureContribution {
  /// Reads one feature's part of a total.
  ///
  /// - Parameters:
  ///   - minimumCount: fewest patients of a point; smaller ones at the end of a number are added to
  ///     their neighbour, others left out.
  ///   - minimumCell: fewest patients left out, when any are: points are left out with them until
  ///     they are so many, since what is left out is also what the others leave of everybody.
  init(
    _ feature: TreeColumns.Feature, importance: Double, counts: [Int64], sums: [Double],
    minimumCount: Int, minimumCell: Int
  ) {
    var points: [Point] = []
    let everybody = counts.reduce(0, &+)
    func add(_ lower: Double?, _ upper: Double?, _ level: String?, _ count: Int64, _ sum: Double) {
      guard count > 0, count >= minimumCount else { return }
      points.append(
        Point(
          lower: lower, upper: upper, level: level, patientCount: Int(count),
          mean: sum / Double(count)))
    }
    switch feature {
    case .number(_, _, let cuts):
      var count: Int64 = 0
      var sum = 0.0
      var first = 1
      var left = counts.dropFirst().reduce(0, &+)
      for bin in counts.indices.dropFirst() {
        count += counts[bin]
        sum += sums[bin]
        left -= counts[bin]
        // What is left over must be enough for a point of its own, or is part of this one.
        guard count >= minimumCount, left >= minimumCount || left == 0 else { continue }
        add(
          first > 1 ? cuts[first - 2] : nil, left > 0 ? cuts[bin - 1] : nil, nil, count, sum)
        first = bin + 1
        count = 0
        sum = 0
      }
    case .flag:
      for (bin, level) in ["no", "yes"].enumerated() {
        add(nil, nil, level, counts[bin + 1], sums[bin + 1])
      }
    case .category(_, let levels, let hasOther):
      for (bin, level) in (levels + (hasOther ? ["other"] : [])).enumerated() {
        add(nil, nil, level, counts[bin + 1], sums[bin + 1])
      }
    }
    add(nil, nil, "missing", counts[0], sums[0])
    func hidden() -> Int { Int(everybody) - points.reduce(0) { $0 + $1.patientCount } }
    while hidden() > 0, hidden() < minimumCell,
      let smallest = points.indices.min(by: { points[$0].patientCount < points[$1].patientCount })
    { points.remove(at: smallest) }
    self.init(feature: feature.name, importance: importance, points: points)
  }
}
