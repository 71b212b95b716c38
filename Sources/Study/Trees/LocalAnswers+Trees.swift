import BoostedTrees
import Cohort
import PortableNumerics

/// A site's part of a training: its rows as bins, their margins, and where they stand in what is learnt.
protocol TrainingShard: Sendable {
  associatedtype Step: TrainingStep

  /// Number of the last step; −1 before the first.
  var sequence: Int { get }
  /// Carries a step out and counts what it asks for.
  mutating func answer(_ step: Step, crew: WorkCrew) throws(BoostedTreesError) -> [Int64]
  /// Carries a step out without counting.
  mutating func replay(_ step: Step, crew: WorkCrew) throws(BoostedTreesError)
}

extension LocalShard: TrainingShard {}

extension AdditiveShard: TrainingShard {
  mutating func answer(
    _ step: AdditiveQuery, crew: WorkCrew
  ) throws(BoostedTreesError) -> [Int64] {
    try answer(step)
  }

  mutating func replay(_ step: AdditiveQuery, crew: WorkCrew) throws(BoostedTreesError) {
    try replay(step)
  }
}

/// A shard and the training it belongs to. Lost in a restart and made again from the steps before.
struct KeptShard<Shard: TrainingShard>: Sendable {
  private let model: ModelSpecification
  private let columns: TreeColumns
  private let patientCount: Int
  private var shard: Shard
  /// The last step answered, so that a step asked again is known.
  private var last: Shard.Step?

  init(_ shard: Shard, for query: SumQuery.TrainingQuery<Shard.Step>) {
    model = query.model
    columns = query.columns
    patientCount = query.patientCount
    self.shard = shard
  }

  /// Whether the shard stands where the query's own past leads to.
  func leads(to query: SumQuery.TrainingQuery<Shard.Step>) -> Bool {
    guard model == query.model, columns == query.columns, patientCount == query.patientCount
    else { return false }
    let sequence = shard.sequence
    let step = query.history.indices.contains(sequence) ? query.history[sequence] : query.step
    return sequence == step.sequence && last == step
  }

  /// Answers a step, after those that others answered while this site was away.
  mutating func answer(
    _ query: SumQuery.TrainingQuery<Shard.Step>, crew: WorkCrew
  ) throws(BoostedTreesError) -> [Int64] {
    for step in query.history.dropFirst(shard.sequence + 1) {
      try shard.replay(step, crew: crew)
    }
    let answer = try shard.answer(query.step, crew: crew)
    last = query.step
    return answer
  }
}

/// What a site keeps between the steps of a model of trees: one training at a time.
struct TreeWork: Sendable {
  var growth: KeptShard<LocalShard>?
  var shapes: KeptShard<AdditiveShard>?
  /// The training rows as bins, for steps with noise.
  var privateTable: (columns: TreeColumns, table: BinnedTable)?
}

extension LocalAnswers {
  /// One step of growing trees, over this site's training patients.
  mutating func treeGrowth(_ query: SumQuery.TreeGrowthQuery) throws -> [Int64] {
    if treeWork.growth?.leads(to: query) != true {
      let (settings, rows) = try training(query)
      let plan = try settings.trainingPlan(
        features: query.columns.bins, patientCount: query.patientCount,
        outcome: self.plan.cohort.outcome)
      treeWork = TreeWork()
      treeWork.growth = KeptShard(
        try LocalShard(rows: rows, settings: plan.shardSettings()), for: query)
    }
    let crew = crew
    return try treeWork.growth?.answer(query, crew: crew) ?? []
  }

  /// One step of learning shape functions, over this site's training patients.
  mutating func shapes(_ query: SumQuery.ShapeQuery) throws -> [Int64] {
    if treeWork.shapes?.leads(to: query) != true {
      let (settings, rows) = try training(query)
      let plan = try settings.additivePlan(
        features: query.columns.bins, patientCount: query.patientCount,
        outcome: self.plan.cohort.outcome)
      treeWork = TreeWork()
      treeWork.shapes = KeptShard(try AdditiveShard(rows: rows, plan: plan), for: query)
    }
    let crew = crew
    return try treeWork.shapes?.answer(query, crew: crew) ?? []
  }

  /// What a training is made from. Throws `malformedAnswer` for a model of another kind.
  private func training<Step>(
    _ query: SumQuery.TrainingQuery<Step>
  ) throws -> (TreeSettings, TrainingRows) {
    guard case .trees(let settings) = query.model.training else {
      throw StudyError(.malformedAnswer, "the query's model is not made of trees")
    }
    return (settings, try trainingRows(settings, query.columns))
  }

  /// The training patients' rows; those that only measure the loss are drawn by keyed hash.
  private func trainingRows(
    _ settings: TreeSettings, _ columns: TreeColumns
  ) throws -> TrainingRows {
    let rows = cohort.rowIndices(.training)
    let keys = rows.map { cohort.patientKeys[$0] }
    let outcomes: [Double]
    if settings.objective == .logistic {
      outcomes = rows.map { Double(cohort.outcome[$0]) }
    } else if let values = cohort.outcomeValues {
      outcomes = rows.map { values[$0] }
    } else {
      throw StudyError(.malformedAnswer, "the query learns values that the outcome does not have")
    }
    return try TrainingRows(
      table: try columns.table(of: cohort, rows: rows), outcomes: outcomes, keys: keys,
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
    let table = try sample(query.share, salt: 4, query.model.columns)
    let explainer = try TreeExplainer(query.model)
    let unit = query.model.target?.contributionUnit ?? 1
    return try ContributionSummary.answer(table: table, rows: Array(0..<table.rowCount)) {
      (bins) throws(BoostedTreesError) -> [Double] in
      try explainer.contributionsByFeature(ofBins: bins).map { $0 / unit }
    }
  }

  /// Background patients by the conditions of the trees' leaves, of a sample of the training patients.
  func background(_ query: SumQuery.BackgroundQuery) throws -> [Int64] {
    let table = try sample(query.share, salt: 5, query.model.columns)
    return try query.patterns.counts(of: table, rows: Array(0..<table.rowCount))
  }

  /// A share of the training patients, drawn by keyed hash.
  private func sample(_ share: Double, salt: UInt64, _ columns: TreeColumns) throws -> BinnedTable {
    let salt = SplitMix64.seed(salt)
    let rows = cohort.rowIndices(.training).filter {
      Self.isDrawn(cohort.patientKeys[$0], salt: salt, share: share)
    }
    return try columns.table(of: cohort, rows: rows)
  }
}
