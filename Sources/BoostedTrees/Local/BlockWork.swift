import PortableNumerics

/// One worker's pass over its blocks: all that a step does with a block is done while the block is
/// in the cache.
///
/// Safety: the pointers of `ShardMemory` are valid for `rowCount` rows, and the step was checked
/// against the number of leaves and features; the places of a block are below its number of rows.
struct BlockWork {
  let memory: ShardMemory
  let table: BinnedTable
  let settings: ShardSettings
  let step: GrowthStep
  let plan: AnswerPlan
  let counts: Bool
  let batch: TreeBatch
  let previous: TreeBatch
  /// Leaves of each tree after the step.
  let leafCounts: [Int]
  let outputCount: Int
  /// This worker's vector.
  var answer: UnsafeMutablePointer<Int64>

  /// Derivatives are made in pieces of this many rows, which stay in the first-level cache.
  static let pieceCount = 512
  private let spare: UnsafeMutablePointer<UInt16>
  private let ordered: UnsafeMutablePointer<Int64>
  private let ones: UnsafeMutablePointer<Int64>
  private let work: UnsafeMutablePointer<HistogramKernel.Leaf>
  private let gradient: UnsafeMutablePointer<Double>
  private let hessian: UnsafeMutablePointer<Double>
  /// Base margins, repeated, by output.
  private let constants: UnsafeMutablePointer<Double>

  init(
    memory: ShardMemory, table: BinnedTable, settings: ShardSettings,
    step: GrowthStep, plan: AnswerPlan, counts: Bool, batch: TreeBatch, previous: TreeBatch,
    leafCounts: [Int], outputCount: Int
  ) {
    self.memory = memory
    self.table = table
    self.settings = settings
    self.step = step
    self.plan = plan
    self.counts = counts
    self.batch = batch
    self.previous = previous
    self.leafCounts = leafCounts
    self.outputCount = outputCount
    answer = memory.answers
    spare = .allocate(capacity: BinnedTable.rowsPerBlock)
    ordered = .allocate(capacity: BinnedTable.rowsPerBlock)
    ones = .allocate(capacity: settings.countsPatients ? BinnedTable.rowsPerBlock : 1)
    if settings.countsPatients {
      ones.initialize(repeating: 1, count: BinnedTable.rowsPerBlock)
    }
    work = .allocate(capacity: max(plan.parts.count, 1))
    work.initialize(
      repeating: HistogramKernel.Leaf(
        count: 0, isDense: false, places: spare, words: ordered, histogram: memory.answers),
      count: max(plan.parts.count, 1))
    gradient = .allocate(capacity: Self.pieceCount)
    hessian = .allocate(capacity: Self.pieceCount)
    constants = .allocate(capacity: Self.pieceCount * outputCount)
    if let next = step.begins {
      for output in 0..<outputCount {
        (constants + output * Self.pieceCount).initialize(
          repeating: next.baseMargins[output], count: Self.pieceCount)
      }
    }
  }

  /// Frees the worker's own memory; the worker is not used after it.
  func finish() {
    spare.deallocate()
    ordered.deallocate()
    ones.deallocate()
    work.deallocate()
    gradient.deallocate()
    hessian.deallocate()
    constants.deallocate()
  }

  mutating func run(_ block: Int) {
    let rows = table.rows(ofBlock: block)
    for (tree, completed) in step.completed.enumerated() {
      for split in completed.splits { apply(split, tree: tree, block: block, rows: rows) }
      addLeafValues(completed.leafValues, tree: tree, block: block, rows: rows)
    }
    if step.measuresLoss && counts { measureLoss(rows) }
    if let next = step.begins {
      for (index, tree) in next.trees.enumerated() {
        beginTree(index, tree, usesBaseMargins: next.usesBaseMargins, block: block, rows: rows)
      }
    }
    for (tree, request) in step.trees.enumerated() {
      for split in request.splits { apply(split, tree: tree, block: block, rows: rows) }
    }
    if counts {
      for run in plan.runs { build(run, block: block, rows: rows) }
    }
  }

  /// The segments of a block, by leaf.
  private func segments(tree: Int, block: Int) -> UnsafeMutablePointer<LocalShard.Segment> {
    memory.segments + (tree * table.blockCount + block) * settings.maximumLeafCount
  }

  /// The places of a block.
  private func places(tree: Int, rows: Range<Int>) -> UnsafeMutablePointer<UInt16> {
    memory.places + tree * table.rowCount + rows.lowerBound
  }

  /// The block's column of a feature.
  private func column(_ feature: Int, rows: Range<Int>) -> UnsafePointer<UInt8> {
    memory.bins + rows.lowerBound * table.features.count + feature * rows.count
  }

  private func apply(_ split: LeafSplit, tree: Int, block: Int, rows: Range<Int>) {
    let segments = segments(tree: tree, block: block)
    let places = places(tree: tree, rows: rows)
    let column = column(split.test.feature, rows: rows)
    var left = segments[split.leaf]
    var right = LocalShard.Segment()
    let count = PartitionKernel.split(
      count: Int(left.count), places: places + Int(left.start), spare: spare, column: column,
      test: split.test)
    right.start = left.start + UInt16(count)
    right.count = left.count - UInt16(count)
    left.count = UInt16(count)
    let otherCount =
      left.otherCount == 0
      ? 0
      : PartitionKernel.split(
        count: Int(left.otherCount), places: places + Int(left.otherStart), spare: spare,
        column: column, test: split.test)
    right.otherStart = left.otherStart + UInt16(otherCount)
    right.otherCount = left.otherCount - UInt16(otherCount)
    left.otherCount = UInt16(otherCount)
    segments[split.leaf] = left
    segments[split.right] = right
  }

