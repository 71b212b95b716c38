/// A hospital that could not take part in a summary.
public struct SiteOmission: Sendable, Codable, Equatable {
  /// The hospital.
  public let site: String
  /// Why, in words.
  public let reason: String

  /// Creates an omission.
  public init(site: String, reason: String) {
    self.site = site
    self.reason = reason
  }
}
