import Cohort
import PortableNumerics
import Study
import Validation

/// What the primary model has learnt, as odds ratios.
extension ReportWriter {
  /// One column of the design with its coefficient.
  struct Effect {
    var column: DesignColumn
    var coefficient: Double
    var standardError: Double?

    /// Odds ratio for `units` clinical units of a number, or for the whole comparison of another
    /// column, with its 95 % interval.
    func oddsRatio(units: Double) -> (value: Double, interval: Interval?) {
      let factor: Double
      if case .scaled(_, _, let scale) = column.role { factor = units / scale } else { factor = 1 }
      let interval = standardError.flatMap { error -> Interval? in
        let reach = NormalDistribution.quantile(0.975) * error
        let low = Portable.exp((coefficient - reach) * factor)
        return Interval(lower: low, upper: Portable.exp((coefficient + reach) * factor))
      }
      return (Portable.exp(coefficient * factor), interval)
    }

    /// A round number of clinical units below the standard deviation: 1, 5, 10, 50, ….
    var roundUnits: Double {
      guard case .scaled(_, _, let scale) = column.role, scale > 0 else { return 1 }
      let step = Scale.step(scale, count: 1)
      return step > scale ? Scale.step(scale / 2, count: 1) : step
    }

    /// "per 10 mmHg", "yes against no".
    var clinicalComparison: String {
      guard case .scaled(let unit, _, _) = column.role else { return column.comparison }
      return "per \(NumberText.significant(roundUnits))" + (unit.map { " \($0)" } ?? "")
    }
  }

  var effects: [Effect] {
    guard let primary, primary.coefficients.count == result.transform.columnCount + 1 else {
      return []
    }
    return result.transform.designColumns.enumerated().map { index, column in
      let errors = primary.standardErrors
      return Effect(
        column: column, coefficient: primary.coefficients[index + 1],
        standardError: errors.flatMap { $0.indices.contains(index + 1) ? $0[index + 1] : nil })
    }
  }

  mutating func coefficientsSection() -> Markup {
    guard result.models.contains(where: { !$0.coefficients.isEmpty }) else { return .empty }
    let body = oddsFigure() + coefficientTable() + otherModelsTable()
    return section("coefficients", "What the model looks at", body)
  }

  private mutating func oddsFigure() -> Markup {
    let strongest = effects.sorted {
      $0.coefficient.magnitude > $1.coefficient.magnitude
    }.prefix(24)
    guard !strongest.isEmpty else { return .empty }
    let rows = strongest.map { effect -> ForestPlot.Row in
      var units = 1.0
      if case .scaled(_, _, let scale) = effect.column.role { units = scale }
      let ratio = effect.oddsRatio(units: units)
      return ForestPlot.Row(
        label: effect.column.name, detail: "", value: ratio.value, interval: ratio.interval,
        weight: nil, reason: nil)
    }
    let plot = ForestPlot(
      id: nextFigureID, title: "Odds ratios of the primary model",
      summaryText: rows.map {
        "\($0.label) \(NumberText.estimate($0.value, $0.interval, 2))"
      }.joined(separator: "; "), rows: Array(rows), summary: nil,
      axis: "odds ratio per standard deviation, or yes against no", detailHeading: "",
      valueHeading: "Odds ratio (95 %)", places: 2, isLogarithmic: true, reference: 1,
      limits: 0.05...20, labelHeading: "Column", labelWidth: 262)
    return figure(
      "The strongest odds ratios of the primary model",
      reading: """
        Right of 1 the odds of \(result.study.outcome) rise, left of 1 they fall; numbers per standard \
        deviation, so that lengths can be compared. At most 24 columns, the strongest first. These \
        are associations given all other columns, not effects of treatment.
        """, released: .secureSum(.fit), plot.markup)
  }

  private mutating func coefficientTable() -> Markup {
    var rows: [[Markup]] = []
    if let intercept = primary?.coefficients.first {
      let error = primary?.standardErrors?.first
      let absent = Markup.cell(NumberText.absent)
      rows.append([
        .cell("(intercept)"), .cell("all columns 0"), absent, absent,
        .cell(NumberText.fixed(intercept, 4)), .cell(NumberText.fixed(error, 4)),
      ])
    }
    rows += effects.map { effect -> [Markup] in
      let ratio = effect.oddsRatio(units: effect.roundUnits)
      var perDeviation = NumberText.absent
      var deviation = ""
      if case .scaled = effect.column.role {
        let units = effect.column.comparison
        perDeviation = NumberText.fixed(Portable.exp(effect.coefficient), 3)
        deviation = units
      }
      return [
        .cell(effect.column.name), .cell(effect.clinicalComparison),
        .cell(
          NumberText.fixed(ratio.value, 3),
          below: ratio.interval.map { NumberText.interval($0, 3) } ?? ""),
        .cell(perDeviation, below: deviation), .cell(NumberText.fixed(effect.coefficient, 4)),
        .cell(NumberText.fixed(effect.standardError, 4)),
      ]
    }
    return table(
      "Coefficients of the primary model",
      reading: """
        The odds ratio compares two patients who differ in this column only, by the clinical units \
        named. β is the coefficient on the standardised scale, with which the model computes. The \
        intervals are approximate: the ridge penalty draws coefficients towards 0 and is not counted \
        as uncertainty.
        """, released: .secureSum(.fit),
      [
        Table(
          columns: [
            .words("Column"), .words("Compared"), .numbers("Odds ratio (95 %)"),
            .numbers("Per SD"), .numbers("β"), .numbers("Standard error"),
          ], rows: rows)
      ])
  }

  private mutating func otherModelsTable() -> Markup {
    let names = ["(intercept)"] + result.transform.designColumnNames
    let models = result.models.filter { $0.coefficients.count == names.count }
    guard models.count > 1 || (models.count == 1 && effects.isEmpty) else { return .empty }
    let rows = names.enumerated().map { index, name -> [Markup] in
      [.cell(name)] + models.map { .cell(NumberText.fixed($0.coefficients[index], 3)) }
    }
    return table(
      "Coefficients of all models of the study",
      reading: """
        On the standardised scale, where they can be compared. Federated averaging that has not been \
        run to its end, or that clips updates, stays nearer to 0.
        """, released: .secureSum(.fit),
      [
        Table(
          columns: [.words("Column")] + models.map { .numbers($0.name) }, rows: rows,
          isDense: true)
      ])
  }
}
