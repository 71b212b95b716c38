import CanonicalBytes
import Cohort
import Cryptography
import Foundation
import Records
import Study

/// A model of trees that stands alone: how to read a table, its bins, and the trees or shapes.
///
/// A JSON file of the format `wardround-tree-model/1`. Its digest is over the content in canonical
/// bytes, so damage and edits are noticed; it is not a signature. Nothing in it is about a single
/// hospital; a leaf's value is about at least as many patients as the study asked for.
public struct TreeModelFile: PredictiveModelFile, Sendable, Codable, Equatable {
  /// The format written and the only one read.
  public static let format = "wardround-tree-model/1"
  /// Largest file that is read, in bytes.
  public static let maximumBytes = 256 << 20

  /// Name and version of the format.
  public let format: String
  /// Name within the study.
  public let model: String
  /// Boosted trees, random forest or explainable boosting machine.
  public let learner: TreeSettings.Learner
  public let study: ModelFile.StudyFacts
  /// The event in words.
  public let outcome: String
  /// How a table is made of records; nil for a model of tables that are there.
  public let records: RecordsRecipe?
  /// What a table must have, in the order of the bins.
  public let features: [FeatureSpecification]
  /// The study's frozen transform, as its other models use it: trees read the features themselves. Nil in
  /// files of earlier versions.
  public let transform: FrozenTransform?
  /// Bins and trees, or bins and shapes.
  public let content: TreeModel
  /// Risk from which a patient counts as flagged, 0 < t < 1.
  public let threshold: Double
  public let facts: ModelFile.TrainingFacts
  /// The settings that decided when training stopped; nil for a forest, under differential privacy and in
  /// files of earlier versions.
  public let stopping: TreeSettings.Stopping?
  /// Hexadecimal BLAKE2b-256 of everything above.
  public let digest: String

  /// A study's model of trees.
  ///
  /// - Parameters:
  ///   - model: its name.
  ///   - features: those of the study's plan that the transform has, in its order.
  ///   - records: the recipe of the study's plan.
  ///   - transcriptDigest: hexadecimal; empty when there is none.
  /// - Throws: `unknownModel` when the study has no such model of trees; `inconsistent` when the
  ///   features are not those of its bins.
  public init(
    _ result: StudyResult, model name: String, features: [FeatureSpecification],
    records: RecordsRecipe? = nil, transcriptDigest: String = ""
  ) throws(ReportsError) {
    guard let fitted = result.models.first(where: { $0.name == name }), let trees = fitted.trees
    else { throw ReportsError(.unknownModel, "the study has no such model of trees", field: name) }
    format = Self.format
    model = fitted.name
    learner = trees.learner
    study = ModelFile.StudyFacts(
      id: result.study.id, title: result.study.title, planDigest: result.study.planDigest,
      transcriptDigest: transcriptDigest)
    outcome = result.study.outcome
    self.records = records
    self.features = features
    transform = result.transform
    content = trees.model
    threshold = result.study.threshold
    facts = ModelFile.TrainingFacts(
      training: fitted.training, patientCount: result.totals.trainingCount,
      eventCount: result.totals.trainingEventCount, siteCount: result.sites.count,
      iterationCount: fitted.iterationCount, converged: fitted.converged,
      logLoss: fitted.trainingLogLoss)
    stopping = trees.stopping
    digest =
      Self.digest(
        model: model, learner: learner, study: study, outcome: outcome, records: records,
        features: features, transform: transform, content: content, threshold: threshold,
        facts: facts, stopping: stopping
      ).hex
    try check()
  }

  /// Reads a file's bytes and checks that it is whole and possible.
  ///
  /// - Throws: `tooLarge`, `malformed` with the path of the value, `unknownFormat`, `unknownKey`,
  ///   `outOfRange`, `inconsistent`, `digestMismatch`.
  public init(decoding data: Data) throws(ReportsError) {
    self = try StrictJSON.decode(
      Self.self, from: data, format: Self.format, limit: Self.maximumBytes)
    try check()
    let expected = Self.digest(
      model: model, learner: learner, study: study, outcome: outcome, records: records,
      features: features, transform: transform, content: content, threshold: threshold,
      facts: facts, stopping: stopping)
    guard digest == expected.hex else {
      throw ReportsError(
        .digestMismatch, "the file was changed after it was written", field: "digest")
    }
  }

  /// The file's bytes, UTF-8: sorted keys, numbers that read back to the same bits.
  public func encoded() throws(ReportsError) -> Data { try StrictJSON.encode(self) }

  private func check() throws(ReportsError) {
    guard !features.isEmpty, features.count == content.columns.features.count else {
      throw ReportsError(
        .inconsistent, "features and bins have different lengths", field: "features")
    }
    for (feature, binned) in zip(features, content.columns.features) {
      let fits =
        switch (feature.kind, binned) {
        case (.number(let unit, _, _), .number(_, let other, _)): unit == other
        case (.category, .category), (.flag, .flag): true
        default: false
        }
      guard fits, feature.name == binned.name else {
        throw ReportsError(
          .inconsistent, "a feature and its bins do not fit", field: feature.name)
      }
    }
    guard transform?.features.map(\.name) ?? features.map(\.name) == features.map(\.name),
      transform != nil || records == nil
    else {
      throw ReportsError(
        .inconsistent, "features and transform do not fit", field: "transform")
    }
    try checkCommonParts()
  }

  /// The probability of the outcome for every row of a table, in its order; each in [0, 1]. Missing
  /// values go the way the trees learnt. The same bits on every machine.
  ///
  /// - Throws: `tableMismatch` with the feature when the table's features are not the model's.
  public func predict(table: CohortTable) throws(ReportsError) -> [Double] {
    do {
      return try content.predict(table)
    } catch let error as CohortError {
      throw ReportsError(
        .tableMismatch, "the table’s features are not those of the model", field: error.name)
    } catch {
      throw ReportsError(.inconsistent, "the trees do not fit the bins")
    }
  }

  private static func digest(
    model: String, learner: TreeSettings.Learner, study: ModelFile.StudyFacts, outcome: String,
    records: RecordsRecipe?, features: [FeatureSpecification], transform: FrozenTransform?,
    content: TreeModel, threshold: Double,
    facts: ModelFile.TrainingFacts, stopping: TreeSettings.Stopping?
  ) -> Digest {
    var writer = ByteWriter()
    for text in [
      format, model, learner.rawValue, study.id, study.title, study.planDigest,
      study.transcriptDigest, outcome,
    ] { writer.string(text) }
    writer.array(features) { $1.write(to: &$0) }
    writer.raw(content.digest.bytes)
    writer.double(threshold)
    facts.write(to: &writer)
    if let transform {
      writer.raw(
        FrozenPreparation(records: records, features: features, transform: transform).digest.bytes)
    }
    // Files without it keep the digests that they always had.
    if let stopping {
      writer.string("stopping")
      stopping.write(to: &writer)
    }
    return Blake2b.hash("wardround.model", writer.bytes)
  }
}
