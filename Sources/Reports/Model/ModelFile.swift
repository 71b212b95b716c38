import Cohort
import Cryptography
import Foundation
import LinearModels
import PortableNumerics
import Records
import Study

/// A model that stands alone: how to read a table, how to prepare it, and the coefficients.
///
/// A JSON file of the format `wardround-model/1`. Its digest is over the content in canonical bytes, so
/// damage and edits are noticed; it is not a signature and does not say who made the file. Nothing in
/// it is about a single patient or a single hospital.
public struct ModelFile: PredictiveModelFile, Sendable, Codable, Equatable {
  /// The format written and the only one read.
  public static let format = "wardround-model/1"
  /// Largest file that is read, in bytes.
  public static let maximumBytes = 16 << 20

  /// What the study was.
  public struct StudyFacts: Sendable, Codable, Equatable {
    public var id: String
    public var title: String
    /// Hexadecimal digest of the plan that the sites approved.
    public var planDigest: String
    /// Hexadecimal digest of the transcript; empty when there is none.
    public var transcriptDigest: String
  }

  /// What the model was trained on.
  public struct TrainingFacts: Sendable, Codable, Equatable {
    /// "newton" and the like.
    public var training: String
    public var patientCount: Int
    public var eventCount: Int
    public var siteCount: Int
    public var iterationCount: Int
    public var converged: Bool
    /// Mean over the training patients, where the training gives it.
    public var logLoss: Double?
  }

  /// Name and version of the format.
  public let format: String
  /// Name within the study.
  public let model: String
  public let study: StudyFacts
  /// The event in words.
  public let outcome: String
  /// How a table is made of records; nil for a model of tables that are there.
  public let records: RecordsRecipe?
  /// What a table must have, in the order of the transform.
  public let features: [FeatureSpecification]
  /// From a table to the columns of the model.
  public let transform: FrozenTransform
  /// Names of the columns.
  public let columns: [String]
  /// Intercept first, standardised scale; one per column after it.
  public let coefficients: [Double]
  /// Risk from which a patient counts as flagged, 0 < t < 1.
  public let threshold: Double
  public let facts: TrainingFacts
  /// Hexadecimal BLAKE2b-256 of everything above.
  public let digest: String

  /// The model of a study.
  ///
  /// - Parameters:
  ///   - model: its name; nil for the primary model.
  ///   - features: those of the study's plan that the transform has, in its order.
  ///   - records: the recipe of the study's plan.
  ///   - transcriptDigest: hexadecimal; empty when there is none.
  /// - Throws: `unknownModel`; `inconsistent` when the features are not those of the transform.
  public init(
    _ result: StudyResult, model name: String? = nil, features: [FeatureSpecification],
    records: RecordsRecipe? = nil, transcriptDigest: String = ""
  ) throws(ReportsError) {
    let fitted =
      name.map { name in result.models.first { $0.name == name } }
      ?? result.models.first
    guard let fitted else {
      throw ReportsError(.unknownModel, "the study has no such model", field: name ?? "")
    }
    self.init(
      model: fitted.name,
      study: StudyFacts(
        id: result.study.id, title: result.study.title, planDigest: result.study.planDigest,
        transcriptDigest: transcriptDigest), outcome: result.study.outcome, records: records,
      features: features,
      transform: result.transform, columns: fitted.columns, coefficients: fitted.coefficients,
      threshold: result.study.threshold,
      facts: TrainingFacts(
        training: fitted.training, patientCount: result.totals.trainingCount,
        eventCount: result.totals.trainingEventCount, siteCount: result.sites.count,
        iterationCount: fitted.iterationCount, converged: fitted.converged,
        logLoss: fitted.trainingLogLoss))
    try check()
  }

  private init(
    model: String, study: StudyFacts, outcome: String, records: RecordsRecipe?,
    features: [FeatureSpecification],
    transform: FrozenTransform, columns: [String], coefficients: [Double], threshold: Double,
    facts: TrainingFacts
  ) {
    format = Self.format
    self.model = model
    self.study = study
    self.outcome = outcome
    self.records = records
    self.features = features
    self.transform = transform
    self.columns = columns
    self.coefficients = coefficients
    self.threshold = threshold
    self.facts = facts
    digest =
      Self.digest(
        model: model, study: study, outcome: outcome, records: records, features: features,
        transform: transform,
        columns: columns, coefficients: coefficients, threshold: threshold, facts: facts
      ).hex
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
      model: model, study: study, outcome: outcome, records: records, features: features,
      transform: transform,
      columns: columns, coefficients: coefficients, threshold: threshold, facts: facts)
    guard digest == expected.hex else {
      throw ReportsError(
        .digestMismatch, "the file was changed after it was written", field: "digest")
    }
  }

  /// The file's bytes, UTF-8: sorted keys, numbers that read back to the same bits.
  public func encoded() throws(ReportsError) -> Data {
    try StrictJSON.encode(self)
  }

  /// A name for the file of a study's n-th model, counted from 0: "model.json" for the primary one,
  /// else its number and its name in letters, digits and hyphens. Names never meet and never leave
  /// the folder, whatever the model is called.
  public static func fileName(model: String, index: Int) -> String {
    guard index > 0 else { return "model.json" }
    let words = model.lowercased().unicodeScalars.map { scalar -> Character in
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
      return isPlain ? Character(scalar) : "-"
    }
    let name = String(words).split(separator: "-").joined(separator: "-").prefix(48)
    return "model-\(index + 1)" + (name.isEmpty ? "" : "-\(name)") + ".json"
  }

  /// The probability of the outcome for every row of a table, in its order; each in [0, 1].
  ///
  /// Missing values are imputed as in training. The same bits on every machine.
  ///
  /// - Throws: `tableMismatch` with the feature when the table's features are not the model's.
  public func predict(table: CohortTable) throws(ReportsError) -> [Double] {
    do {
      let prepared = try transform.apply(to: table)
      let design = try Matrix(
        rows: prepared.rowCount, columns: prepared.columnCount, storage: prepared.values)
      return try LogisticNewton.predict(beta: coefficients, design: design)
    } catch let error as CohortError {
      throw ReportsError(
        .tableMismatch, "the table’s features are not those of the model", field: error.name)
    } catch {
      throw ReportsError(.inconsistent, "the coefficients do not fit the columns")
    }
  }
}
