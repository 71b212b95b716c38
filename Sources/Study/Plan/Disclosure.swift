/// A disclosure about a single site that goes beyond its own performance, and so needs the site's
/// policy to allow it by name (design decision 7). All are off by default.
public enum Disclosure: String, Sendable, Hashable, Codable, CaseIterable {
  /// Coefficients of the model that a site trained on its own patients are shown to the others.
  case modelBySiteMatrix = "model-by-site-matrix"
  /// Models without one site beside the model of all sites: the difference is that site's own sum.
  case leaveOneSiteOut = "leave-one-site-out"

  /// What it reveals, for the review sheet and for the report.
  public var explanation: String {
    switch self {
    case .modelBySiteMatrix:
      "The coefficients of the model trained on this hospital's patients alone are shown to the"
        + " other hospitals, and each of them reports how that model does on its own holdout."
    case .leaveOneSiteOut:
      "The study also fits one model without each hospital. Whoever sees the sums of all hospitals"
        + " and the sums without one can subtract them: that hospital's own gradients and"
        + " Hessians become known to the study."
    }
  }
}
