extension LocalShard {
  /// Carries a checked step out, block by block, and counts into one vector.
  mutating func run(
    _ step: GrowthStep, plan: AnswerPlan, counts: Bool, crew: WorkCrew
  ) -> [Int64] {
    let rowCount = rows.table.rowCount
    let blockCount = rows.table.blockCount
    let outputCount = settings.objective.outputCount
    let leafLimit = settings.maximumLeafCount
    let previous = batch
    if let next = step.begins {
      if margins.isEmpty {
        margins = next.baseMargins.flatMap { [Double](repeating: $0, count: rowCount) }
      }
      batch = next
      leafCounts = next.trees.map { _ in 1 }
      let treeCount = next.trees.count
      if words.count != treeCount * rowCount, step.completed.isEmpty {
        words = [Int64](repeating: 0, count: treeCount * rowCount)
        places = [UInt16](repeating: 0, count: treeCount * rowCount)
        segments = [Segment](repeating: Segment(), count: treeCount * blockCount * leafLimit)
      } else if words.count < treeCount * rowCount {
        words += [Int64](repeating: 0, count: treeCount * rowCount - words.count)
        places += [UInt16](repeating: 0, count: treeCount * rowCount - places.count)
        segments += [Segment](
          repeating: Segment(), count: treeCount * blockCount * leafLimit - segments.count)
      }
    }
    let answerCount = counts ? plan.answerCount(countsPatients: settings.countsPatients) : 0
    let workers = max(1, min(crew.size, blockCount))
    // Never empty, so that its buffer has an address.
    var answers = [Int64](repeating: 0, count: max(answerCount * workers, 1))
    let settings = settings
    let table = rows.table
    let keys = rows.keys
    let outcomes = rows.outcomes
    let roles = rows.roles
    let batch = batch
    let leafCounts = leafCounts
    answers.withUnsafeMutableBufferPointer { answers in
      margins.withUnsafeMutableBufferPointer { margins in
        words.withUnsafeMutableBufferPointer { words in
          places.withUnsafeMutableBufferPointer { places in
            segments.withUnsafeMutableBufferPointer { segments in
              table.storage.withUnsafeBufferPointer { bins in
                keys.withUnsafeBufferPointer { keys in
                  outcomes.withUnsafeBufferPointer { outcomes in
                    roles.withUnsafeBufferPointer { roles in
                      guard let answerBase = answers.baseAddress,
                        let marginBase = margins.baseAddress, let wordBase = words.baseAddress,
                        let placeBase = places.baseAddress,
                        let segmentBase = segments.baseAddress, let binBase = bins.baseAddress,
                        let keyBase = keys.baseAddress, let outcomeBase = outcomes.baseAddress,
                        let roleBase = roles.baseAddress
                      else { return }
                      let memory = ShardMemory(
                        answers: answerBase, margins: marginBase, words: wordBase,
                        places: placeBase, segments: segmentBase, bins: binBase, keys: keyBase,
                        outcomes: outcomeBase, roles: roleBase)
                      crew.run(workers) { worker in
                        var work = BlockWork(
                          memory: memory, table: table, settings: settings,
                          step: step, plan: plan, counts: counts, batch: batch,
                          previous: previous, leafCounts: leafCounts, outputCount: outputCount)
                        work.answer = memory.answers + worker * answerCount
                        let first = blockCount * worker / workers
                        let last = blockCount * (worker + 1) / workers
                        for block in first..<last { work.run(block) }
                        work.finish()
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    if answerCount == 0 { return [] }
    guard workers > 1 else { return answers }
    for worker in 1..<workers {
      for index in 0..<answerCount { answers[index] &+= answers[worker * answerCount + index] }
    }
    answers.removeLast(answerCount * (workers - 1))
    return answers
  }
}

/// The buffers of one answer.
///
/// `@unchecked Sendable` proof: the pointers live for the whole of `crew.run`, which returns only
/// when every part has. Parts share `bins`, `keys`, `outcomes` and `roles`, which nobody writes. Part w writes
/// its own stretch of `answers` and, in the others, only what belongs to its own blocks, which are
/// disjoint from every other part's.
struct ShardMemory: @unchecked Sendable {
  let answers: UnsafeMutablePointer<Int64>
  let margins: UnsafeMutablePointer<Double>
  let words: UnsafeMutablePointer<Int64>
  let places: UnsafeMutablePointer<UInt16>
  let segments: UnsafeMutablePointer<LocalShard.Segment>
  let bins: UnsafePointer<UInt8>
  let keys: UnsafePointer<UInt64>
  let outcomes: UnsafePointer<Double>
  let roles: UnsafePointer<RowRole>
}
