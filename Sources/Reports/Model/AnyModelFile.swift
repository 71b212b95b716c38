import Cohort
import Cryptography
import Foundation
import Records
import Study

/// A model file of any kind, told apart by the format it names.
public enum AnyModelFile: Sendable, Equatable {
  /// Coefficients.
  case linear(ModelFile)
  /// Trees or shapes.
  case trees(TreeModelFile)

  /// The file of a study's model.
  ///
  /// - Throws: as the two kinds do.
  public init(
    _ result: StudyResult, model name: String, features: [FeatureSpecification],
    records: RecordsRecipe? = nil, transcriptDigest: String = ""
  ) throws(ReportsError) {
    if result.models.contains(where: { $0.name == name && $0.trees != nil }) {
      self = .trees(
        try TreeModelFile(
          result, model: name, features: features, records: records,
          transcriptDigest: transcriptDigest))
    } else {
      self = .linear(
        try ModelFile(
          result, model: name, features: features, records: records,
          transcriptDigest: transcriptDigest))
    }
  }

  /// Reads a file's bytes. Throws as the two kinds do.
  public init(decoding data: Data) throws(ReportsError) {
    struct Head: Decodable { var format: String }
    let head = try? JSONDecoder().decode(Head.self, from: data)
    if head?.format == TreeModelFile.format {
      self = .trees(try TreeModelFile(decoding: data))
    } else {
      self = .linear(try ModelFile(decoding: data))
    }
  }

  /// The file's bytes.
  public func encoded() throws(ReportsError) -> Data {
    switch self {
    case .linear(let file): try file.encoded()
    case .trees(let file): try file.encoded()
    }
  }

  /// What a table must have.
  public var features: [FeatureSpecification] {
    switch self {
    case .linear(let file): file.features
    case .trees(let file): file.features
    }
  }

  /// How a table is made of records; nil for a model of tables that are there.
  public var records: RecordsRecipe? {
    switch self {
    case .linear(let file): file.records
    case .trees(let file): file.records
    }
  }

  /// Digest of recipe, features and transform: that of the study's `transform.json`. Nil for a model of
  /// trees of an earlier version.
  public var preparationDigest: Digest? {
    let transform: FrozenTransform? =
      switch self {
      case .linear(let file): file.transform
      case .trees(let file): file.transform
      }
    return transform.map {
      FrozenPreparation(records: records, features: features, transform: $0).digest
    }
  }

  /// The words that the model knows of each feature; nil for one that is not a category.
  public var knownLevels: [[String]?] {
    switch self {
    case .linear(let file):
      file.transform.features.map {
        if case .category(let category) = $0 { category.levels } else { nil }
      }
    case .trees(let file):
      file.content.columns.features.map {
        if case .category(_, let levels, _) = $0 { levels } else { nil }
      }
    }
  }

  /// Whether a word that the model does not know counts as a missing value, by feature: trees that
  /// met no rare words have no branch for others.
  public var unknownCountsAsMissing: [Bool] {
    switch self {
    case .linear(let file): file.transform.features.map { _ in false }
    case .trees(let file):
      file.content.columns.features.map {
        if case .category(_, _, let hasOther) = $0 { !hasOther } else { false }
      }
    }
  }

  /// Risk from which a patient counts as flagged.
  public var threshold: Double {
    switch self {
    case .linear(let file): file.threshold
    case .trees(let file): file.threshold
    }
  }

  /// The event in words.
  public var outcome: String {
    switch self {
    case .linear(let file): file.outcome
    case .trees(let file): file.outcome
    }
  }

  /// What a reader of tables needs.
  public var predictionSpecification: CohortSpecification {
    switch self {
    case .linear(let file): file.predictionSpecification
    case .trees(let file): file.predictionSpecification
    }
  }

  /// The probability of the outcome for every row of a table. Throws `tableMismatch`.
  public func predict(table: CohortTable) throws(ReportsError) -> [Double] {
    switch self {
    case .linear(let file): try file.predict(table: table)
    case .trees(let file): try file.predict(table: table)
    }
  }
}
