import PortableNumerics

/// Learns an additive model from sums alone; every site and the aggregator run it alike. Used like
/// `EnsembleTrainer`, with `AdditiveShard` at the sites.
///
/// At the end `grown` has the shapes; with one of `Objective`, `model` is the model that can be saved.
///
/// Rounds: one for the baseline; ⌈features / featuresPerRound⌉ for each pass; with pairs, one that
/// screens all pairs on eight coarse bins each, and one for each pair and pass.
public struct AdditiveTrainer<Loss: BoostingObjective>: Sendable {
  public let plan: AdditivePlan<Loss>
  public let features: [FeatureBins]
  /// What to ask next; nil when training has finished.
  public private(set) var query: AdditiveQuery?
  /// Rounds answered so far.
  public private(set) var roundCount = 0
  /// Mean losses after each pass, where measured.
  public private(set) var losses: [MeasuredLoss] = []

  private let step: AdditiveStep
  private var current: GrownShapes
  /// The model with the least evaluation loss of the stage, and the pass it was reached in.
  private var best: (shapes: GrownShapes, loss: Double, pass: Int, measured: Int)?
  /// The losses of the model as it is kept; nil where they were not measured.
  public private(set) var keptLoss: MeasuredLoss?
  /// By feature and bin: sum of hessians at the base margin, as good as counts for centring.
  private var weights: [[Double]] = []
  private var pairWeights: [[[Double]]] = []
  private var stage = Stage.shapes
  private var pass = 0
  /// Passes over all features begun in the first stage, and how many of them the model keeps.
  public private(set) var passCount = 0
  public private(set) var keptPassCount = 0
  /// First feature or pair of the present round.
  private var place = 0

  private enum Stage: Sendable { case shapes, screening, pairs }

  /// The margins that a query counts at.
  public enum Margins: Sendable, Hashable {
    /// After so many passes over all features.
    case passes(Int)
    /// Any that no other query counts at.
    case others
  }

  /// At which margins the present query counts: two sums over other sites at the same margins would
  /// show, where one refines the other, what the sites between them hold. Pairs are screened, and first
  /// learnt, where the features were counted last; what a pair's own step moves is known for its cells,
  /// so that the whole first pass over the pairs is taken as at those margins.
  public var margins: Margins {
    switch stage {
    case .shapes: place == 0 ? .passes(pass) : .others
    case .screening: .passes(keptPassCount)
    case .pairs: pass == 0 ? .passes(keptPassCount) : .others
    }
  }

  /// Ends the learning of pairs where it is: for when a site is missing that the present query counts
  /// with. Call it in place of `absorb`; nothing happens before the pairs are screened.
  public mutating func closePairs() {
    guard stage != .shapes else { return }
    endStage()
  }

  private static var screeningBinCount: Int { 8 }

  /// Throws as the plan's `validate`.
  public init(plan: AdditivePlan<Loss>, features: [FeatureBins]) throws(BoostedTreesError) {
    try plan.validate(features: features)
    self.plan = plan
    self.features = features
    let share = Double(min(plan.featuresPerRound, features.count)).squareRoot()
    step = AdditiveStep(
      l2: plan.l2Penalty, rate: plan.learningRate / share,
      minimumWeight: plan.minimumPartWeight, scale: try plan.scale())
    current = GrownShapes(
      features: features, baseMargin: 0,
      shapes: features.map { [Double](repeating: 0, count: $0.binCount) }, pairs: [])
    query = AdditiveQuery(sequence: 0, kind: .baseline, updates: [], measuresLoss: false)
  }

  /// Elements that the next total has.
  public var answerCount: Int {
    guard let query else { return 0 }
    let losses = query.measuresLoss ? 4 : 0
    switch query.kind {
    case .baseline: return losses + 1 + plan.objective.baselineTermCount
    case .features(let asked): return losses + asked.reduce(0) { $0 + features[$1].binCount }
    case .pairs(let pairs): return losses + pairs.reduce(0) { $0 + $1.wordCount }
    case .losses: return losses
    }
  }

  /// The shapes so far, each with mean 0 over the patients; final when `query` is nil.
  public var grown: GrownShapes {
    var model = current
    for (feature, weights) in weights.enumerated()
    where weights.count == model.shapes[feature].count {
      let mean = Self.mean(model.shapes[feature], weights)
      model.baseMargin += mean
      for bin in weights.indices { model.shapes[feature][bin] -= mean }
    }
    for (index, weights) in pairWeights.enumerated() where index < model.pairs.count {
      let mean = Self.mean(model.pairs[index].values.flatMap { $0 }, weights.flatMap { $0 })
      model.baseMargin += mean
      for row in model.pairs[index].values.indices {
        for column in model.pairs[index].values[row].indices {
          model.pairs[index].values[row][column] -= mean
        }
      }
    }
    return model
  }

  /// Mean |shape| by feature, over the patients.
  public var importance: [Double] {
    let shapes = grown.shapes
    return weights.indices.map { Self.mean(shapes[$0].map(\.magnitude), weights[$0]) }
  }

