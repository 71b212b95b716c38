/// One site's part of a training: its rows, their margins, and where they stand in the trees being
/// grown. Answers queries with integers that are sums over its patients.
///
/// Everything a row contributes depends on the row, its patient's key and the query alone, so the
/// sum over sites does not depend on how patients are spread over them.
///
/// Memory: features + 27 bytes a row for one output and one tree at a time, of which `TrainingRows`
/// has features + 17.
public struct LocalShard: Sendable {
  let rows: TrainingRows
  let settings: ShardSettings
  /// Sequence number of the last query answered; −1 before the first.
  public private(set) var sequence = -1
  /// By output, then row.
  var margins: [Double] = []
  /// The batch being grown.
  var batch = TreeBatch(usesBaseMargins: false, baseMargins: [], trees: [])
  /// Leaves so far of each tree of the batch.
  var leafCounts: [Int] = []
  /// By tree of the batch, then row: gradient and hessian, packed.
  var words: [Int64] = []
  /// By tree of the batch, then block: places of rows, in the sample first, then the others, each
  /// ordered by leaf.
  var places: [UInt16] = []
  /// By tree of the batch, then block, then leaf.
  var segments: [Segment] = []

  /// Where a leaf's rows are among the places of a block.
  struct Segment: Sendable {
    var start: UInt16 = 0
    var count: UInt16 = 0
    var otherStart: UInt16 = 0
    var otherCount: UInt16 = 0
  }

  /// Throws `tooManyPatients`, `invalidOutcome` with the row, or `invalidSettings`.
  public init(rows: TrainingRows, settings: ShardSettings) throws(BoostedTreesError) {
    guard rows.table.rowCount <= settings.scale.patientLimit else {
      throw BoostedTreesError(.tooManyPatients)
    }
    guard (1...65_536).contains(settings.maximumLeafCount), settings.rowRate > 0,
      settings.rowRate <= 1, (1...64).contains(settings.objective.outputCount),
      (1...1024).contains(settings.objective.baselineTermCount)
    else { throw BoostedTreesError(.invalidSettings) }
    for (row, outcome) in rows.outcomes.enumerated()
    where rows.roles[row] != .unused && !settings.objective.accepts(outcome: outcome) {
      throw BoostedTreesError(.invalidOutcome, index: row)
    }
    self.rows = rows
    self.settings = settings
  }

  /// Carries a query out and counts what it asks for.
  ///
  /// Throws `outOfOrder` unless the query is the next or the last one again, and `invalidQuery` when
  /// it does not fit the trees being grown.
  public mutating func answer(
    _ query: GrowthQuery, crew: WorkCrew = .single
  ) throws(BoostedTreesError) -> [Int64] {
    try perform(query, counts: true, crew: crew)
  }

  /// Carries a query out without counting: how a restarted site catches up with past totals.
  public mutating func replay(
    _ query: GrowthQuery, crew: WorkCrew = .single
  ) throws(BoostedTreesError) {
    _ = try perform(query, counts: false, crew: crew)
  }

  /// The margins of a row so far, one per output.
  public func margins(ofRow row: Int) -> [Double] {
    let count = rows.table.rowCount
    return (0..<settings.objective.outputCount).map { margins[$0 * count + row] }
  }

  private mutating func perform(
    _ query: GrowthQuery, counts: Bool, crew: WorkCrew
  ) throws(BoostedTreesError) -> [Int64] {
    let isRepeated = query.sequence == sequence
    guard isRepeated || query.sequence == sequence + 1 else {
      throw BoostedTreesError(.outOfOrder)
    }
    switch query.kind {
    case .baseline:
      sequence = query.sequence
      return counts ? baseline() : []
    case .growth(var step):
      if isRepeated {
        // Its changes are made already; only the counting is done again.
        step.completed = []
        step.begins = nil
        for tree in step.trees.indices { step.trees[tree].splits = [] }
      }
      let plan = try prepare(step)
      sequence = query.sequence
      return run(step, plan: plan, counts: counts, crew: crew)
    }
  }

