/// What a site says about one column of its data.
public struct SourceColumn: Sendable, Hashable {
  public var name: String
  /// The unit the values are recorded in; nil when the site does not say.
  public var unit: String?
  /// The site's own texts for "not measured", beside the standard ones.
  public var missingCodes: [String]
  /// The site's words for the study's words, as `m: male`.
  public var levelNames: [String: String]

  public init(
    _ name: String, unit: String? = nil, missingCodes: [String] = [],
    levelNames: [String: String] = [:]
  ) {
    self.name = name
    self.unit = unit
    self.missingCodes = missingCodes
    self.levelNames = levelNames
  }
}