  private static func mean(_ values: [Double], _ weights: [Double]) -> Double {
    var sum = 0.0
    var total = 0.0
    for (value, weight) in zip(values, weights) {
      sum += value * weight
      total += weight
    }
    return total > 0 ? sum / total : 0
  }

  /// Takes the sum of all sites' answers to `query`. Throws `finished`, `totalLength`,
  /// `totalOutOfRange`, `totalInconsistent`, `noPatients` or `oneOutcomeClass`; the state is then
  /// unchanged.
  public mutating func absorb(_ total: [Int64]) throws(BoostedTreesError) {
    guard let query else { throw BoostedTreesError(.finished) }
    guard total.count == answerCount else { throw BoostedTreesError(.totalLength) }
    var next = self
    try next.take(total, of: query)
    next.roundCount += 1
    self = next
  }

  private mutating func take(
    _ total: [Int64], of query: AdditiveQuery
  ) throws(BoostedTreesError) {
    var words = total[...]
    var mustStop = false
    if query.measuresLoss {
      mustStop = try takeLoss(Array(total.prefix(4)))
      words = total.dropFirst(4)
    }
    switch query.kind {
    case .baseline:
      try takeBaseline(total)
      askShapes(updates: [.base(current.baseMargin)])
    case .features(let asked):
      try check(words)
      if mustStop { return endStage() }
      takeShapes(asked, words)
    case .pairs(let pairs):
      try check(words)
      if mustStop { return endStage() }
      if stage == .screening { screen(pairs, words) } else { takePair(words) }
    case .losses: endStage()
    }
  }

  private mutating func takeBaseline(_ total: [Int64]) throws(BoostedTreesError) {
    let count = total[0]
    guard count >= 0, count <= plan.patientLimit else {
      throw BoostedTreesError(.totalOutOfRange, index: 0)
    }
    let limit = Double(count) * FixedUnit.factor
    for index in 1..<total.count where total[index] < 0 || Double(total[index]) > limit {
      throw BoostedTreesError(.totalOutOfRange, index: index)
    }
    guard count > 0 else { throw BoostedTreesError(.noPatients) }
    let margins = try plan.objective.baseMargins(
      patientCount: Double(count), sums: total.dropFirst().map { Double($0) / FixedUnit.factor })
    guard margins.count == 1, let margin = margins.first, margin.isFinite else {
      throw BoostedTreesError(.totalInconsistent)
    }
    current.baseMargin = margin
  }

  private func check(_ words: ArraySlice<Int64>) throws(BoostedTreesError) {
    for word in words where PackedWord.hessian(word) < 0 {
      throw BoostedTreesError(.totalOutOfRange)
    }
  }

  /// Returns whether the stage has not improved for long enough.
  private mutating func takeLoss(_ total: [Int64]) throws(BoostedTreesError) -> Bool {
    var means: [Double?] = []
    for start in [0, 2] {
      let sum = Double(total[start + 1]) / FixedUnit.factor
      guard total[start] >= 0, total[start] <= plan.patientLimit, sum >= 0,
        sum <= Double(total[start]) * FixedUnit.lossLimit
      else { throw BoostedTreesError(.totalOutOfRange, index: start) }
      means.append(total[start] > 0 ? sum / Double(total[start]) : nil)
    }
    // The first measurement of the stage of pairs is of the shapes that were kept.
    let measured = MeasuredLoss(
      iteration: stage == .shapes ? pass : passCount + pass, evaluation: means[0],
      training: means[1])
    losses.append(measured)
    guard let patience = plan.earlyStopping, let loss = means[0] else { return false }
    if loss < best?.loss ?? .infinity { best = (current, loss, pass, losses.count - 1) }
    return pass - (best?.pass ?? pass) >= patience
  }

  private mutating func takeShapes(_ asked: [Int], _ words: ArraySlice<Int64>) {
    var start = words.startIndex
    var updates: [AdditiveUpdate] = []
    for feature in asked {
      let slice = words[start..<(start + features[feature].binCount)]
      start = slice.endIndex
      if pass == 0 { weights.append(slice.map { step.hessian($0) }) }
      let values = step.values(
        slice, bins: features[feature], partLimit: plan.maximumLeafCount)
      for bin in values.indices { current.shapes[feature][bin] += values[bin] }
      updates.append(.feature(feature, values: values))
    }
    place += asked.count
    if place >= features.count {
      place = 0
      pass += 1
      passCount = pass
    }
    if pass < plan.passCount {
      askShapes(updates: updates)
    } else if plan.earlyStopping != nil {
      ask(.losses, updates: updates, measuresLoss: true)
    } else {
      endStage(updates: updates)
    }
  }

  private mutating func askShapes(updates: [AdditiveUpdate]) {
    let last = min(place + plan.featuresPerRound, features.count)
    ask(
      .features(Array(place..<last)), updates: updates,
      measuresLoss: plan.earlyStopping != nil && place == 0 && pass > 0)
  }

  private mutating func ask(
    _ kind: AdditiveQuery.Kind, updates: [AdditiveUpdate], measuresLoss: Bool = false
  ) {
    query = AdditiveQuery(
      sequence: (query?.sequence ?? -1) + 1, kind: kind, updates: updates,
      measuresLoss: measuresLoss)
  }

