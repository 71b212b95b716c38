import BoostedTrees
import Study

/// What the pairs of an explainable boosting machine add, as tables of coloured cells.
extension ReportWriter {
  /// Pairs that are drawn, strongest first; the others are named.
  private static let drawnPairs = 4

  mutating func pairFigures(_ name: String, _ trees: FittedTrees) -> Markup {
    guard case .additive(let additive) = trees.model.content, !additive.pairs.isEmpty else {
      return .empty
    }
    let columns = trees.model.columns.features
    func strength(_ pair: AdditiveModel.Pair) -> Double {
      pair.values.joined().map(\.magnitude).max() ?? 0
    }
    func words(_ pair: AdditiveModel.Pair) -> String {
      "\(columns[pair.first].name) × \(columns[pair.second].name)"
    }
    let order = additive.pairs.indices.sorted {
      let (a, b) = (strength(additive.pairs[$0]), strength(additive.pairs[$1]))
      return a != b ? a > b : $0 < $1
    }.map { additive.pairs[$0] }
    let reach = max(order.first.map(strength) ?? 0, 1e-9)
    let others = order.dropFirst(Self.drawnPairs).map(words)
    let otherWords = others.isEmpty ? "" : "Not drawn: \(others.joined(separator: ", "))."
    var body = Markup.empty
    for pair in order.prefix(Self.drawnPairs) {
      let rows = Self.groupNames(columns[pair.first], pair.firstGroups)
      let heads = Self.groupNames(columns[pair.second], pair.secondGroups)
      let map = HeatMap(
        id: nextFigureID, title: "The pair \(words(pair)) in \(name)",
        summaryText: "What each combination of values adds: \(trees.scale.unit).", rows: rows,
        columns: heads, values: pair.values.map { $0.map { $0 } }, ramp: .cividis,
        range: -reach...reach, rowHeading: columns[pair.first].name,
        columnHeading: columns[pair.second].name, legend: trees.scale.shortUnit,
        format: { NumberText.fixed($0, 2) })
      body += figure(
        "\(words(pair)) in the model \(name)",
        reading: """
          What the combination of two values adds (\(trees.scale.unit)), beside the curves of each of them. \
          \(otherWords)
          """, released: .secureSum(.fit), map.markup)
    }
    return body
  }

  /// The coarse bins of a feature in words, missing values first.
  private static func groupNames(_ column: TreeColumns.Feature, _ groups: [Int]) -> [String] {
    let count = (groups.max() ?? 0) + 1
    return (0..<count).map { group in
      let bins = groups.indices.filter { groups[$0] == group }
      guard group > 0, let first = bins.first, let last = bins.last else { return "missing" }
      switch column {
      case .number(_, _, let cuts):
        // Bin b holds the values from cut b − 2 to cut b − 1, counted from 0.
        let lower =
          cuts.indices.contains(first - 2) ? NumberText.significant(cuts[first - 2], 3) : nil
        let upper =
          cuts.indices.contains(last - 1) ? NumberText.significant(cuts[last - 1], 3) : nil
        switch (lower, upper) {
        case (let lower?, let upper?): return "\(lower)–\(upper)"
        case (nil, let upper?): return "< \(upper)"
        case (let lower?, nil): return "≥ \(lower)"
        case (nil, nil): return "any"
        }
      case .flag: return first == 1 ? "no" : "yes"
      case .category(_, let levels, _):
        return bins.map { levels.indices.contains($0 - 1) ? levels[$0 - 1] : "other" }
          .joined(separator: ", ")
      }
    }
  }
}
