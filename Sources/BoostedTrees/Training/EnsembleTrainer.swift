import PortableNumerics

/// Grows an ensemble from sums alone: a deterministic state machine that every site and the
/// aggregator run alike.
///
/// While `query` is not nil, ask it of every site (`LocalShard.answer`), add the answers element by
/// element modulo 2^64, and give the total to `absorb`. Then `grown` has the trees;
/// with one of `Objective`, `model` is the ensemble that can be saved.
///
/// Rounds: one for the baseline, then one for each level of a tree or batch of trees; splits of the
/// last level, leaf values and the loss travel with the next tree's first round.
public struct EnsembleTrainer<Loss: BoostingObjective>: Sendable {
  public let plan: TrainingPlan<Loss>
  public let features: [FeatureBins]
  private let context: TreeBuilder.Context
  private let shardSettings: ShardSettings

  /// What to ask next; nil when training has finished.
  public private(set) var query: GrowthQuery?
  /// Rounds answered so far.
  public private(set) var roundCount = 0
  /// Elements of all totals so far, eight bytes each from every site.
  public private(set) var elementCount = 0
  /// Mean loss of the evaluation and the training patients after each iteration, where measured.
  public private(set) var losses: [MeasuredLoss] = []

  private var baseMargins: [Double] = []
  private var trees: [DecisionTree] = []
  private var builders: [TreeBuilder] = []
  /// Trees started, for each output.
  private var startedCount = 0
  /// Iterations, or trees of a forest, that were grown to their end; early stopping keeps fewer.
  public private(set) var grownTreeCount = 0
  private var completed: [CompletedTree] = []

  /// Throws `invalidSettings`.
  public init(plan: TrainingPlan<Loss>, features: [FeatureBins]) throws(BoostedTreesError) {
    try plan.validate(features: features)
    self.plan = plan
    self.features = features
    shardSettings = try plan.shardSettings()
    var learningRate = plan.learningRate
    if case .forest = plan.ensemble { learningRate = 1 / Double(plan.treeCount) }
    context = TreeBuilder.Context(
      bins: features, settings: plan.growth, scale: shardSettings.scale,
      learningRate: learningRate)
    query = GrowthQuery(sequence: 0, kind: .baseline)
  }

  /// Elements that the next total has.
  public var answerCount: Int {
    guard let query else { return 0 }
    switch query.kind {
    case .baseline: return 1 + plan.objective.baselineTermCount
    case .growth(let step):
      let words = builders.reduce(0) { $0 + $1.answerCount }
      return (step.measuresLoss ? 4 : 0) + words * (plan.growth.countsPatients ? 2 : 1)
    }
  }

  /// Largest magnitude of an element of one site's answer to the present query, for the ring it is
  /// added in: histogram words use all 64 bits.
  public var usesWholeRing: Bool {
    if case .growth = query?.kind { return true }
    return false
  }

  /// The trees so far; final when `query` is nil.
  public var grown: GrownTrees {
    GrownTrees(features: features, baseMargins: baseMargins, trees: trees)
  }

  /// The losses of the model as it is kept; nil where they were not measured.
  public var keptLoss: MeasuredLoss? {
    losses.last { $0.iteration == trees.count / plan.objective.outputCount }
  }

  /// Takes the sum of all sites' answers to `query`.
  ///
  /// Throws `finished`, `totalLength`, `totalOutOfRange`, `totalInconsistent`, `noPatients` or
  /// `oneOutcomeClass`; the state is then unchanged.
  public mutating func absorb(_ total: [Int64]) throws(BoostedTreesError) {
    try total.withUnsafeBufferPointer { (total) throws(BoostedTreesError) in try absorb(total) }
  }

  /// The same of a total that is lent for the time of the call, so that nobody copies it.
  public mutating func absorb(
    _ total: UnsafeBufferPointer<Int64>
  ) throws(BoostedTreesError) {
    guard let query else { throw BoostedTreesError(.finished) }
    guard total.count == answerCount else { throw BoostedTreesError(.totalLength) }
    var next = self
    try next.take(total, of: query)
    next.roundCount += 1
    next.elementCount += total.count
    self = next
  }

  private mutating func take(
    _ total: UnsafeBufferPointer<Int64>, of query: GrowthQuery
  ) throws(BoostedTreesError) {
    switch query.kind {
    case .baseline:
      try takeBaseline(total)
      startBatch()
    case .growth(let step):
      var offset = 0
      if step.measuresLoss {
        offset = 4
        if try takeLoss(total) {
          self.query = nil
          return
        }
      }
      try takeHistograms(total, offset: offset)
      advance()
    }
  }

  private mutating func takeBaseline(
    _ total: UnsafeBufferPointer<Int64>
  ) throws(BoostedTreesError) {
    let count = total[0]
    guard count >= 0, count <= plan.patientLimit else {
      throw BoostedTreesError(.totalOutOfRange, index: 0)
    }
    guard count > 0 else { throw BoostedTreesError(.noPatients) }
    let limit = Double(count) * FixedUnit.factor
    for index in 1..<total.count where total[index] < 0 || Double(total[index]) > limit {
      throw BoostedTreesError(.totalOutOfRange, index: index)
    }
    let sums = total.dropFirst().map { Double($0) / FixedUnit.factor }
    baseMargins = try plan.objective.baseMargins(patientCount: Double(count), sums: sums)
    guard baseMargins.count == plan.objective.outputCount, baseMargins.allSatisfy(\.isFinite)
    else { throw BoostedTreesError(.totalInconsistent) }
    if case .forest = plan.ensemble { baseMargins = baseMargins.map { _ in 0 } }
  }