  /// Goes back to the best model of the stage, and on to the next.
  private mutating func endStage(updates: [AdditiveUpdate] = []) {
    var updates = updates
    if stage == .shapes { keptPassCount = best?.pass ?? pass }
    keptLoss = (best?.measured ?? losses.indices.last).map { losses[$0] }
    if let best {
      for feature in features.indices where current.shapes[feature] != best.shapes.shapes[feature] {
        let change = zip(best.shapes.shapes[feature], current.shapes[feature]).map { $0 - $1 }
        updates.append(.feature(feature, values: change))
      }
      current = best.shapes
    }
    best = nil
    pass = 0
    place = 0
    guard stage == .shapes, plan.pairCount > 0 else {
      query = nil
      return
    }
    stage = .screening
    var requests: [AdditiveQuery.PairRequest] = []
    for first in features.indices {
      for second in (first + 1)..<max(features.count, first + 1) {
        requests.append(request(first, second, binCount: Self.screeningBinCount))
      }
    }
    ask(.pairs(requests), updates: updates)
  }

  private func request(_ first: Int, _ second: Int, binCount: Int) -> AdditiveQuery.PairRequest {
    AdditiveQuery.PairRequest(
      first: first, second: second,
      firstGroups: AdditiveModel.groups(of: features[first], count: binCount),
      secondGroups: AdditiveModel.groups(of: features[second], count: binCount))
  }

  /// Keeps the pairs whose cross gains most at the margins of the finished shapes (FAST, Lou et al.
  /// 2013).
  private mutating func screen(_ pairs: [AdditiveQuery.PairRequest], _ words: ArraySlice<Int64>) {
    var start = words.startIndex
    var gains: [(gain: Double, index: Int)] = []
    for (index, pair) in pairs.enumerated() {
      let slice = words[start..<(start + pair.wordCount)]
      start = slice.endIndex
      let gain = step.cross(slice, rows: pair.firstCount, columns: pair.secondCount).gain
      gains.append((gain, index))
    }
    gains.sort { $0.gain != $1.gain ? $0.gain > $1.gain : $0.index < $1.index }
    for (_, index) in gains.prefix(plan.pairCount) {
      let pair = request(
        pairs[index].first, pairs[index].second, binCount: plan.pairBinCount)
      current.pairs.append(
        AdditiveModel.Pair(
          first: pair.first, second: pair.second, firstGroups: pair.firstGroups,
          secondGroups: pair.secondGroups,
          values: [[Double]](
            repeating: [Double](repeating: 0, count: pair.secondCount), count: pair.firstCount)))
    }
    stage = .pairs
    askPair(updates: [])
  }

  private mutating func askPair(updates: [AdditiveUpdate]) {
    let pair = current.pairs[place]
    ask(
      .pairs([request(pair.first, pair.second, binCount: plan.pairBinCount)]), updates: updates,
      measuresLoss: plan.earlyStopping != nil && place == 0)
  }

  private mutating func takePair(_ words: ArraySlice<Int64>) {
    let columns = current.pairs[place].values.first?.count ?? 0
    let values = step.cross(words, rows: current.pairs[place].values.count, columns: columns).values
    if pass == 0 {
      pairWeights.append(
        values.indices.map { row in
          (0..<columns).map { step.hessian(words[words.startIndex + row * columns + $0]) }
        })
    }
    var change = current.pairs[place]
    change.values = values
    for row in values.indices {
      for column in values[row].indices {
        current.pairs[place].values[row][column] += values[row][column]
      }
    }
    place += 1
    if place == current.pairs.count {
      place = 0
      pass += 1
    }
    if pass < plan.pairPassCount {
      askPair(updates: [.pair(change)])
    } else if plan.earlyStopping != nil {
      ask(.losses, updates: [.pair(change)], measuresLoss: true)
    } else {
      endStage(updates: [.pair(change)])
    }
  }
}

extension AdditiveTrainer where Loss == Objective {
  /// The model so far; final when `query` is nil.
  public var model: AdditiveModel { AdditiveModel(objective: plan.objective, grown: grown) }
}

extension PooledTraining {
  /// Trains an additive model on the shards' sums. Throws what the trainer and the shards throw.
  public static func train<Loss>(
    plan: AdditivePlan<Loss>, features: [FeatureBins], sites: [TrainingRows]
  ) throws(BoostedTreesError) -> AdditiveTrainer<Loss> {
    var trainer = try AdditiveTrainer(plan: plan, features: features)
    var shards: [AdditiveShard] = []
    for rows in sites {
      guard rows.table.features == features else { throw BoostedTreesError(.shapeMismatch) }
      shards.append(try AdditiveShard(rows: rows, plan: plan))
    }
    while let query = trainer.query {
      var total = [Int64](repeating: 0, count: trainer.answerCount)
      for index in shards.indices {
        let answer = try shards[index].answer(query)
        guard answer.count == total.count else { throw BoostedTreesError(.totalLength) }
        for element in total.indices { total[element] &+= answer[element] }
      }
      try trainer.absorb(total)
    }
    return trainer
  }
}
