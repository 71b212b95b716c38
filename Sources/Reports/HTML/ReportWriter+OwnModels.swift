import Study
import Validation

/// The federated model beside models of single hospitals.
extension ReportWriter {
  /// One hospital's own model beside the federated one, on the hospital's own holdout.
  struct OwnModelGain {
    var site: String
    var federated: AUROC?
    var own: AUROC?

    /// Federated minus own AUROC.
    var difference: Double? {
      guard let federated, let own else { return nil }
      return federated.value - own.value
    }
  }

  var ownModelGains: [OwnModelGain] {
    sites.map { site in
      OwnModelGain(
        site: site, federated: performance[site]?.discrimination,
        own: result.ownModels[site]?.discrimination)
    }
  }

  mutating func ownModelsSection() -> Markup {
    let body = ownModelTable() + matrixFigure() + leaveOneOutTable()
    return section("own-models", "What working together brings", body)
  }

  private mutating func ownModelTable() -> Markup {
    let rows = ownModelGains.map { gain -> [Markup] in
      let own = result.ownModels[gain.site]
      let federated = performance[gain.site]
      return [
        .cell(gain.site),
        .cell(NumberText.estimate(gain.federated?.value, gain.federated?.logitInterval, 3)),
        .cell(NumberText.estimate(gain.own?.value, gain.own?.logitInterval, 3)),
        .cell(signed(gain.difference, 3)), .cell(NumberText.fixed(federated?.brier?.value, 3)),
        .cell(NumberText.fixed(own?.brier?.value, 3)),
        .cell(NumberText.fixed(federated?.recalibration?.slope?.value, 2)),
        .cell(NumberText.fixed(own?.recalibration?.slope?.value, 2)),
      ]
    }
    return table(
      "The federated model and each hospital’s own",
      reading: """
        Every hospital also trained the same kind of model on its own patients alone. Both are \
        evaluated on the hospital’s own held-out patients. A difference above 0 favours the federated \
        model. The two were evaluated on the same patients, so their intervals may overlap even where \
        the difference is real; an interval of the difference was not computed.
        """, released: .siteMetrics,
      [
        Table(
          columns: [
            .words("Hospital"), .numbers("AUROC, federated"), .numbers("AUROC, own"),
            .numbers("Difference"), .numbers("Brier, federated"), .numbers("Brier, own"),
            .numbers("Slope, federated"), .numbers("Slope, own"),
          ], rows: rows, isDense: true)
      ])
  }

  private mutating func matrixFigure() -> Markup {
    guard let matrix = result.matrix else {
      return .paragraph(
        """
        The model × site matrix is not part of this study: it would show each hospital’s own \
        coefficients to the others, and not every hospital’s policy allows that.
        """)
    }
    let values = matrix.auroc
    let known = values.flatMap { $0.compactMap { $0 } }
    let low = known.min().map { max(0, min(0.9, ($0 * 20).rounded(.down) / 20)) } ?? 0.5
    var framed: Set<HeatMap.Cell> = []
    for (row, model) in matrix.models.enumerated() {
      for (column, site) in matrix.sites.enumerated() where model == "only \(site)" {
        framed.insert(.init(row: row, column: column))
      }
    }
    let map = HeatMap(
      id: nextFigureID, title: "AUROC of every model at every hospital",
      summaryText: zip(matrix.models, values).map { model, row in
        "\(model): "
          + zip(matrix.sites, row).map { "\($0) \(NumberText.fixed($1, 2))" }
          .joined(separator: ", ")
      }.joined(separator: "; "), rows: matrix.models, columns: matrix.sites, values: values,
      framed: framed, ramp: .cividis, range: low...max(known.max() ?? 1, low + 0.05),
      rowHeading: "Trained on", columnHeading: "Evaluated at", legend: "AUROC",
      format: { NumberText.fixed($0, 2) })
    return figure(
      "Every model at every hospital",
      reading: """
        Rows: the federated model first, then the model of each hospital alone. Columns: the hospital \
        on whose held-out patients it was evaluated. Framed: a hospital’s own model at home. A row that \
        is dark away from home is a model that does not travel.
        """, released: .ownModels, map.markup)
  }

  private mutating func leaveOneOutTable() -> Markup {
    guard let left = result.leaveOneSiteOut else {
      return .paragraph(
        """
        Models without one hospital are not part of this study: beside the model of all hospitals \
        they would open that hospital’s own sums, and not every hospital’s policy allows that.
        """)
    }
    let rows = sites.map { site -> [Markup] in
      let part = left[site]
      let all = performance[site]?.discrimination?.value
      let change = part?.discrimination.flatMap { value in all.map { value.value - $0 } }
      return [
        .cell(site, below: part == nil ? "no model without it" : ""),
        .cell(
          NumberText.estimate(part?.discrimination?.value, part?.discrimination?.logitInterval, 3)),
        .cell(signed(change, 3)), .cell(NumberText.fixed(part?.brier?.value, 3)),
        .cell(
          NumberText.estimate(
            part?.recalibration?.slope?.value, part?.recalibration?.slope?.interval, 2)),
        .cell(
          NumberText.estimate(
            part?.observedExpected?.ratio, part?.observedExpected?.interval, ratioPlaces(part))),
      ]
    }
    return table(
      "Leaving one hospital out",
      reading: """
        The model was trained without the hospital and evaluated on it: what a hospital that did not \
        take part could expect. Change: AUROC minus that of the model trained with the hospital.
        """, released: .leaveOneOut,
      [
        Table(
          columns: [
            .words("Hospital left out"), .numbers("AUROC (95 % interval)"), .numbers("Change"),
            .numbers("Brier"), .numbers("Slope (95 % interval)"), .numbers("O:E (95 % interval)"),
          ], rows: rows)
      ])
  }
}
