import CanonicalBytes
import Cohort
import Cryptography
import LinearModels
import Records

extension ModelFile {
  /// Throws when the parts are impossible or contradict each other.
  func check() throws(ReportsError) {
    guard !features.isEmpty, features.count == transform.features.count else {
      throw ReportsError(
        .inconsistent, "features and transform have different lengths", field: "features")
    }
    for (feature, prepared) in zip(features, transform.features) {
      let fits =
        switch (feature.kind, prepared) {
        case (.number(let unit, _, _), .number(let number)): unit == number.unit
        case (.category, .category), (.flag, .flag): true
        default: false
        }
      guard fits, feature.name == prepared.name else {
        throw ReportsError(
          .inconsistent, "a feature and its preparation do not fit", field: feature.name)
      }
    }
    guard columns == transform.designColumnNames else {
      throw ReportsError(
        .inconsistent, "the columns are not those of the transform", field: "columns")
    }
    guard coefficients.count == columns.count + 1 else {
      throw ReportsError(
        .inconsistent, "one coefficient per column and the intercept are needed",
        field: "coefficients")
    }
    for (index, value) in coefficients.enumerated()
    where !(value.magnitude <= LogisticNewton.parameterBound) {
      throw ReportsError(
        .outOfRange, "a coefficient lies beyond ±1,000,000", field: "coefficients[\(index)]")
    }
    try checkCommonParts()
  }

  /// BLAKE2b-256 over the canonical bytes of the content. The recipe stands last and only where there is
  /// one, so that a model of tables has the digest it always had.
  static func digest(
    model: String, study: StudyFacts, outcome: String, records: RecordsRecipe?,
    features: [FeatureSpecification],
    transform: FrozenTransform, columns: [String], coefficients: [Double], threshold: Double,
    facts: TrainingFacts
  ) -> Digest {
    var writer = ByteWriter()
    writer.string(format)
    writer.string(model)
    for text in [study.id, study.title, study.planDigest, study.transcriptDigest, outcome] {
      writer.string(text)
    }
    writer.array(features) { $1.write(to: &$0) }
    transform.write(to: &writer)
    writer.array(columns) { $0.string($1) }
    writer.array(coefficients) { $0.double($1) }
    writer.double(threshold)
    facts.write(to: &writer)
    if let records { records.write(to: &writer) }
    return Blake2b.hash("wardround.model", writer.bytes)
  }
}
