import BoostedTrees
import Cohort

/// Bins of the trees: cut once for all models of the plan.
extension StudyProgram {
  /// Bins of every feature for a model. Quantile cuts come from counts below probes, as the deciles
  /// do, but a bracket that holds few patients is not divided further: cuts are quantiles to within a
  /// quarter of a bin, or to within the minimum cell where that is more (fewer and wider bins come out
  /// then), and no single patient's value is searched for.
  func treeColumns(
    _ settings: TreeSettings, _ preparation: Preparation, cuts: [Int: [Double]]
  ) throws -> TreeColumns {
    let features = plan.cohort.features
    return try TreeColumns(
      preparation.kept.enumerated().map { position, index -> TreeColumns.Feature in
        let feature = features[index]
        switch feature.kind {
        case .number(_, let range, _):
          var values = cuts[index] ?? []
          if settings.binRule == .ranges, let range {
            let width = (range.upperBound - range.lowerBound) / Double(settings.binCount)
            values = (1..<settings.binCount).map { range.lowerBound + Double($0) * width }
          }
          return .number(
            name: feature.name, unit: feature.unit,
            cuts: Self.thinned(values, to: settings.binCount - 1))
        case .flag: return .flag(name: feature.name)
        case .category:
          guard case .category(let prepared) = preparation.transform.features[position] else {
            throw StudyError(.invalidPlan, "the category `\(feature.name)` was not prepared")
          }
          return .category(
            name: feature.name, levels: Array(prepared.levels.prefix(254)),
            hasOther: prepared.hasOther || prepared.levels.count > 254)
        }
      })
  }

  /// At most `limit` of ascending cuts, evenly, each as the binary32 that trees compare with.
  private static func thinned(_ cuts: [Double], to limit: Int) -> [Double] {
    var distinct: [Double] = []
    for cut in cuts.map({ Double(Float($0)) }) where cut.isFinite && distinct.last != cut {
      distinct.append(cut)
    }
    guard distinct.count > limit else { return distinct }
    return (0..<limit).map { distinct[($0 * distinct.count + distinct.count / 2) / limit] }
  }

  /// Quantile cuts of every number for the largest number of bins that a model of the plan asks for;
  /// none when no model asks.
  ///
  /// - Parameter kept: positions in the plan's features of those that the models get.
  func treeCuts(_ profile: Profile, kept: [Int]) async throws -> [Int: [Double]] {
    let wanted = plan.models.compactMap { model -> Int? in
      guard case .trees(let settings) = model.training, settings.binRule == .quantiles else {
        return nil
      }
      return settings.binCount
    }
    let numbers = kept.filter { plan.cohort.features[$0].isNumber }
    guard let binCount = wanted.max(), !numbers.isEmpty else { return [:] }
    await report("prepare", "bins of the trees", 0.24)
    let share = 1 / Double(binCount)
    let cell = Double(plan.privacy.minimumCell) / Double(max(profile.trainingCount, 1))
    var search = QuantileSearch(
      grids: grids(of: numbers), probabilities: (1..<binCount).map { Double($0) * share },
      probesPerFeature: 4 * binCount, closingShare: max(share / 4, cell))
    try await run(&search, over: numbers)
    return zip(numbers, search.cuts).reduce(into: [:]) { $0[$1.0] = $1.1 }
  }
}
