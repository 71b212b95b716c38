/// A fully adaptive filter in μ²: releases are approved one by one, each chosen after seeing the
/// earlier ones, and the whole stays μ-GDP with the budget's μ (Smith and Thakurta 2022,
/// theorem 4.1). Nothing is lost against a plan fixed in advance.
///
/// A value; the ledger that keeps it through crashes is the site's. A plan that was calibrated to
/// use the whole budget may go over it by rounding: up to `slack` of it is let pass, which changes
/// no ε in its first ten places.
public struct GaussianPrivacyFilter: Sendable, Equatable {
  /// The share of the budget that rounding may take.
  public static let slack = 1e-12

  /// The budget B = μ².
  public let budget: Double
  /// Σ Δ_k²/σ_k² of what was approved, at most the budget.
  public private(set) var spent: Double

  /// Creates a filter.
  ///
  /// - Parameters:
  ///   - budget: the guarantee of everything together.
  ///   - spent: Σμ² of what an earlier run already approved; may not exceed the budget.
  /// - Throws: `outOfRange`; `overBudget`.
  public init(
    budget: GaussianPrivacy, spent: Double = 0
  ) throws(DifferentialPrivacyError) {
    guard budget.mu < .infinity, spent >= 0, spent < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "a budget is finite and what is spent not negative", field: "spent")
    }
    self.budget = budget.mu * budget.mu
    self.spent = spent
    if spent > self.budget * (1 + Self.slack) {
      throw DifferentialPrivacyError(
        .overBudget, "more is spent than the budget allows", field: "spent")
    }
  }

  /// What is left of μ².
  public var remaining: Double { max(0, budget - spent) }

  /// The guarantee of what was approved so far.
  public var guarantee: GaussianPrivacy { GaussianPrivacy(sumOfSquares: spent) }

  /// Whether a release would still fit.
  public func admits(_ release: GaussianPrivacy) -> Bool {
    spent + release.mu * release.mu <= budget * (1 + Self.slack)
  }

  /// Charges a release, before it is made.
  ///
  /// - Throws: `overBudget` when it does not fit; nothing is charged then.
  public mutating func charge(_ release: GaussianPrivacy) throws(DifferentialPrivacyError) {
    guard admits(release) else {
      throw DifferentialPrivacyError(
        .overBudget, "the release would go over the privacy budget", field: "mu")
    }
    spent += release.mu * release.mu
  }
}
