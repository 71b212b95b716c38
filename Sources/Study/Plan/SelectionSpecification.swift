import CanonicalBytes
import Cohort
import StrictYAML

/// Which of the study's features the models get: those that carry something, once, everywhere.
///
/// Every rule decides from sums over the sites, so every party keeps the same features; the report names
/// what was left out and why.
public struct SelectionSpecification: Sendable, Hashable {
  /// What a feature is ranked by, alone.
  public enum Screen: String, Sendable, Hashable, CaseIterable {
    /// Area under the ROC curve of its bins, whichever way it points; categories in the order of risk.
    case auroc
    /// Likelihood-ratio statistic of outcome and bins, missing values a bin of their own.
    case likelihoodRatio = "likelihood_ratio"
  }

  /// A feature is left out when a smaller share of its recorded values differs from the most frequent bin;
  /// 0 for no such rule.
  public var nearConstant: Double
  /// A feature is left out when more than this share of training patients lacks it; 1 for no such rule.
  public var missing: Double
  /// The later of two numbers or flags is left out when their correlation is at least this, in magnitude;
  /// nil for no such rule.
  public var duplicates: Double?
  public var screen: Screen?
  /// How many of the best are kept; nil for all.
  public var keep: Int?
  /// Smallest AUROC that is kept, 0.5 … 1; nil for any.
  public var atLeast: Double?
  /// Largest p-value of the likelihood ratio that is kept; nil for any.
  public var pValue: Double?
  /// A number or flag is left out when a smaller share of the sites that can tell finds it pointing the way
  /// that most do; nil for no such rule. A site can tell where its AUROC differs from ½ by more than chance
  /// (``LocalAnswers/directions(_:)``), so that of few sites a vote against is no accident; where no site can,
  /// the feature stays.
  public var stable: Double?
  /// Features that are never left out.
  public var always: [String]

  public init(
    nearConstant: Double = 0.01, missing: Double = 1, duplicates: Double? = 0.999,
    screen: Screen? = nil, keep: Int? = nil, atLeast: Double? = nil, pValue: Double? = nil,
    stable: Double? = nil, always: [String] = []
  ) {
    self.nearConstant = nearConstant
    self.missing = missing
    self.duplicates = duplicates
    self.screen = screen
    self.keep = keep
    self.atLeast = atLeast
    self.pValue = pValue
    self.stable = stable
    self.always = always
  }

  func write(to writer: inout ByteWriter) {
    writer.double(nearConstant)
    writer.double(missing)
    writer.optional(duplicates) { $0.double($1) }
    writer.optional(screen?.rawValue) { $0.string($1) }
    writer.optional(keep) { $0.integer(UInt32($1)) }
    writer.optional(atLeast) { $0.double($1) }
    writer.optional(pValue) { $0.double($1) }
    writer.optional(stable) { $0.double($1) }
    writer.array(always) { $0.string($1) }
  }

  /// The `selection` section of a study file; nil without one.
  init?(yaml node: YAMLNode?, features: [FeatureSpecification]) throws(YAMLProblem) {
    guard let node else { return nil }
    let map = try node.mapping(keys: [
      "near_constant", "missing", "duplicates", "screen", "keep", "at_least", "p_value", "stable",
      "always",
    ])
    self.init()
    nearConstant = try map.double("near_constant", in: 0...0.5, default: nearConstant)
    missing = try map.double("missing", in: 0...1, default: missing)
    let correlation = try map.double("duplicates", in: 0...1, default: 0.999)
    duplicates = correlation == 0 ? nil : correlation
    if map.optional("screen") != nil { screen = try map.choice("screen", default: .auroc) }
    if map.optional("keep") != nil { keep = try map.integer("keep", in: 1...4096, default: 1) }
    atLeast = try map.optionalDouble("at_least", in: 0.5...1)
    pValue = try map.optionalDouble("p_value", in: 0...1)
    stable = try map.optionalDouble("stable", in: 0.5...1)
    always = try map.strings("always")
    for name in always where !features.contains(where: { $0.name == name }) {
      let near = Suggestion.nearest(to: name, among: features.map(\.name))
      throw map.problem(
        .unknownWord, at: "always", "the study has no feature `\(name)`",
        advice: near.map { "did you mean `\($0)`?" } ?? "name features of the study")
    }
    func refuse(_ key: String, unless isUsed: Bool, _ needed: String) throws(YAMLProblem) {
      guard map.optional(key) != nil, !isUsed else { return }
      throw map.problem(
        .inconsistent, at: key, "`\(key)` needs `\(needed)`", advice: "add it, or remove `\(key)`")
    }
    try refuse("keep", unless: screen != nil, "screen")
    try refuse("at_least", unless: screen == .auroc, "screen: auroc")
    try refuse("p_value", unless: screen == .likelihoodRatio, "screen: likelihood_ratio")
    guard screen == nil || keep != nil || atLeast != nil || pValue != nil else {
      throw map.problem(
        .inconsistent, at: "screen", "the screen leaves nothing out",
        advice: "add `keep: 20`, or `at_least: 0.55` or `p_value: 0.05`")
    }
  }
}

extension StudyPlan {
  /// Throws `invalidPlan` where features cannot be selected.
  func checkSelection() throws(StudyError) {
    guard selection != nil else { return }
    guard privacy.goal == nil else {
      throw StudyError(
        .invalidPlan,
        "a selection takes exact sums, and under `epsilon` every sum costs; choose the features and remove"
          + " `selection`")
    }
  }
}
