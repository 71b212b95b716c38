import BoostedTrees
import Study

/// What the models of trees look at: importance, contribution by value, shapes, and what they cost.
extension ReportWriter {
  /// The features whose curves are drawn, most important first.
  private static let drawnFeatures = 12

  mutating func treesSection() -> Markup {
    let models = result.models.compactMap { model in model.trees.map { (model.name, $0) } }
    guard !models.isEmpty else { return .empty }
    var body = costTable(models)
    for (name, trees) in models {
      body =
        body + "<h3>\(name)</h3>\n" + importanceFigure(name, trees)
        + contributionFigure(name, trees) + shapeFigure(name, trees) + pairFigures(name, trees)
        + lossFigure(name, trees)
    }
    return section("trees", "What the trees look at", body)
  }

  private mutating func costTable(_ models: [(String, FittedTrees)]) -> Markup {
    let rows = models.map { name, trees -> [Markup] in
      [
        .cell(name), .cell(trees.learnerInWords),
        .cell(
          "\(trees.treeCount)",
          below: trees.treeCount < trees.grownCount
            ? "stopped early" : trees.stopping?.fewEvents == nil ? "" : "all: few events"),
        .cell("\(trees.grownCount)"), .cell("\(trees.roundCount)"),
        .cell(NumberText.fixed(trees.roundsPerTree, 1)),
        .cell(NumberText.count(Int(trees.bytesPerTree.rounded()))),
      ]
    }
    return table(
      "What the trees cost",
      reading: """
        Trees of a forest and of boosting, of classes iterations of one tree each; passes over all \
        features of an explainable boosting machine. \
        One round is one secure sum over the hospitals. Bytes: masked integers that each hospital sent \
        for one tree, the protocol’s own bytes left out. \(fewEvents(models))
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Model"), .words("Learner"), .numbers("Trees kept"), .numbers("Grown"),
            .numbers("Rounds"), .numbers("Rounds per tree"), .numbers("Bytes per tree"),
          ], rows: rows)
      ])
  }

  /// What is said of models that kept nobody aside to stop by.
  private func fewEvents(_ models: [(String, FittedTrees)]) -> Markup {
    let used = models.compactMap { name, trees in
      trees.stopping.flatMap { $0.fewEvents == nil ? nil : (name, trees.learner, $0) }
    }
    guard let events = used.first?.2.fewEvents else { return "" }
    let rates = used.map { name, learner, stopping in
      "\(name): \(stopping.treeCount) \(learner == .additive ? "passes" : "trees") of learning rate"
        + " \(NumberText.significant(stopping.learningRate, 2))"
    }
    return """
      The study leaves it to the number of events when to stop. \(NumberText.quantity(events, "training patient")) \
      with the rarer outcome are too few to keep some aside for it, so all are learnt from and no tree is \
      taken back (\(rates.joined(separator: "; "))).
      """
  }

  /// Features with their contributions, most important first.
  private func ranked(_ trees: FittedTrees) -> [FeatureContribution] {
    trees.contributions.sorted {
      $0.importance != $1.importance ? $0.importance > $1.importance : $0.feature < $1.feature
    }
  }

  private mutating func importanceFigure(_ name: String, _ trees: FittedTrees) -> Markup {
    let features = ranked(trees).filter { $0.importance > 0 }.prefix(24)
    guard let top = features.first?.importance else { return .empty }
    let left = 200.0
    let rowHeight = 21.0
    let box = Box(x: left, y: 8, width: 470, height: Double(features.count) * rowHeight)
    var drawing = Drawing(
      id: nextFigureID, width: 760, height: box.bottom + 12,
      title: "Importance of the features in \(name)",
      summary: features.map { "\($0.feature) \(NumberText.fixed($0.importance, 3))" }
        .joined(separator: "; "))
    for (row, feature) in features.enumerated() {
      let y = box.y + Double(row) * rowHeight
      drawing.text(
        left - 8, y + 14, feature.feature, "t", anchor: .end, size: 11.5, width: left - 12)
      let width = max(1, box.width * feature.importance / top)
      drawing.rectangle(
        Box(x: left, y: y + 3, width: width, height: rowHeight - 7), "bar \(Palette.series(0))",
        hint: feature.feature)
      drawing.text(
        left + width + 6, y + 14, NumberText.fixed(feature.importance, 3), "t muted num", size: 11)
    }
    let unit = trees.scale.unit
    guard result.privacy == nil else {
      return figure(
        "Importance in the model \(name)",
        reading: """
          How far each feature moves a prediction on average: the mean of its absolute contributions \
          (\(unit)) over about \(NumberText.quantity(trees.explainedCount, "training patient")), computed \
          from the model and the noisy counts of the features. Nothing more was released for it.
          """, released: .nothing, drawing.markup)
    }
    return figure(
      "Importance in the model \(name)",
      reading: """
        How far each feature moves a prediction on average: the mean of its absolute contributions \
        (\(unit)) over \(NumberText.quantity(trees.explainedCount, "training patient")) of all hospitals, \
        drawn by a keyed hash. \(contributionWords(trees))
        """, released: .secureSum(.explain), drawing.markup)
  }

  private func contributionWords(_ trees: FittedTrees) -> Markup {
    if trees.learner == .additive {
      return
        "Contributions are the model’s own terms; half of a pair’s term counts for each feature."
    }
    guard let count = trees.model.background?.first else {
      return "Contributions are exact Shapley values of the trees (path-dependent TreeSHAP)."
    }
    return """
      Contributions are exact Shapley values of the trees against \
      \(NumberText.quantity(Int(count), "training patient")) of all hospitals (interventional TreeSHAP), known \
      by how many of them satisfy which conditions of a leaf; counts of fewer than \(minimumCell) are merged.
      """
  }

  /// Not under differential privacy, where the shapes say the same and nothing else is known.
  private mutating func contributionFigure(_ name: String, _ trees: FittedTrees) -> Markup {
    guard result.privacy == nil else { return .empty }
    let features = ranked(trees).filter { !$0.points.isEmpty && $0.importance > 0 }
      .prefix(Self.drawnFeatures)
    guard
      let drawing = curves(
        "Contribution by value in \(name)",
        "Mean contribution of each feature by its value, for patients of all hospitals.",
        features.map { ($0.feature, $0.points) })
    else { return .empty }
    return figure(
      "Contribution by value in the model \(name)",
      reading: """
        Above the line the value raises \(trees.scale.subject), below it lowers it, by the mean \
        contribution of the patients who have it (\(trees.scale.unit)). Neighbouring values are taken \
        together until they hold enough patients; no point is about fewer than \(minimumCell) of them. The \
        dashed line is the mean of those without the value.
        """, released: .secureSum(.explain), drawing.markup)
  }

  /// One panel a feature, all with the same vertical scale; nil for none.
  private mutating func curves(
    _ title: String, _ summary: String,
    _ features: [(name: String, points: [FeatureContribution.Point])]
  ) -> Drawing? {
    let means = features.flatMap { $0.points.map(\.mean) }
    guard let low = means.min(), let high = means.max() else { return nil }
    let reach = max(high - low, 1e-9) * 0.08
    let y = (min(low, 0) - reach)...(max(high, 0) + reach)
    let grid = PanelGrid(count: features.count, panelHeight: 110)
    var drawing = Drawing(
      id: nextFigureID, width: PanelGrid.width, height: grid.height(), title: title,
      summary: summary)
    for (index, feature) in features.enumerated() {
      grid.drawHeading(index, feature.name, detail: unit(of: feature.name), in: &drawing)
      Self.drawPoints(feature.points, y: y, grid: grid, index: index, in: &drawing)
    }
    return drawing
  }

  private func unit(of feature: String) -> String {
    result.features.first { $0.name == feature }?.unit ?? ""
  }

  /// One panel: steps for numbers, bars for levels.
  private static func drawPoints(
    _ points: [FeatureContribution.Point], y: ClosedRange<Double>, grid: PanelGrid, index: Int,
    in drawing: inout Drawing
  ) {
    let box = grid.box(index)
    let label = grid.isFirstInRow(index) ? "contribution" : nil
    let missing = points.first { $0.level == "missing" }
    let steps = points.filter { $0.level == nil }
    let edges = steps.flatMap { [$0.lower, $0.upper].compactMap { $0 } }
    if let first = edges.min(), let last = edges.max() {
      let margin = max((last - first) * 0.12, first == last ? 1 : 0)
      let x = (first - margin)...(last + margin)
      let frame = PlotFrame(box, x: x, y: y)
      frame.drawAxes(in: &drawing, xLabel: nil, yLabel: label, tickCount: 4, size: 10)
      drawing.line(box.x, frame.y.place(0), box.right, frame.y.place(0), "ghost")
      var line: [Point] = []
      for step in steps {
        line.append(Point(x: step.lower ?? x.lowerBound, y: step.mean))
        line.append(Point(x: step.upper ?? x.upperBound, y: step.mean))
      }
      frame.drawLine(line, "line \(Palette.series(0))", in: &drawing)
      if let missing {
        frame.drawLine(
          [Point(x: x.lowerBound, y: missing.mean), Point(x: x.upperBound, y: missing.mean)],
          "ghost dashed", in: &drawing)
      }
      return
    }
    let levels = steps.isEmpty ? points : points.filter { $0.level != nil } + steps
    let frame = PlotFrame(box, x: 0...Double(max(levels.count, 1)), y: y)
    drawing.rectangle(box, "frame")
    drawing.line(box.x, frame.y.place(0), box.right, frame.y.place(0), "ghost")
    for (position, level) in levels.enumerated() {
      let left = frame.x.place(Double(position) + 0.2)
      let right = frame.x.place(Double(position) + 0.8)
      let top = frame.y.place(max(level.mean, 0))
      let bottom = frame.y.place(min(level.mean, 0))
      drawing.rectangle(
        Box(x: left, y: top, width: right - left, height: max(1, bottom - top)),
        "bar \(Palette.series(0))", hint: level.level ?? "all")
      drawing.text(
        (left + right) / 2, box.bottom + 14, level.level ?? "all", "t muted", anchor: .middle,
        size: 9.5, width: (right - left) * 1.6)
    }
  }

  private mutating func shapeFigure(_ name: String, _ trees: FittedTrees) -> Markup {
    guard case .additive(let additive) = trees.model.content else { return .empty }
    let order = ranked(trees).map(\.feature)
    let indices = trees.model.columns.features.indices.sorted {
      let a = order.firstIndex(of: trees.model.columns.features[$0].name) ?? $0
      let b = order.firstIndex(of: trees.model.columns.features[$1].name) ?? $1
      return a != b ? a < b : $0 < $1
    }.filter { feature in additive.shapes[feature].contains { $0 != 0 } }.prefix(
      Self.drawnFeatures)
    guard
      let drawing = curves(
        "Shape functions of \(name)",
        "What each value of a feature adds to the model: the whole model. Unit: \(trees.scale.unit).",
        indices.map { feature in
          let column = trees.model.columns.features[feature]
          return (column.name, Self.points(column, additive.shapes[feature]))
        })
    else { return .empty }
    let pairWords =
      additive.pairs.isEmpty ? "" : "The terms of pairs, drawn below, are added to them."
    return figure(
      "Shape functions of the model \(name)",
      reading: """
        This is the model itself: \(trees.scale.subject) is the sum of these curves, read off at the \
        patient’s values (\(trees.scale.unit), mean 0 over the training patients). Dashed: what a missing value adds. \(pairWords)
        """, released: .secureSum(.fit), drawing.markup)
  }

  /// A shape as points without counts.
  private static func points(
    _ column: TreeColumns.Feature, _ shape: [Double]
  ) -> [FeatureContribution.Point] {
    func point(
      _ bin: Int, lower: Double? = nil, upper: Double? = nil, level: String? = nil
    ) -> FeatureContribution.Point {
      .init(
        lower: lower, upper: upper, level: level, patientCount: 0,
        mean: shape.indices.contains(bin) ? shape[bin] : 0)
    }
    var points: [FeatureContribution.Point] = []
    switch column {
    case .number(_, _, let cuts):
      for bin in 0...cuts.count {
        points.append(
          point(
            bin + 1, lower: bin > 0 ? cuts[bin - 1] : nil,
            upper: bin < cuts.count ? cuts[bin] : nil))
      }
    case .flag: points = [point(1, level: "no"), point(2, level: "yes")]
    case .category(_, let levels, let hasOther):
      for (bin, level) in (levels + (hasOther ? ["other"] : [])).enumerated() {
        points.append(point(bin + 1, level: level))
      }
    }
    return points + [point(0, level: "missing")]
  }

  private mutating func lossFigure(_ name: String, _ trees: FittedTrees) -> Markup {
    let evaluation = trees.losses.compactMap { loss in
      loss.evaluation.map { Point(x: Double(loss.iteration), y: $0) }
    }
    let training = trees.losses.compactMap { loss in
      loss.training.map { Point(x: Double(loss.iteration), y: $0) }
    }
    let values = (evaluation + training).map(\.y)
    guard evaluation.count > 1, let low = values.min(), let high = values.max(), high > low,
      let last = evaluation.last?.x, last > (evaluation.first?.x ?? 0)
    else { return .empty }
    let plot = LineOverlay(
      id: nextFigureID, title: "Loss while \(name) grew",
      summaryText: "Loss of training and evaluation patients by tree: \(trees.scale.lossName).",
      series: [
        .init(label: "patients kept aside for stopping", index: 0, points: evaluation),
        .init(label: "patients the trees are grown on", index: 1, points: training),
      ],
      xLabel: trees.learner == .additive
        ? "pass" : trees.treesPerIteration > 1 ? "iteration" : "tree", yLabel: trees.scale.lossName,
      x: (evaluation.first?.x ?? 0)...last, y: low...high, hasDiagonal: false)
    return figure(
      "Loss while the model \(name) grew",
      reading: """
        Training stops when the loss of the patients kept aside has not fallen for a while; the trees up \
        to its minimum are kept.
        """, released: .secureSum(.fit), plot.markup)
  }
}
