import DifferentialPrivacy

/// What an attack says about one canary: above 0 for "in", and whether it was.
struct CanaryScore: Sendable, Hashable {
  var value: Double
  var isIn: Bool
}

/// The guesses that are made from scores, fixed before any is seen, and the bound they give.
///
/// Three rules share the error of 5 %: guess about every canary by the sign of its score (4.3 %), and
/// guess only about the 60 % or 20 % at the ends of the order of scores, half of them "in" (0.35 %
/// each). The first shows missing noise at a large ε, the last sees furthest when the noise is right.
enum GuessRule {
  static let significance = 0.05
  private static let rules: [(share: Double?, significance: Double)] = [
    (nil, 0.043), (0.6, 0.0035), (0.2, 0.0035),
  ]

  struct Outcome: Sendable, Hashable {
    var guessCount: Int
    var correctCount: Int
    var epsilonLowerBound: Double
  }

  /// The largest of the rules' lower bounds at confidence 95 %.
  static func outcome(
    _ scores: [CanaryScore], delta: Double
  ) throws(DifferentialPrivacyError) -> Outcome {
    var best: Outcome?
    for rule in rules {
      let (guesses, correct) = counts(scores, share: rule.share)
      let bound = try OneRunAudit(
        canaryCount: scores.count, guessCount: guesses, correctCount: correct
      ).epsilonLowerBound(delta: delta, significance: rule.significance)
      if bound > best?.epsilonLowerBound ?? -1 {
        best = Outcome(
          guessCount: guesses, correctCount: correct, epsilonLowerBound: bound)
      }
    }
    return best ?? Outcome(guessCount: 0, correctCount: 0, epsilonLowerBound: 0)
  }

  /// r and v. Ties are broken by position, which says nothing about the coins.
  static func counts(
    _ scores: [CanaryScore], share: Double?
  ) -> (guesses: Int, correct: Int) {
    guard let share else {
      return (scores.count, scores.count { ($0.value > 0) == $0.isIn })
    }
    let half = Int(Double(scores.count) * share / 2)
    let order = scores.indices.sorted {
      (scores[$0].value, $0) < (scores[$1].value, $1)
    }
    let out = order.prefix(half).count { !scores[$0].isIn }
    let inside = order.suffix(half).count { scores[$0].isIn }
    return (2 * half, out + inside)
  }
}