  /// Returns whether to stop.
  private mutating func takeLoss(
    _ total: UnsafeBufferPointer<Int64>
  ) throws(BoostedTreesError) -> Bool {
    var means: [Double?] = []
    for start in [0, 2] {
      let count = total[start]
      let sum = Double(total[start + 1]) / FixedUnit.factor
      guard count >= 0, count <= plan.patientLimit, sum >= 0,
        sum <= Double(count) * FixedUnit.lossLimit
      else { throw BoostedTreesError(.totalOutOfRange, index: start) }
      means.append(count > 0 ? sum / Double(count) : nil)
    }
    let iteration = trees.count / plan.objective.outputCount
    losses.append(
      MeasuredLoss(iteration: iteration, evaluation: means[0], training: means[1]))
    guard let patience = plan.earlyStopping else { return false }
    var best: (iteration: Int, loss: Double)?
    for measured in losses {
      guard let loss = measured.evaluation else { continue }
      if best.map({ loss < $0.loss }) ?? true { best = (measured.iteration, loss) }
    }
    guard let best else { return iteration >= plan.treeCount }
    guard iteration >= plan.treeCount || iteration - best.iteration >= patience else {
      return false
    }
    trees = Array(trees.prefix(best.iteration * plan.objective.outputCount))
    return true
  }

  private mutating func takeHistograms(
    _ total: UnsafeBufferPointer<Int64>, offset: Int
  ) throws(BoostedTreesError) {
    let wordCount = builders.reduce(0) { $0 + $1.answerCount }
    var start = offset
    for index in builders.indices {
      let size = builders[index].answerCount
      guard size > 0 else { continue }
      let counts =
        plan.growth.countsPatients
        ? UnsafeBufferPointer(rebasing: total[(start + wordCount)..<(start + wordCount + size)])
        : nil
      try builders[index].absorb(
        UnsafeBufferPointer(rebasing: total[start..<(start + size)]), counts: counts)
      start += size
    }
  }

  /// The next level, or the next batch of trees.
  private mutating func advance() {
    guard builders.allSatisfy(\.isComplete) else {
      ask(GrowthStep(trees: takeRequests()))
      return
    }
    completed = builders.map(\.completed)
    trees += builders.map(\.tree)
    grownTreeCount = trees.count / plan.objective.outputCount
    startBatch()
  }

  private mutating func startBatch() {
    let outputCount = plan.objective.outputCount
    let measuresLoss = plan.earlyStopping != nil && !completed.isEmpty
    guard startedCount < plan.treeCount else {
      builders = []
      if measuresLoss {
        ask(GrowthStep(completed: completed, measuresLoss: true))
      } else {
        query = nil
      }
      return
    }
    var next = TreeBatch(usesBaseMargins: false, baseMargins: baseMargins, trees: [])
    var iterations = 1
    if case .forest(let treesPerRound) = plan.ensemble {
      next.usesBaseMargins = true
      iterations = min(treesPerRound, plan.treeCount - startedCount)
    }
    for iteration in startedCount..<(startedCount + iterations) {
      for output in 0..<outputCount {
        next.trees.append(
          TreeBatch.Tree(
            output: output,
            seed: SplitMix64.seed(plan.seed, UInt64(iteration), UInt64(output))))
      }
    }
    startedCount += iterations
    builders = next.trees.map {
      TreeBuilder(context: context, output: $0.output, seed: $0.seed)
    }
    ask(
      GrowthStep(
        completed: completed, measuresLoss: measuresLoss, begins: next,
        trees: takeRequests()))
    completed = []
  }

  /// Iterations, or trees of a forest, begun so far.
  public var startedTreeCount: Int { startedCount }

  /// Whether the query begins a batch of trees or is the baseline: whoever answers it may be other
  /// sites than before.
  public var beginsBatch: Bool {
    guard case .growth(let step) = query?.kind else { return true }
    return step.begins != nil || step.trees.isEmpty
  }

  /// Ends the present trees where they are, their open leaves as leaves, and goes on with the next:
  /// for when a site is missing within a tree whose patients are in the sum at its root. Histograms of
  /// the others at these margins would show, beside the root's, what the missing site holds. Call it
  /// in place of `absorb`; nothing happens before the first level of a batch.
  public mutating func closeBatch() {
    guard !beginsBatch else { return }
    for index in builders.indices { builders[index].close() }
    advance()
  }

  private mutating func takeRequests() -> [TreeRequest] {
    var requests: [TreeRequest] = []
    for index in builders.indices { requests.append(builders[index].takeRequest()) }
    return requests
  }

  private mutating func ask(_ step: GrowthStep) {
    query = GrowthQuery(sequence: (query?.sequence ?? -1) + 1, kind: .growth(step))
  }
}

extension EnsembleTrainer where Loss == Objective {
  /// The ensemble so far; final when `query` is nil.
  public var model: TreeEnsemble { TreeEnsemble(objective: plan.objective, grown: grown) }
}
