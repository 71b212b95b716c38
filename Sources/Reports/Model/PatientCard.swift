import BoostedTrees
import Cohort
import PortableNumerics
import Study

/// Why a model gives one patient a risk, or predicts a value, in clinical units. It is about one patient: it is shown where
/// the patient's data are and goes nowhere else.
public struct PatientCard: Sendable, Equatable {
  /// One feature's part.
  public struct Line: Sendable, Equatable {
    /// The feature, or a pair of features.
    public var feature: String
    /// The patient's value with its unit; "missing" where there is none.
    public var value: String
    /// What it adds, on the card's scale.
    public var contribution: Double
  }

  /// A value that the model predicts.
  public struct Value: Sendable, Equatable {
    /// The class; nil for a number or a mean count.
    public var name: String?
    /// The number within the study's range, the mean count, or the class's probability.
    public var value: Double
  }

  /// What the contributions add up to.
  public let scale: ContributionScale
  /// Where the contributions start from: the model's mean.
  public let base: Double
  /// Largest contributions first.
  public let lines: [Line]
  /// base + Σ contributions.
  public let score: Double
  /// The model's risk of the event. With log-odds or probabilities it is that of base + Σ contributions.
  public let risk: Double
  /// What is predicted besides the risk: one number or count, or one probability for each class; empty for a
  /// model of the event alone.
  public let values: [Value]
  /// What the risk is of, in words, and from where on patients count as flagged.
  public let outcome: String
  public let threshold: Double

  /// The card of one row of a table that was read with the model's features.
  ///
  /// Contributions of trees are exact Shapley values, against the background patients of the file where it
  /// has them and path-dependent otherwise, those of an explainable
  /// boosting machine its own terms, those of a logistic model β·z summed over the feature's columns.
  ///
  /// - Throws: `tableMismatch` when the row is not in the table or the features are others.
  public init(_ file: AnyModelFile, table: CohortTable, row: Int) throws(ReportsError) {
    guard table.outcome.indices.contains(row) else {
      throw ReportsError(.tableMismatch, "the table has no such row")
    }
    let parts: Parts
    do {
      switch file {
      case .linear(let linear): parts = try Self.parts(linear, table, row)
      case .trees(let trees): parts = try Self.parts(trees.content, table, row)
      }
    } catch {
      throw ReportsError(.tableMismatch, "the table’s features are not those of the model")
    }
    scale = parts.scale
    base = parts.base
    values = parts.values
    var lines: [Line] = []
    for (index, contribution) in parts.features.enumerated() {
      lines.append(
        Line(
          feature: table.features[index].name, value: Self.value(table, index, row),
          contribution: contribution))
    }
    for (pair, contribution) in parts.pairs {
      let features = [pair.first, pair.second]
      lines.append(
        Line(
          feature: features.map { table.features[$0].name }.joined(separator: " × "),
          value: features.map { Self.value(table, $0, row) }.joined(separator: " × "),
          contribution: contribution))
    }
    self.lines = lines.sorted { $0.contribution.magnitude > $1.contribution.magnitude }
    var score = parts.base
    for line in self.lines { score += line.contribution }
    self.score = score
    switch parts.scale {
    case .logOdds: risk = Portable.sigmoid(score)
    case .probability: risk = min(max(score, 0), 1)
    case .number, .logCount, .classScore: risk = parts.risk
    }
    outcome = file.outcome
    threshold = file.threshold
  }

  private struct Parts {
    var scale = ContributionScale.logOdds
    var base: Double
    var features: [Double]
    /// Of the event, where it does not follow from the contributions alone.
    var risk = 0.0
    var values: [Value] = []
    var pairs: [(pair: AdditiveModel.Pair, value: Double)] = []
  }

  private static func parts(
    _ model: TreeModel, _ table: CohortTable, _ row: Int
  ) throws -> Parts {
    let binned = try model.columns.table(of: table, rows: [row])
    let bins = model.columns.bins.indices.map { binned.bin(row: 0, feature: $0) }
    let explainer = try TreeExplainer(model)
    let terms = try explainer.contributions(ofBins: bins)
    var parts = Parts(base: explainer.base, features: Array(terms.prefix(bins.count)))
    parts.scale = ContributionScale(model)
    if case .additive(let additive) = model.content {
      parts.pairs = Array(zip(additive.pairs, terms.dropFirst(bins.count)))
    }
    if let target = model.target {
      parts.risk = try model.predict(table, rows: [row]).first ?? 0
      let predicted = try model.values(of: table, rows: [row])?.first ?? []
      if case .classes(let words) = target.values {
        parts.values = zip(words, predicted).map { Value(name: $0, value: $1) }
      } else {
        parts.values = predicted.map { Value(name: nil, value: $0) }
      }
    }
    return parts
  }

