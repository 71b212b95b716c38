import Study
import Validation

/// How well the models predict the outcome's values, where it is more than a yes or no.
extension ReportWriter {
  /// What the hospitals said of a model's predicted values, and all of them together.
  struct ValueResults {
    /// By hospital in roster order; nil where it released none.
    var sites: [(site: String, values: ValuePerformance?)]
    var pooled: ValuePerformance
    /// How many hospitals released theirs.
    var releasedCount: Int { sites.count { $0.values != nil } }
  }

  /// Nil where no hospital released values of the model.
  func values(_ model: String) -> ValueResults? {
    let at = result.performance.first { $0.model == model }?.sites ?? [:]
    let parts = sites.map { (site: $0, values: at[$0]?.values) }
    guard let pooled = ValuePerformance.pooled(parts.compactMap(\.values)) else { return nil }
    return ValueResults(sites: parts, pooled: pooled)
  }

  /// The table of a model's predicted values; empty where no hospital released any.
  mutating func valuesTable(_ model: String) -> Markup {
    guard let values = values(model) else { return .empty }
    switch values.pooled {
    case .numbers(let pooled): return numbersTable(model, values, isCount: pooled.isCount)
    case .classes(let pooled): return classesTable(model, values, names: pooled.names)
    }
  }

  /// A row for each hospital and one for all.
  private func valueRows(_ values: ValueResults) -> [[Markup]] {
    let headings = ValueText.headings(values.pooled).count
    let rows = values.sites.map { site, part -> [Markup] in
      let cells =
        part.map { ValueText.cells($0) } ?? Array(repeating: NumberText.absent, count: headings)
      let why = part == nil ? reason(site) ?? "held back" : ""
      return [.cell(site, below: why)] + cells.map { Markup.cell($0) }
    }
    let total = ValueText.cells(values.pooled).map { Markup.cell($0) }
    return rows + [[.cell("All that released theirs")] + total]
  }

  private func summaryTable(_ values: ValueResults) -> Table {
    Table(
      columns: [.words("Hospital")] + ValueText.headings(values.pooled).map { .numbers($0) },
      rows: valueRows(values), emphasised: [values.sites.count], isDense: true)
  }

  private mutating func numbersTable(
    _ model: String, _ values: ValueResults, isCount: Bool
  ) -> Markup {
    let what = isCount ? "counts" : "numbers"
    let deviance =
      isCount ? "Deviance: mean Poisson deviance of the recorded counts, lower is better." : ""
    return table(
      "Predicted \(what) against recorded ones, by hospital: \(model)",
      reading: """
        On each hospital’s own held-out patients. MAE: mean absolute difference of predicted and recorded \
        \(what); RMSE: root of the mean squared difference, in which large ones weigh more; both in the \
        outcome’s unit. R²: 1 is perfect, 0 no better than to tell everybody the hospital’s own mean, below \
        0 worse than that. \(deviance) The last row is over all their patients together.
        """, released: .siteMetrics, [summaryTable(values)])
  }

  private mutating func classesTable(
    _ model: String, _ values: ValueResults, names: [String]
  ) -> Markup {
    func performance(_ values: ValuePerformance?) -> ClassPerformance? {
      guard case .classes(let performance) = values else { return nil }
      return performance
    }
    let columns = values.sites.map { performance($0.values) } + [performance(values.pooled)]
    let rows = names.indices.map { index -> [Markup] in
      [.cell(names[index])]
        + columns.map { part -> Markup in
          guard let one = part?.classes[index] else { return .cell(NumberText.absent) }
          return .cell(
            NumberText.fixed(one.discrimination?.value, 3),
            below: one.rowCount.map { "n \(NumberText.count($0))" } ?? "held back")
        }
    }
    let byClass = Table(
      columns: [.words("Class: AUROC against all others")]
        + values.sites.map { .numbers($0.site) } + [.numbers("All")], rows: rows, isDense: true)
    return table(
      "Predicted classes against recorded ones, by hospital: \(model)",
      reading: """
        On each hospital’s own held-out patients. Accuracy: how often the likeliest class was the recorded \
        one. Log-loss: mean of −log of the recorded class’s probability, lower is better. Below, for each \
        class, how well its probability ranks patients recorded with it above all others, and how many they \
        are; held back where a class, or what is left without it, has fewer than \(minimumCell) patients, and \
        for as many more classes that no total gives it away. Of all hospitals: the mean of their AUROCs, by \
        patients.
        """, released: .siteMetrics, [summaryTable(values), byClass])
  }

  /// One sentence on a model's predicted values; nil where no hospital released any.
  func valuesInWords(_ model: String) -> String? {
    values(model).map { values in
      let pairs = zip(ValueText.headings(values.pooled), ValueText.cells(values.pooled)).dropFirst()
      return pairs.map { "\($0) \($1)" }.joined(separator: ", ")
        + "; over \(NumberText.quantity(values.pooled.rowCount, "held-out patient")) of"
        + " \(NumberText.quantity(values.releasedCount, "hospital"))"
    }
  }
}

/// The measures of predicted values as text.
enum ValueText {
  /// What the cells are.
  static func headings(_ values: ValuePerformance) -> [String] {
    switch values {
    case .numbers(let numbers):
      ["n", "Mean recorded", "Mean predicted", "MAE", "RMSE", "R²"]
        + (numbers.isCount ? ["Deviance"] : [])
    case .classes: ["n", "Accuracy", "Log-loss"]
    }
  }

  /// One cell for each heading.
  static func cells(_ values: ValuePerformance) -> [String] {
    switch values {
    case .numbers(let numbers):
      [
        NumberText.count(numbers.rowCount), NumberText.significant(numbers.meanObserved, 4),
        NumberText.significant(numbers.meanPredicted, 4),
        NumberText.significant(numbers.meanAbsoluteError, 3),
        NumberText.significant(numbers.rootMeanSquaredError, 3),
        NumberText.fixed(numbers.rSquared, 3),
      ] + (numbers.isCount ? [NumberText.fixed(numbers.meanPoissonDeviance, 3)] : [])
    case .classes(let classes):
      [
        NumberText.count(classes.rowCount), NumberText.percent(classes.accuracy),
        NumberText.fixed(classes.meanLogLoss, 3),
      ]
    }
  }
}
