import PortableNumerics

/// One site's part of the training of an additive model: margins, and sums over its patients that do
/// not depend on which site holds them.
public struct AdditiveShard: Sendable {
  private let rows: TrainingRows
  private let objective: any BoostingObjective
  private let scale: DerivativeScale
  private let seed: UInt64
  private var margins: [Double]
  private var words: [Int64]
  /// Sequence number of the last query answered; −1 before the first.
  public private(set) var sequence = -1

  /// Throws `tooManyPatients`, `invalidOutcome` with the row, or as the plan's `validate`.
  public init<Loss>(rows: TrainingRows, plan: AdditivePlan<Loss>) throws(BoostedTreesError) {
    try plan.validate(features: rows.table.features)
    scale = try plan.scale()
    guard rows.table.rowCount <= scale.patientLimit else {
      throw BoostedTreesError(.tooManyPatients)
    }
    for (row, outcome) in rows.outcomes.enumerated()
    where rows.roles[row] != .unused && !plan.objective.accepts(outcome: outcome) {
      throw BoostedTreesError(.invalidOutcome, index: row)
    }
    self.rows = rows
    objective = plan.objective
    seed = plan.seed
    margins = [Double](repeating: 0, count: rows.table.rowCount)
    words = [Int64](repeating: 0, count: rows.table.rowCount)
  }

  /// The margin of a row so far.
  public func margin(ofRow row: Int) -> Double { margins[row] }

  /// Carries a query out and counts what it asks for. Throws `outOfOrder` or `invalidQuery`.
  public mutating func answer(_ query: AdditiveQuery) throws(BoostedTreesError) -> [Int64] {
    try take(query)
    var answer = query.measuresLoss ? losses() : []
    switch query.kind {
    case .baseline:
      answer += baseline()
    case .features(let features):
      derive(query.sequence)
      for feature in features { answer += histogram(feature) }
    case .pairs(let pairs):
      derive(query.sequence)
      for pair in pairs { answer += histogram(pair) }
    case .losses: break
    }
    return answer
  }

  /// Training patients, then every baseline term's sum.
  private func baseline() -> [Int64] {
    let termCount = objective.baselineTermCount
    var answer = [Int64](repeating: 0, count: 1 + termCount)
    for row in 0..<rows.table.rowCount where rows.roles[row] == .training {
      answer[0] += 1
      let terms = objective.baselineTerms(outcome: rows.outcomes[row])
      for (term, value) in terms.prefix(termCount).enumerated() {
        answer[1 + term] += FixedUnit.units(ofTerm: value)
      }
    }
    return answer
  }

  /// Carries a query out without counting: how a restarted site catches up with past totals.
  public mutating func replay(_ query: AdditiveQuery) throws(BoostedTreesError) {
    try take(query)
  }

  private mutating func take(_ query: AdditiveQuery) throws(BoostedTreesError) {
    if query.sequence == sequence { return }
    guard query.sequence == sequence + 1 else { throw BoostedTreesError(.outOfOrder) }
    let features = rows.table.features
    func isPossible(_ feature: Int, _ binCount: Int) -> Bool {
      features.indices.contains(feature) && features[feature].binCount == binCount
    }
    switch query.kind {
    case .features(let asked):
      guard asked.allSatisfy({ features.indices.contains($0) }) else {
        throw BoostedTreesError(.invalidQuery)
      }
    case .pairs(let pairs):
      for pair in pairs {
        guard isPossible(pair.first, pair.firstGroups.count),
          isPossible(pair.second, pair.secondGroups.count),
          pair.firstGroups.allSatisfy({ $0 >= 0 }), pair.secondGroups.allSatisfy({ $0 >= 0 })
        else { throw BoostedTreesError(.invalidQuery) }
      }
    case .baseline, .losses: break
    }
    for update in query.updates {
      switch update {
      case .base: break
      case .feature(let feature, let values):
        guard isPossible(feature, values.count) else { throw BoostedTreesError(.invalidQuery) }
      case .pair(let pair):
        guard isPossible(pair.first, pair.firstGroups.count),
          isPossible(pair.second, pair.secondGroups.count)
        else { throw BoostedTreesError(.invalidQuery) }
      }
    }
    for update in query.updates { apply(update) }
    sequence = query.sequence
  }

