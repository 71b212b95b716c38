import CanonicalBytes
import Cohort
import StrictYAML

/// How missing numbers are filled for the models that need every value: linear models. Trees send a missing
/// value the way they learnt, and categories have a level for it.
public struct ImputationSpecification: Sendable, Hashable {
  /// Where a value comes from.
  public enum Method: String, Sendable, Hashable, CaseIterable {
    /// The median over all sites.
    case median
    /// The nearest patients of the same site; the median in a prediction from the model file.
    case similarCases = "similar_cases"
    /// Equations over the other columns, from sums of products over all sites.
    case chained
  }

  /// Of the numbers that no list names.
  public var method: Method
  /// Of the numbers that are named, by feature.
  public var methods: [String: Method]
  /// Whether a column tells that a value was missing, where enough were.
  public var hasIndicators: Bool
  /// Chained equations: how often all numbers are predicted anew, 1 to 20.
  public var cycles: Int
  /// Chained equations: λ of ½λ‖β‖² on standardised coefficients, above 0.
  public var ridge: Double
  /// Similar cases: donors that a value is made of, 1 to 100.
  public var neighbours: Int
  /// Similar cases: features that a donor and the patient both have, at least.
  public var minimumShared: Int
  /// Similar cases: the most donors that are looked at for a feature, 10 to 100,000.
  public var maximumDonors: Int

  public init(
    method: Method = .median, methods: [String: Method] = [:], hasIndicators: Bool = true,
    cycles: Int = 5, ridge: Double = 1, neighbours: Int = 10, minimumShared: Int = 6,
    maximumDonors: Int = 1000
  ) {
    self.method = method
    self.methods = methods
    self.hasIndicators = hasIndicators
    self.cycles = cycles
    self.ridge = ridge
    self.neighbours = neighbours
    self.minimumShared = minimumShared
    self.maximumDonors = maximumDonors
  }

  /// The method of a feature; the median for what is no number.
  func method(of feature: FeatureSpecification) -> Method {
    feature.isNumber ? methods[feature.name] ?? method : .median
  }

  func write(to writer: inout ByteWriter) {
    writer.string(method.rawValue)
    writer.array(methods.sorted { $0.key < $1.key }) {
      $0.string($1.key)
      $0.string($1.value.rawValue)
    }
    writer.boolean(hasIndicators)
    writer.integer(UInt32(cycles))
    writer.double(ridge)
    writer.integer(UInt32(neighbours))
    writer.integer(UInt32(minimumShared))
    writer.integer(UInt32(maximumDonors))
  }

  /// The `imputation` section of a study file; nil without one.
  init?(yaml node: YAMLNode?, features: [FeatureSpecification]) throws(YAMLProblem) {
    guard let node else { return nil }
    let map = try node.mapping(
      keys: ["method", "indicators"] + Self.chainedKeys + Self.similarKeys
        + Method.allCases.map(\.rawValue))
    self.init()
    method = try map.choice("method", default: method)
    for choice in Method.allCases {
      for name in try map.strings(choice.rawValue) {
        guard let feature = features.first(where: { $0.name == name }) else {
          let near = Suggestion.nearest(to: name, among: features.map(\.name))
          throw map.problem(
            .unknownWord, at: choice.rawValue, "the study has no feature `\(name)`",
            advice: near.map { "did you mean `\($0)`?" } ?? "name features of the study")
        }
        guard feature.isNumber else {
          throw map.problem(
            .outOfRange, at: choice.rawValue, "`\(name)` is not a number",
            advice:
              "categories have a level for missing values, and flags take the more frequent word;"
              + " name numbers only")
        }
        guard methods.updateValue(choice, forKey: name) == nil else {
          throw map.problem(
            .duplicateKey, at: choice.rawValue, "`\(name)` is named twice",
            advice: "give each feature one method")
        }
      }
    }
    hasIndicators = try map.boolean("indicators", default: hasIndicators)
    cycles = try map.integer("cycles", in: 1...20, default: cycles)
    ridge = try map.double("ridge", in: 1e-6...1e6, default: ridge)
    neighbours = try map.integer("neighbours", in: 1...100, default: neighbours)
    minimumShared = try map.integer("minimum_shared", in: 1...1000, default: minimumShared)
    maximumDonors = try map.integer("maximum_donors", in: 10...100_000, default: maximumDonors)
    let used = Set(features.map { method(of: $0) })
    for (keys, choice) in [(Self.chainedKeys, Method.chained), (Self.similarKeys, .similarCases)]
    where !used.contains(choice) {
      for key in keys where map.optional(key) != nil {
        throw map.problem(
          .inconsistent, at: key,
          "`\(key)` has no effect: no number is filled by `\(choice.rawValue)`",
          advice: "remove it, or name numbers under `\(choice.rawValue)`")
      }
    }
  }

  private static let chainedKeys = ["cycles", "ridge"]
  private static let similarKeys = ["neighbours", "minimum_shared", "maximum_donors"]
}

extension StudyPlan {
  /// The numbers that a method fills, as positions in the plan's features.
  public func numbers(imputedBy method: ImputationSpecification.Method) -> [Int] {
    guard let imputation else { return [] }
    return cohort.features.indices.filter { index in
      let feature = cohort.features[index]
      return feature.isNumber && imputation.method(of: feature) == method
    }
  }

  /// Throws `invalidPlan` where a way of filling missing values cannot be had.
  func checkImputation() throws(StudyError) {
    guard imputation != nil else { return }
    guard models.contains(where: { if case .trees = $0.training { false } else { true } }) else {
      throw StudyError(
        .invalidPlan,
        "`imputation` has no effect: every model is made of trees, which send missing values the way"
          + " they learnt")
    }
    guard privacy.goal == nil else {
      throw StudyError(
        .invalidPlan,
        "under `epsilon` missing values are filled with a noisy median; remove `imputation`")
    }
  }
}