  private func addLeafValues(_ values: [Double], tree: Int, block: Int, rows: Range<Int>) {
    let segments = segments(tree: tree, block: block)
    let places = places(tree: tree, rows: rows)
    let margins =
      memory.margins + previous.trees[tree].output * table.rowCount + rows.lowerBound
    for (leaf, value) in values.enumerated() {
      let segment = segments[leaf]
      for j in 0..<Int(segment.count) {
        margins[Int(places[Int(segment.start) + j])] += value
      }
      for j in 0..<Int(segment.otherCount) {
        margins[Int(places[Int(segment.otherStart) + j])] += value
      }
    }
  }

  /// Sums of loss and patients: evaluation first, then training.
  private func measureLoss(_ rows: Range<Int>) {
    forEachPiece(rows) { piece in
      settings.objective.losses(
        objectiveRows(piece, usesBaseMargins: false), into: gradient)
      for row in 0..<piece.count {
        let role = memory.roles[piece.lowerBound + row]
        guard role != .unused else { continue }
        let value = gradient[row]
        let loss =
          value >= 0 ? (value < FixedUnit.lossLimit ? value : FixedUnit.lossLimit) : 0
        let start = role == .evaluation ? 0 : 2
        answer[start] &+= 1
        answer[start + 1] &+= Int64((loss * FixedUnit.factor).rounded(.toNearestOrEven))
      }
    }
  }

  private func forEachPiece(_ rows: Range<Int>, _ body: (Range<Int>) -> Void) {
    var first = rows.lowerBound
    while first < rows.upperBound {
      let last = min(first + Self.pieceCount, rows.upperBound)
      body(first..<last)
      first = last
    }
  }

  private func objectiveRows(_ piece: Range<Int>, usesBaseMargins: Bool) -> ObjectiveRows {
    let margins = (0..<outputCount).map { output in
      UnsafePointer(
        usesBaseMargins
          ? constants + output * Self.pieceCount
          : memory.margins + output * table.rowCount + piece.lowerBound)
    }
    return ObjectiveRows(
      count: piece.count, margins: margins, outcomes: memory.outcomes + piece.lowerBound)
  }

  /// Derivatives, sample and the root's rows.
  private func beginTree(
    _ index: Int, _ tree: TreeBatch.Tree, usesBaseMargins: Bool, block: Int, rows: Range<Int>
  ) {
    let words = memory.words + index * table.rowCount
    forEachPiece(rows) { piece in
      let target = DerivativeRows(gradient: gradient, hessian: hessian)
      settings.objective.derivatives(
        objectiveRows(piece, usesBaseMargins: usesBaseMargins), output: tree.output, into: target)
      settings.scale.write(
        count: piece.count, derivatives: target, keys: memory.keys + piece.lowerBound,
        seed: tree.seed, into: words + piece.lowerBound)
    }
    let places = places(tree: index, rows: rows)
    let threshold = settings.rowThreshold
    // Another hash than the one that rounds.
    let seed = SplitMix64.mix(tree.seed &+ 0x9E37_79B9_7F4A_7C15)
    var count = 0
    var otherCount = 0
    for row in 0..<rows.count {
      let global = rows.lowerBound + row
      let isGrown =
        memory.roles[global] == .training
        && (threshold == .max || SplitMix64.mix(memory.keys[global] ^ seed) < threshold)
      places[count] = UInt16(truncatingIfNeeded: row)
      spare[otherCount] = UInt16(truncatingIfNeeded: row)
      count += isGrown ? 1 : 0
      otherCount += isGrown ? 0 : 1
    }
    (places + count).update(from: spare, count: otherCount)
    segments(tree: index, block: block)[0] = LocalShard.Segment(
      start: 0, count: UInt16(count), otherStart: UInt16(count), otherCount: UInt16(otherCount))
  }

  /// Histograms of leaves of one tree by the same features, and their counts.
  private func build(_ run: Range<Int>, block: Int, rows: Range<Int>) {
    let first = plan.parts[run.lowerBound]
    let segments = segments(tree: first.tree, block: block)
    let places = places(tree: first.tree, rows: rows)
    let words = memory.words + first.tree * table.rowCount + rows.lowerBound
    // Each leaf's words in the order of its places, leaf after leaf.
    var offset = 0
    for index in run {
      let segment = segments[plan.parts[index].leaf]
      let count = Int(segment.count)
      // Places keep their order, so a leaf with all rows of a block has them in their own order.
      let isDense = count == rows.count
      work[index - run.lowerBound] = HistogramKernel.Leaf(
        count: count, isDense: isDense, places: places + Int(segment.start),
        words: isDense ? words : ordered + offset,
        histogram: answer + plan.lossCount + plan.parts[index].start)
      if !isDense {
        let target = ordered + offset
        let source = places + Int(segment.start)
        for j in 0..<count { target[j] = words[Int(source[j])] }
        offset += count
      }
    }
    let leaves = UnsafeMutableBufferPointer(start: work, count: run.count)
    let columns = column(0, rows: rows)
    first.layout.features.withUnsafeBufferPointer { features in
      first.layout.starts.withUnsafeBufferPointer { starts in
        HistogramKernel.add(
          leaves: UnsafeBufferPointer(leaves), block: columns, blockRows: rows.count,
          features: features, starts: starts)
        if settings.countsPatients {
          for index in 0..<run.count {
            leaves[index].words = UnsafePointer(ones)
            leaves[index].histogram += plan.wordCount
          }
          HistogramKernel.add(
            leaves: UnsafeBufferPointer(leaves), block: columns, blockRows: rows.count,
            features: features, starts: starts)
        }
      }
    }
  }
}