  private mutating func apply(_ update: AdditiveUpdate) {
    switch update {
    case .base(let value):
      for row in margins.indices { margins[row] += value }
    case .feature(let feature, let values):
      rows.table.forEachColumn(of: feature) { start, column in
        for row in column.indices { margins[start + row] += values[Int(column[row])] }
      }
    case .pair(let pair):
      for row in margins.indices {
        margins[row] += pair.value { rows.table.bin(row: row, feature: $0) }
      }
    }
  }

  /// Derivatives at the present margins, rounded with the round's own seed; 0 outside training.
  private mutating func derive(_ round: Int) {
    let count = rows.table.rowCount
    guard count > 0 else { return }
    let seed = SplitMix64.seed(seed, UInt64(round))
    var gradient = [Double](repeating: 0, count: count)
    var hessian = gradient
    let (objective, scale, keys, outcomes) = (objective, scale, rows.keys, rows.outcomes)
    margins.withUnsafeBufferPointer { margins in
      outcomes.withUnsafeBufferPointer { outcomes in
        keys.withUnsafeBufferPointer { keys in
          gradient.withUnsafeMutableBufferPointer { gradient in
            hessian.withUnsafeMutableBufferPointer { hessian in
              words.withUnsafeMutableBufferPointer { words in
                guard let m = margins.baseAddress, let y = outcomes.baseAddress,
                  let k = keys.baseAddress, let g = gradient.baseAddress,
                  let h = hessian.baseAddress, let w = words.baseAddress
                else { return }
                let target = DerivativeRows(gradient: g, hessian: h)
                objective.derivatives(
                  ObjectiveRows(count: count, margins: [m], outcomes: y),
                  output: 0, into: target)
                scale.write(count: count, derivatives: target, keys: k, seed: seed, into: w)
              }
            }
          }
        }
      }
    }
    for row in 0..<count where rows.roles[row] != .training { words[row] = 0 }
  }

  private func histogram(_ feature: Int) -> [Int64] {
    var histogram = [Int64](repeating: 0, count: rows.table.features[feature].binCount)
    rows.table.forEachColumn(of: feature) { start, column in
      for row in column.indices { histogram[Int(column[row])] &+= words[start + row] }
    }
    return histogram
  }

  private func histogram(_ pair: AdditiveQuery.PairRequest) -> [Int64] {
    var histogram = [Int64](repeating: 0, count: pair.wordCount)
    let width = pair.secondCount
    for row in words.indices {
      let first = pair.firstGroups[Int(rows.table.bin(row: row, feature: pair.first))]
      let second = pair.secondGroups[Int(rows.table.bin(row: row, feature: pair.second))]
      histogram[first * width + second] &+= words[row]
    }
    return histogram
  }

  /// Evaluation patients and their loss, then training patients and theirs.
  private func losses() -> [Int64] {
    let count = rows.table.rowCount
    var answer: [Int64] = [0, 0, 0, 0]
    guard count > 0 else { return answer }
    var values = [Double](repeating: 0, count: count)
    margins.withUnsafeBufferPointer { margins in
      rows.outcomes.withUnsafeBufferPointer { outcomes in
        values.withUnsafeMutableBufferPointer { values in
          guard let m = margins.baseAddress, let y = outcomes.baseAddress,
            let v = values.baseAddress
          else { return }
          objective.losses(
            ObjectiveRows(count: count, margins: [m], outcomes: y), into: v)
        }
      }
    }
    for row in 0..<count where rows.roles[row] != .unused {
      let value = values[row]
      let loss = value >= 0 ? (value < FixedUnit.lossLimit ? value : FixedUnit.lossLimit) : 0
      let start = rows.roles[row] == .evaluation ? 0 : 2
      answer[start] += 1
      answer[start + 1] += Int64((loss * FixedUnit.factor).rounded(.toNearestOrEven))
    }
    return answer
  }
}

extension BinnedTable {
  /// Calls `body` with the bins of a feature, block after block, and the block's first row.
  func forEachColumn(
    of feature: Int, _ body: (_ start: Int, _ column: UnsafeBufferPointer<UInt8>) -> Void
  ) {
    storage.withUnsafeBufferPointer { storage in
      for block in 0..<blockCount {
        let rows = rows(ofBlock: block)
        let start = rows.lowerBound * features.count + feature * rows.count
        body(rows.lowerBound, UnsafeBufferPointer(rebasing: storage[start..<(start + rows.count)]))
      }
    }
  }
}
