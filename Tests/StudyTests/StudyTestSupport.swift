import Cohort
import Foundation
import LinearModels
import PortableNumerics
import Study
import Synchronization

/// Bit patterns, so that equality is of bits.
func bits(_ values: [Double]) -> [UInt64] { values.map(\.bitPattern) }

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