  private static func parts(
    _ file: ModelFile, _ table: CohortTable, _ row: Int
  ) throws -> Parts {
    let design = try file.transform.apply(to: try table.selecting([row]))
    var features = file.features.map { _ in 0.0 }
    for (column, described) in file.transform.designColumns.enumerated() {
      guard let index = file.features.firstIndex(where: { $0.name == described.feature }) else {
        continue
      }
      features[index] += file.coefficients[column + 1] * design.values[column]
    }
    return Parts(base: file.coefficients[0], features: features)
  }

  private static func value(_ table: CohortTable, _ feature: Int, _ row: Int) -> String {
    guard !table.columns[feature].isMissing(row) else { return "missing" }
    switch table.columns[feature] {
    case .number(let values):
      let unit = table.features[feature].unit.map { " \($0)" } ?? ""
      return NumberText.significant(values[row], 6) + unit
    case .flag(let values): return values[row] == 1 ? "yes" : "no"
    case .category(let codes, let levels):
      let code = Int(codes[row])
      return levels.indices.contains(code) ? levels[code] : "another word"
    }
  }

  // MARK: Words

  /// What is predicted besides the risk; nil for a model of the event alone.
  private var predicted: String? {
    guard let first = values.first else { return nil }
    guard first.name != nil else {
      let value = NumberText.significant(first.value, 4)
      guard case .number(let unit) = scale else { return "Predicted mean count: \(value)" }
      let isCut = (first.value - score).magnitude > 1e-9
      return "Predicted number: \(value)" + Self.suffix(unit)
        + (isCut ? ", the nearer end of the outcome’s range" : "")
    }
    let likeliest = values.sorted { $0.value > $1.value }
    let shown = likeliest.prefix(6).map {
      "\(TextSummary.plain($0.name ?? "")) \(NumberText.percent($0.value, 1))"
    }
    let rest = likeliest.dropFirst(6).reduce(0) { $0 + $1.value }
    let others =
      likeliest.count > 6
      ? ", \(likeliest.count - 6) others together \(NumberText.percent(rest, 1))" : ""
    return "Predicted classes: \(shown.joined(separator: ", "))\(others)"
  }

  /// Where the contributions start from.
  private var start: String {
    switch scale {
    case .logOdds: NumberText.percent(Portable.sigmoid(base), 1)
    case .probability: NumberText.percent(base, 1)
    case .number(let unit?): NumberText.significant(base, 4) + Self.suffix(unit)
    case .number(nil): "\(NumberText.significant(base, 4)), in the outcome’s unit"
    case .logCount: "a count of \(NumberText.significant(Portable.exp(base), 4))"
    case .classScore:
      "a score of \(NumberText.fixed(base, 3)) of the event’s classes against the others"
    }
  }

  /// A contribution with its unit.
  private func words(_ contribution: Double) -> String {
    let size = Self.signed(contribution)
    func factor() -> String { NumberText.fixed(Portable.exp(contribution), 2) }
    return switch scale {
    case .logOdds: "log-odds \(size), odds × \(factor())"
    case .probability: "probability \(size)"
    case .number(let unit): "predicted number \(size)" + Self.suffix(unit)
    case .logCount: "log of the count \(size), count × \(factor())"
    case .classScore: "score \(size)"
    }
  }

  /// A blank and the unit; nothing without one.
  private static func suffix(_ unit: String?) -> String {
    unit.map { " \(TextSummary.plain($0))" } ?? ""
  }

  private static func signed(_ value: Double) -> String {
    (value >= 0 ? "+" : "−") + NumberText.fixed(value.magnitude, 3)
  }

  /// The card as lines for a terminal.
  ///
  /// - Parameter limit: features shown; the others are one line.
  public func text(limit: Int = 12) -> [String] {
    let flagged = risk >= threshold ? "flagged" : "not flagged"
    var result = [
      "Risk of \(outcome): \(NumberText.percent(risk, 1)) (\(flagged) from"
        + " \(NumberText.percent(threshold, 1)) on)"
    ]
    if let predicted { result.append(predicted) }
    result.append("The model starts from \(start); what moves it, most first:")
    let shown = lines.prefix(limit)
    let names = shown.map { "\($0.feature): \($0.value)" }
    let width = names.map(\.count).max() ?? 0
    for (name, line) in zip(names, shown) {
      let padding = String(repeating: " ", count: width - name.count)
      result.append("  \(TextSummary.plain(name))\(padding)  \(words(line.contribution))")
    }
    if lines.count > limit {
      var rest = 0.0
      for line in lines.dropFirst(limit) { rest += line.contribution }
      result.append("  \(lines.count - limit) others together  \(Self.signed(rest))")
    }
    result.append("Contributions describe the model, not causes. This card stays at this hospital.")
    return result
  }
}
