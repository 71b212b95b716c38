import Cryptography
import LinearModels
import PortableNumerics

/// Local training for federated averaging.
extension LocalAnswers {
  /// One round's answer: train from the global weights on the training patients, clip, weight,
  /// round. Throws `diverged` when training ends in numbers that are not finite; nothing leaves then.
  mutating func averaging(_ query: SumQuery.AveragingQuery) throws -> [Int64] {
    guard case .federatedAveraging(let settings) = query.model.training else {
      throw StudyError(.malformedAnswer, "the query's model is not trained by averaging")
    }
    let design = try prepare(query.transform)
    let learner = LogisticLearner(featureCount: design.columns)
    let averaging = try FederatedAveraging(
      parameterCount: learner.parameterCount, settings: settings)
    let examples = try TabularExamples(design: design, outcome: cohort.outcome.map(Double.init))
    let rows = cohort.rowIndices(.training)
    guard !rows.isEmpty else { return [Int64](repeating: 0, count: averaging.vectorLength) }
    do {
      let local = try learner.localUpdate(
        from: query.weights, examples: examples, rows: rows, settings: settings.local,
        seed: averaging.localSeed(round: query.round, siteWord: siteWord))
      return try averaging.encode(
        local: local, global: query.weights, patientCount: rows.count,
        lossSum: learner.lossSum(at: query.weights, examples: examples, indices: rows[...]))
    } catch {
      guard error.code == .diverged else { throw error }
      throw StudyError(
        .diverged,
        "local training of `\(query.model.name)` at \(site) ended in numbers that are not finite;"
          + " nothing was sent. Lower `learning_rate` in the study file")
    }
  }

  /// A word that differs between sites, for the seed of the shuffles.
  private var siteWord: UInt64 {
    Blake2b.hash("wardround.site", Array(site.utf8)).bytes.prefix(8).reduce(0) {
      $0 << 8 | UInt64($1)
    }
  }
}
