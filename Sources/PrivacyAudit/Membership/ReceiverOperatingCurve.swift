/// The ROC curve of a membership attack's scores.
struct ReceiverOperatingCurve {
  private let members: [Double]
  private let others: [Double]

  /// Scores, larger for "member".
  init(_ scores: [CanaryScore]) {
    members = scores.filter(\.isIn).map(\.value).sorted()
    others = scores.filter { !$0.isIn }.map(\.value).sorted()
  }

  /// P(member's score > other's score) + ½ P(equal); ½ when one side is empty.
  var area: Double {
    guard !members.isEmpty, !others.isEmpty else { return 0.5 }
    var below = 0
    var upTo = 0
    var twice = 0.0
    for score in members {
      while below < others.count, others[below] < score { below += 1 }
      upTo = max(upTo, below)
      while upTo < others.count, others[upTo] <= score { upTo += 1 }
      twice += Double(below + upTo)
    }
    return twice / (2 * Double(members.count) * Double(others.count))
  }

  /// The largest share of members above a threshold that at most `rate` of the others are above.
  func truePositiveRate(atFalsePositiveRate rate: Double) -> Double {
    guard !members.isEmpty, !others.isEmpty else { return 0 }
    let allowed = Int(Double(others.count) * rate)
    guard allowed < others.count else { return 1 }
    let threshold = others[others.count - 1 - allowed]
    return Double(members.count { $0 > threshold }) / Double(members.count)
  }
}