  /// Training patients, then every baseline term's sum.
  private func baseline() -> [Int64] {
    let termCount = settings.objective.baselineTermCount
    var answer = [Int64](repeating: 0, count: 1 + termCount)
    for row in 0..<rows.table.rowCount where rows.roles[row] == .training {
      answer[0] += 1
      let terms = settings.objective.baselineTerms(outcome: rows.outcomes[row])
      for (term, value) in terms.prefix(termCount).enumerated() {
        answer[1 + term] += FixedUnit.units(ofTerm: value)
      }
    }
    return answer
  }

  /// Checks a step against the trees being grown, and lays out its answer.
  private mutating func prepare(_ step: GrowthStep) throws(BoostedTreesError) -> AnswerPlan {
    let featureCount = rows.table.features.count
    var counts = leafCounts
    func apply(_ splits: [LeafSplit], tree: Int) throws(BoostedTreesError) {
      for split in splits {
        guard (0..<counts[tree]).contains(split.leaf), split.right == counts[tree],
          split.right < settings.maximumLeafCount,
          (0..<featureCount).contains(split.test.feature)
        else { throw BoostedTreesError(.invalidQuery) }
        counts[tree] += 1
      }
    }
    if !step.completed.isEmpty {
      guard step.completed.count == batch.trees.count else {
        throw BoostedTreesError(.invalidQuery)
      }
      for (index, tree) in step.completed.enumerated() {
        try apply(tree.splits, tree: index)
        guard tree.leafValues.count == counts[index] else {
          throw BoostedTreesError(.invalidQuery)
        }
      }
    }
    if let next = step.begins {
      let outputCount = settings.objective.outputCount
      guard next.baseMargins.count == outputCount, !next.trees.isEmpty,
        next.trees.allSatisfy({ (0..<outputCount).contains($0.output) })
      else { throw BoostedTreesError(.invalidQuery) }
      counts = next.trees.map { _ in 1 }
    }
    guard step.trees.count <= counts.count else { throw BoostedTreesError(.invalidQuery) }
    var plan = AnswerPlan(lossCount: step.measuresLoss ? 4 : 0)
    for (index, tree) in step.trees.enumerated() {
      try apply(tree.splits, tree: index)
      for request in tree.histograms {
        guard (0..<counts[index]).contains(request.leaf),
          request.features.allSatisfy({ (0..<featureCount).contains($0) })
        else { throw BoostedTreesError(.invalidQuery) }
        plan.add(request, tree: index, of: rows.table.features)
      }
    }
    if step.begins == nil { leafCounts = counts }
    return plan
  }
}

/// Where the parts of an answer lie in its vector: losses, histograms, then, if patients are counted,
/// as many counts as there are histogram words.
struct AnswerPlan: Sendable {
  struct Part: Sendable {
    let tree: Int
    let leaf: Int
    /// First word, counted from the first histogram.
    let start: Int
    let layout: HistogramLayout
  }

  let lossCount: Int
  private(set) var parts: [Part] = []
  /// Consecutive parts of one tree by the same features, which are counted together.
  private(set) var runs: [Range<Int>] = []
  /// Words of all histograms.
  private(set) var wordCount = 0

  init(lossCount: Int) { self.lossCount = lossCount }

  mutating func add(_ request: HistogramRequest, tree: Int, of bins: [FeatureBins]) {
    let layout = HistogramLayout(features: request.features, of: bins)
    if let last = parts.last, let run = runs.last, last.tree == tree, last.layout == layout {
      runs[runs.count - 1] = run.lowerBound..<(parts.count + 1)
    } else {
      runs.append(parts.count..<(parts.count + 1))
    }
    parts.append(Part(tree: tree, leaf: request.leaf, start: wordCount, layout: layout))
    wordCount += layout.binCount
  }

  func answerCount(countsPatients: Bool) -> Int {
    lossCount + wordCount * (countsPatients ? 2 : 1)
  }
}
