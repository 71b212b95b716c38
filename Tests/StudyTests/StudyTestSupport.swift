import Cohort
import Foundation
import LinearModels
import PortableNumerics
import Study
import Synchronization

/// Bit patterns, so that equality is of bits.
func bits(_ values: [Double]) -> [UInt64] { values.map(\.bitPattern) }

/// Whether every value is a finite number.
func areFinite(_ values: [Double]) -> Bool { values.allSatisfy { $0.isFinite } }

/// The models a performance query asked about.
final class Asked: Sendable {
  private let store = Mutex<[NamedModel]>([])
  var models: [NamedModel] { store.withLock { $0 } }
  func note(_ models: [NamedModel]) { store.withLock { $0 = models } }
}

/// A ridge logistic model of a table's training rows by the learner itself, without any study.
func fit(
  _ table: CohortTable, transform: FrozenTransform, ridge: Double, plan: StudyPlan
) throws -> [Double] {
  let applied = try transform.apply(to: table)
  let design = try Matrix(
    rows: applied.rowCount, columns: applied.columnCount, storage: applied.values)
  let learner = try LogisticNewton(
    featureCount: design.columns, ridge: ridge, tolerance: 1e-8, iterationLimit: 25)
  var state = learner.initialState()
  while !state.isFinished {
    state = try learner.update(
      state,
      total: try LogisticNewton.answer(
        beta: state.beta, design: design, outcome: table.outcome,
        rows: table.rowIndices(.training)))
  }
  return state.beta
}

/// The repository's root.
let repositoryRoot = URL(filePath: #filePath).deletingLastPathComponent()
  .appending(path: "../..").standardizedFileURL

/// `$WARDROUND_DATA`, or `../shared/data` beside the repository; nil where neither is there.
let dataFolder: URL? = {
  let environment = ProcessInfo.processInfo.environment["WARDROUND_DATA"].map {
    URL(filePath: $0, directoryHint: .isDirectory)
  }
  let beside = repositoryRoot.appending(path: "../shared/data").standardizedFileURL
  return [environment, beside].compactMap { $0 }.first {
    FileManager.default.fileExists(atPath: $0.path)
  }
}()

/// How many fuzzed inputs a decoder's test reads: WARDROUND_FUZZ_COUNT, or what the suite has time for.
func fuzzCount(_ usual: Int) -> Int {
  ProcessInfo.processInfo.environment["WARDROUND_FUZZ_COUNT"].flatMap { Int($0) } ?? usual
}

/// Seeded draws for fuzzing.
struct SeededBytes {
  private var generator: SplitMix64

  init(seed: UInt64) {
    generator = SplitMix64(seed: seed)
  }

  mutating func integer(below bound: Int) -> Int { generator.uniformInteger(below: max(bound, 1)) }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }

  /// The bytes with one to four changes: flipped bits, cuts, insertions, large lengths.
  mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    for _ in 0...integer(below: 4) where !result.isEmpty {
      let place = integer(below: result.count)
      switch integer(below: 5) {
      case 0: result[place] ^= 1 << UInt8(integer(below: 8))
      case 1: result.removeLast(integer(below: result.count))
      case 2: result.insert(UInt8(integer(below: 256)), at: place)
      case 3: result[place] = 255
      default:
        for index in place..<min(place + 8, result.count) {
          result[index] = UInt8(integer(below: 256))
        }
      }
    }
    return result
  }
}

/// Values handed over by a callback, in order.
final class Collected<Value: Sendable>: Sendable {
  private let store = Mutex<[Value]>([])
  var values: [Value] { store.withLock { $0 } }
  func append(_ value: Value) { store.withLock { $0.append(value) } }
}
