import Cohort
import Foundation
import Records
import Study

/// The study's frozen transform as a file of its own, `transform.json`: how records become a table, what
/// the table's columns are, and how they become the columns of a model.
///
/// A function of plan and totals: every site that ran the study writes the same bytes. Its digest is that
/// of the preparation inside every model file of the study.
public struct TransformFile: Sendable, Codable, Equatable {
  /// The format written and the only one read.
  public static let format = "wardround-transform/1"
  /// Its name among a study's files.
  public static let fileName = "transform.json"
  /// Largest file that is read, in bytes.
  public static let maximumBytes = 16 << 20

  /// Name and version of the format.
  public let format: String
  /// Identifier of the study, and hexadecimal digest of the plan that the sites approved.
  public let study: String
  public let planDigest: String
  /// How a table is made of records; nil for a study over tables that are there.
  public let records: RecordsRecipe?
  /// What a table must have, in the order of the transform.
  public let features: [FeatureSpecification]
  public let transform: FrozenTransform
  /// Hexadecimal digest of recipe, features and transform (`FrozenPreparation.digest`).
  public let digest: String

  /// The preparation of a study.
  public init(_ preparation: FrozenPreparation, of study: StudyResult.StudyFacts) {
    format = Self.format
    self.study = study.id
    planDigest = study.planDigest
    records = preparation.records
    features = preparation.features
    transform = preparation.transform
    digest = preparation.digest.hex
  }

  /// Reads a file's bytes and checks that it is whole.
  ///
  /// - Throws: `tooLarge`, `malformed`, `unknownFormat`, `unknownKey`, `inconsistent`, `digestMismatch`.
  public init(decoding data: Data) throws(ReportsError) {
    self = try StrictJSON.decode(
      Self.self, from: data, format: Self.format, limit: Self.maximumBytes)
    do {
      try records?.validate()
    } catch {
      throw ReportsError(.inconsistent, "the recipe contradicts itself", field: error.name)
    }
    guard features.map(\.name) == transform.features.map(\.name) else {
      throw ReportsError(
        .inconsistent, "features and transform do not fit", field: "features")
    }
    guard digest == preparation.digest.hex else {
      throw ReportsError(
        .digestMismatch, "the file was changed after it was written", field: "digest")
    }
  }

  /// The preparation of the file.
  public var preparation: FrozenPreparation {
    FrozenPreparation(records: records, features: features, transform: transform)
  }

  /// The file's bytes, UTF-8: sorted keys, numbers that read back to the same bits.
  public func encoded() throws(ReportsError) -> Data { try StrictJSON.encode(self) }
}
