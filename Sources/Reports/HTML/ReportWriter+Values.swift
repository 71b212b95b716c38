import Study
import Validation

/// How well the models predict the outcome's values, where it is more than a yes or no.
extension ReportWriter {
  /// What the hospitals said of a model's predicted values, and all of them together.
  struct ValueResults {
    /// By hospital in roster order; nil where it released none.
    var sites: [(site: String, values: ValuePerformance?)]
    var pooled: ValuePerformance
    /// Unit of a number; nil where the study names none.
    var unit: String?
    /// How many hospitals released theirs.
    var releasedCount: Int { sites.count { $0.values != nil } }
  }

  /// Nil where no hospital released values of the model.
  func values(_ model: String) -> ValueResults? {
    let at = result.performance.first { $0.model == model }?.sites ?? [:]
    let parts = sites.map { (site: $0, values: at[$0]?.values) }
    guard let pooled = ValuePerformance.pooled(parts.compactMap(\.values)) else { return nil }
    return ValueResults(
      sites: parts, pooled: pooled,
      unit: result.models.first { $0.name == model }?.trees?.model.target?.unit)
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
    let rows = values.sites.map { site, part -> [Markup] in
      let why = part == nil ? reason(site) ?? "held back" : ""
      return [.cell(site, below: why)] + values.cells(part).map { Markup.cell($0) }
    }
    let total = values.cells(values.pooled).map { Markup.cell($0) }
    return rows + [[.cell("All that released theirs")] + total]
  }

  private func summaryTable(_ values: ValueResults) -> Table {
    Table(
      columns: [.words("Hospital")] + values.headings.map { .numbers($0) },
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
        \(what); RMSE: root of the mean squared difference, in which large ones weigh more; both in \
        \(values.unit ?? "the outcome’s unit"). R²: 1 is perfect, 0 no better than to tell everybody the hospital’s own mean, below \
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
      let pairs = zip(values.headings, values.cells(values.pooled)).dropFirst()
      return pairs.map { "\($0) \($1)" }.joined(separator: ", ")
        + "; over \(NumberText.quantity(values.pooled.rowCount, "held-out patient")) of"
        + " \(NumberText.quantity(values.releasedCount, "hospital"))"
    }
  }
}

/// The measures as text.
extension ReportWriter.ValueResults {
  /// What the cells are.
  var headings: [String] {
    switch pooled {
    case .numbers(let numbers):
      ["n", "Mean recorded", "Mean predicted", "MAE", "RMSE", "R²"]
        + (numbers.isCount ? ["Deviance"] : [])
    case .classes: ["n", "Accuracy", "Log-loss"]
    }
  }

  /// One cell for each heading; dashes for nil.
  func cells(_ values: ValuePerformance?) -> [String] {
    switch values {
    case nil: headings.map { _ in NumberText.absent }
    case .numbers(let numbers):
      [
        NumberText.count(numbers.rowCount), NumberText.fixed(numbers.meanObserved, places),
        NumberText.fixed(numbers.meanPredicted, places),
        NumberText.fixed(numbers.meanAbsoluteError, places),
        NumberText.fixed(numbers.rootMeanSquaredError, places),
        NumberText.fixed(numbers.rSquared, 3),
      ] + (numbers.isCount ? [NumberText.fixed(numbers.meanPoissonDeviance, 3)] : [])
    case .classes(let classes):
      [
        NumberText.count(classes.rowCount), NumberText.percent(classes.accuracy),
        NumberText.fixed(classes.meanLogLoss, 3),
      ]
    }
  }

  /// Decimals of numbers and their errors: three digits of the error over all hospitals, 0 … 9.
  private var places: Int {
    guard case .numbers(let numbers) = pooled else { return 0 }
    var places = 2
    var error = numbers.rootMeanSquaredError
    while error >= 10, places > 0 {
      error /= 10
      places -= 1
    }
    while error > 0, error < 1, places < 9 {
      error *= 10
      places += 1
    }
    return places
  }
}
