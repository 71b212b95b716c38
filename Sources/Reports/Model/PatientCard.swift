import BoostedTrees
import Cohort
import PortableNumerics
import Study

/// Why a model gives one patient a risk, in clinical units. It is about one patient: it is shown where
/// the patient's data are and goes nowhere else.
public struct PatientCard: Sendable, Equatable {
  /// One feature's part.
  public struct Line: Sendable, Equatable {
    /// The feature, or a pair of features.
    public var feature: String
    /// The patient's value with its unit; "missing" where there is none.
    public var value: String
    /// What it adds: log-odds, or probability for a forest.
    public var contribution: Double
  }

  /// Whether contributions are probabilities and not log-odds.
  public let isProbability: Bool
  /// Where the contributions start from: the model's mean, log-odds or probability.
  public let base: Double
  /// Largest contributions first.
  public let lines: [Line]
  /// base + Σ contributions as a probability.
  public let risk: Double
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
    isProbability = parts.isProbability
    base = parts.base
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
    var margin = parts.base
    for line in lines { margin += line.contribution }
    risk = parts.isProbability ? min(max(margin, 0), 1) : Portable.sigmoid(margin)
    outcome = file.outcome
    threshold = file.threshold
  }

  private struct Parts {
    var isProbability = false
    var base: Double
    var features: [Double]
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
    switch model.content {
    case .ensemble(let ensemble):
      if case .squaredError = ensemble.objective { parts.isProbability = true }
    case .additive(let additive):
      parts.pairs = Array(zip(additive.pairs, terms.dropFirst(bins.count)))
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

  /// The card as lines for a terminal.
  ///
  /// - Parameter limit: features shown; the others are one line.
  public func text(limit: Int = 12) -> [String] {
    let flagged = risk >= threshold ? "flagged" : "not flagged"
    let start = isProbability ? base : Portable.sigmoid(base)
    var result = [
      "Risk of \(outcome): \(NumberText.percent(risk, 1)) (\(flagged) from"
        + " \(NumberText.percent(threshold, 1)) on)",
      "The model starts from \(NumberText.percent(start, 1)); what moves it, most first:",
    ]
    let shown = lines.prefix(limit)
    let names = shown.map { "\($0.feature): \($0.value)" }
    let width = names.map(\.count).max() ?? 0
    for (name, line) in zip(names, shown) {
      let padding = String(repeating: " ", count: width - name.count)
      let sign = line.contribution >= 0 ? "+" : "−"
      let size = NumberText.fixed(line.contribution.magnitude, 3)
      let words =
        isProbability
        ? "probability \(sign)\(size)"
        : "log-odds \(sign)\(size), odds × \(NumberText.fixed(Portable.exp(line.contribution), 2))"
      result.append("  \(TextSummary.plain(name))\(padding)  \(words)")
    }
    if lines.count > limit {
      var rest = 0.0
      for line in lines.dropFirst(limit) { rest += line.contribution }
      let sign = rest >= 0 ? "+" : "−"
      result.append(
        "  \(lines.count - limit) others together  \(sign)\(NumberText.fixed(rest.magnitude, 3))")
    }
    result.append("Contributions describe the model, not causes. This card stays at this hospital.")
    return result
  }
}
