/// One leaf's search, feature after feature. See `SplitSearch` for the rules.
struct SplitScan {
  private let total: Int64
  private let totalGradient: Double
  private let totalHessian: Double
  private let patientCount: Int64
  private let lower: Double
  private let upper: Double
  private let rule: LeafWeight
  /// No lasso, no bounds: the gain has a short form.
  private let isPlain: Bool
  private let gradientUnit: Double
  private let hessianUnit: Double
  private let minimumWeight: Double
  private let minimumCount: Int64
  private let parentGain: Double
  private var feature = 0
  private var monotone = 0
  /// The threshold that a plain score must exceed: best gain so far, or γ, plus the parent's.
  private var bestScore: Double
  private(set) var best: SplitSearch.Candidate?

  init(leaf: SplitSearch.Leaf, settings: GrowthSettings, scale: DerivativeScale) {
    total = leaf.total
    patientCount = leaf.count
    lower = leaf.lower
    upper = leaf.upper
    rule = LeafWeight(settings)
    gradientUnit = scale.gradientUnit
    hessianUnit = scale.hessianUnit
    totalGradient = Double(PackedWord.gradient(total)) * gradientUnit
    totalHessian = Double(PackedWord.hessian(total)) * hessianUnit
    minimumWeight = max(settings.minimumChildWeight, hessianUnit)
    minimumCount = settings.countsPatients ? Int64(settings.minimumChildCount) : 0
    isPlain =
      settings.l1Penalty == 0 && settings.maximumLeafWeight == 0
      && settings.monotone.allSatisfy { $0 == 0 }
    if isPlain {
      parentGain = totalGradient * totalGradient / (totalHessian + settings.l2Penalty)
    } else {
      let weight = rule.weight(totalGradient, totalHessian, lower: lower, upper: upper)
      parentGain = rule.gain(totalGradient, totalHessian, weight: weight)
    }
    bestScore = parentGain + settings.minimumSplitGain
  }

  mutating func begin(feature: Int, monotone: Int) {
    self.feature = feature
    self.monotone = monotone
  }

  /// Thresholds after every bin, missing values on the right and, where there are some, on the left.
  mutating func numeric(
    _ words: UnsafeBufferPointer<Int64>, counts: UnsafeBufferPointer<Int64>?
  ) {
    let missing = words[0]
    let last = words.count - 1
    var left: Int64 = 0
    var leftCount: Int64 = 0
    // After the last bin only missing values are on the right.
    let end = missing == 0 ? last : last + 1
    var bin = 1
    while bin < end {
      let word = words[bin]
      if word != 0 {
        left &+= word
        if let counts { leftCount &+= counts[bin] }
        consider(
          left, leftCount, .upTo(UInt8(truncatingIfNeeded: bin)),
          missing: missing == 0 ? nil : false)
      }
      bin += 1
    }
    guard missing != 0 else { return }
    left = missing
    leftCount = counts?[0] ?? 0
    bin = 1
    while bin < last {
      let word = words[bin]
      if word != 0 {
        left &+= word
        if let counts { leftCount &+= counts[bin] }
        consider(left, leftCount, .upTo(UInt8(truncatingIfNeeded: bin)), missing: true)
      }
      bin += 1
    }
  }

  /// One level against all the others.
  mutating func categorical(
    _ words: UnsafeBufferPointer<Int64>, counts: UnsafeBufferPointer<Int64>?
  ) {
    let missing = words[0]
    for bin in 1..<words.count where words[bin] != 0 {
      let rule = SplitTest.Rule.equals(UInt8(truncatingIfNeeded: bin))
      let count = counts?[bin] ?? 0
      consider(words[bin], count, rule, missing: missing == 0 ? nil : false)
      if missing != 0 {
        consider(words[bin] &+ missing, count &+ (counts?[0] ?? 0), rule, missing: true)
      }
    }
  }

  /// - Parameter missing: whether missing values go left; nil where the leaf has none, and the
  ///   heavier child takes those that may come.
  @inline(__always)
  private mutating func consider(
    _ left: Int64, _ leftCount: Int64, _ testRule: SplitTest.Rule, missing: Bool?
  ) {
    let leftHessian = Double(PackedWord.hessian(left)) * hessianUnit
    let rightHessian = totalHessian - leftHessian
    guard leftHessian >= minimumWeight, rightHessian >= minimumWeight else { return }
    if minimumCount > 0 {
      guard leftCount >= minimumCount, patientCount - leftCount >= minimumCount else { return }
    }
    let leftGradient = Double(PackedWord.gradient(left)) * gradientUnit
    let rightGradient = totalGradient - leftGradient
    let score: Double
    if isPlain {
      let a = leftHessian + rule.l2
      let b = rightHessian + rule.l2
      score = (leftGradient * leftGradient * b + rightGradient * rightGradient * a) / (a * b)
    } else {
      let leftWeight = rule.weight(leftGradient, leftHessian, lower: lower, upper: upper)
      let rightWeight = rule.weight(rightGradient, rightHessian, lower: lower, upper: upper)
      if monotone > 0 && leftWeight > rightWeight { return }
      if monotone < 0 && leftWeight < rightWeight { return }
      score =
        rule.gain(leftGradient, leftHessian, weight: leftWeight)
        + rule.gain(rightGradient, rightHessian, weight: rightWeight)
    }
    guard score > bestScore else { return }
    bestScore = score
    best = SplitSearch.Candidate(
      gain: score - parentGain,
      test: SplitTest(
        feature: feature, rule: testRule,
        missingGoesLeft: missing ?? (leftHessian >= rightHessian)),
      left: left, leftCount: leftCount)
  }
}
