import Cohort

/// What the table of a recipe looks like, known before any record is read: its columns, and the steps
/// of its flow.
extension RecordsRecipe {
  /// Names of the table's columns, from left to right.
  public var columnNames: [String] {
    var names = ["subject", "index_time"] + features.map(\.name) + derived.map(\.name)
    if let outcome { names += Self.reservedColumns(outcome).dropFirst(2) }
    return names
  }

  /// The steps of the flow, in words and in order; the first counts subjects, the others rows.
  public var flowSteps: [String] {
    var steps = ["subjects in the records", "index events"]
    steps += criteria.map { ($0.excludes ? "without: " : "with: ") + $0.reason }
    if let outcome {
      if outcome.requiresAtRisk { steps.append("outcome not before the prediction") }
      steps.append("outcome known")
    }
    return steps
  }

  /// The features that a study takes when it names none: all of the table's but labels.
  public var modelFeatures: [FeatureSpecification] {
    let names = features.filter { !$0.isLabel }.map(\.name) + derived.map(\.name)
    return names.compactMap { specification(of: $0) }
  }

  /// What a column of the table is to a study: a flag for `present`, a category for words, else a
  /// number in the variable's unit. Functions that cannot leave the variable's hard range keep it;
  /// the resolution is five digits of that range. Nil when the recipe has no such feature.
  public func specification(of name: String) -> FeatureSpecification? {
    if derived.contains(where: { $0.name == name }) {
      return FeatureSpecification(
        name, kind: .number(unit: nil, hardRange: nil, resolution: 0.001))
    }
    guard let feature = features.first(where: { $0.name == name }) else { return nil }
    let measure = feature.measure
    guard let variable = variables.first(where: { $0.name == measure.variable }) else { return nil }
    var hard: ClosedRange<Double>?
    if case .number(_, let range, _) = variable.kind { hard = range }
    if measure.function == .present { return FeatureSpecification(name, kind: .flag) }
    if variable.kind == .category, measure.function == .first || measure.function == .last {
      return FeatureSpecification(name, kind: .category(levels: nil))
    }
    let resolution = Self.resolution(hard)
    let range: ClosedRange<Double>?
    let step: Double
    switch measure.function {
    case .minimum, .maximum, .mean, .first, .last: (range, step) = (hard, resolution)
    case .variability, .range:
      (range, step) = (hard.map { 0...($0.upperBound - $0.lowerBound) }, resolution)
    case .change:
      let width = hard.map { $0.upperBound - $0.lowerBound }
      (range, step) = (width.map { -$0...$0 }, resolution)
    case .sum: (range, step) = (nil, resolution)
    case .slope: (range, step) = (nil, max(resolution / 10, 1e-5))
    case .count, .present: (range, step) = (nil, 1)
    case .hoursSince, .yearsSince: (range, step) = (nil, 0.01)
    }
    return FeatureSpecification(
      name, kind: .number(unit: unit(of: measure), hardRange: range, resolution: step))
  }

  /// The unit of a measure's values; nil for counts, slopes and words.
  func unit(of measure: Measure) -> String? {
    switch measure.function {
    case .hoursSince: return "h"
    case .yearsSince: return "a"
    case .minimum, .maximum, .mean, .first, .last, .sum, .variability, .range, .change:
      guard
        case .number(let unit, _, _)? = variables.first(where: { $0.name == measure.variable })?
          .kind
      else { return nil }
      return unit
    case .count, .present, .slope: return nil
    }
  }

  /// A power of ten between 10⁻⁶ and 10⁶ that divides a range into 10⁴ to 10⁵ steps; 0.001 without a
  /// range. Powers of ten are exact, and so is the nearest double to one over them: the same bits
  /// everywhere.
  private static func resolution(_ range: ClosedRange<Double>?) -> Double {
    guard let range else { return 0.001 }
    let width = range.upperBound - range.lowerBound
    var power = 1.0
    if width > 1e5 {
      while width / power > 1e5, power < 1e6 { power *= 10 }
      return power
    }
    while width * power < 1e4, power < 1e6 { power *= 10 }
    return 1 / power
  }
}
