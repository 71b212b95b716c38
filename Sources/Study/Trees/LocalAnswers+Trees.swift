import BoostedTrees
import Cohort
import PortableNumerics

/// What a site keeps between the steps of growing trees: its rows as bins, their margins, and where
/// they stand in the trees being grown. Lost in a restart and made again from the steps before.
struct TreeWork: Sendable {
  var model: ModelSpecification?
  var columns: TreeColumns?
  var patientCount = 0
  var growth: LocalShard?
  var shapes: AdditiveShard?
  /// The training rows as bins, for steps with noise.
  var privateTable: (columns: TreeColumns, table: BinnedTable)?
  /// The last step answered, so that a step asked again is known.
  var lastGrowth: GrowthQuery?
  var lastShapes: AdditiveQuery?

  private func isFor(
    _ model: ModelSpecification, _ columns: TreeColumns, _ patientCount: Int
  ) -> Bool {
    self.model == model && self.columns == columns && self.patientCount == patientCount
  }

  /// Whether what is kept is where the query's own past leads to.
  func leadsTo(_ query: SumQuery.TreeGrowthQuery) -> Bool {
    guard isFor(query.model, query.columns, query.patientCount), let sequence = growth?.sequence
    else { return false }
    let step = query.history.indices.contains(sequence) ? query.history[sequence] : query.step
    return sequence == step.sequence && lastGrowth == step
  }

  func leadsTo(_ query: SumQuery.ShapeQuery) -> Bool {
    guard isFor(query.model, query.columns, query.patientCount), let sequence = shapes?.sequence
    else { return false }
    let step = query.history.indices.contains(sequence) ? query.history[sequence] : query.step
    return sequence == step.sequence && lastShapes == step
  }
}

extension LocalAnswers {
  /// One step of growing trees, over this site's training patients.
  mutating func treeGrowth(_ query: SumQuery.TreeGrowthQuery) throws -> [Int64] {
    guard case .trees(let settings) = query.model.training else {
      throw StudyError(.malformedAnswer, "the query's model does not grow trees")
    }
    let crew = crew
    if !treeWork.leadsTo(query) {
      let plan = try settings.trainingPlan(
        features: query.columns.bins, patientCount: query.patientCount)
      treeWork = TreeWork(
        model: query.model, columns: query.columns, patientCount: query.patientCount)
      treeWork.growth = try LocalShard(
        rows: try trainingRows(settings, query.columns), settings: plan.shardSettings())
    }
    // Steps that were answered by the others while this site was away.
    let done = (treeWork.growth?.sequence ?? -1) + 1
    for step in query.history.dropFirst(done) { try treeWork.growth?.replay(step, crew: crew) }
    let answer = try treeWork.growth?.answer(query.step, crew: crew) ?? []
    treeWork.lastGrowth = query.step
    return answer
  }

  /// One step of learning shape functions, over this site's training patients.
  mutating func shapes(_ query: SumQuery.ShapeQuery) throws -> [Int64] {
    guard case .trees(let settings) = query.model.training else {
      throw StudyError(.malformedAnswer, "the query's model does not learn shapes")
    }
    if !treeWork.leadsTo(query) {
      let plan = try settings.additivePlan(
        features: query.columns.bins, patientCount: query.patientCount)
      treeWork = TreeWork(
        model: query.model, columns: query.columns, patientCount: query.patientCount)
      treeWork.shapes = try AdditiveShard(
        rows: try trainingRows(settings, query.columns), plan: plan)
    }
    let done = (treeWork.shapes?.sequence ?? -1) + 1
    for step in query.history.dropFirst(done) { try treeWork.shapes?.replay(step) }
    let answer = try treeWork.shapes?.answer(query.step) ?? []
    treeWork.lastShapes = query.step
    return answer
  }

  /// The training patients' rows; those that only measure the loss are drawn by keyed hash.
  private func trainingRows(
    _ settings: TreeSettings, _ columns: TreeColumns
  ) throws -> TrainingRows {
    let rows = cohort.rowIndices(.training)
    let keys = rows.map { cohort.patientKeys[$0] }
    return try TrainingRows(
      table: try columns.table(of: cohort, rows: rows),
      outcomes: rows.map { Double(cohort.outcome[$0]) }, keys: keys,
      roles: keys.map { key in
        Self.isDrawn(key, salt: SplitMix64.seed(settings.seed, 3), share: settings.evaluationShare)
          ? .evaluation : .training
      })
  }

  /// Whether a keyed hash of the patient falls into the share.
  private static func isDrawn(_ key: UInt64, salt: UInt64, share: Double) -> Bool {
    guard share < 1 else { return true }
    return Double(SplitMix64.mix(key ^ salt) >> 11) < share * 0x1p53
  }

  /// Summed contributions of the features over a sample of the training patients.
  func contributions(_ query: SumQuery.ContributionQuery) throws -> [Int64] {
    let salt = SplitMix64.seed(4)
    let rows = cohort.rowIndices(.training).filter {
      Self.isDrawn(cohort.patientKeys[$0], salt: salt, share: query.share)
    }
    let table = try query.model.columns.table(of: cohort, rows: rows)
    let featureCount = query.model.columns.bins.count
    switch query.model.content {
    case .ensemble(let ensemble):
      return try PathDependentExplainer(model: ensemble).summaryAnswer(
        table: table, rows: Array(rows.indices))
    case .additive(let additive):
      return try ContributionSummary.answer(table: table, rows: Array(rows.indices)) {
        (bins) throws(BoostedTreesError) -> [Double] in
        // Half of a pair's term belongs to each of its two features.
        var values = try additive.contributions(ofBins: bins)
        for (index, pair) in additive.pairs.enumerated() {
          values[pair.first] += values[featureCount + index] / 2
          values[pair.second] += values[featureCount + index] / 2
        }
        return Array(values.prefix(featureCount))
      }
    }
  }
}
