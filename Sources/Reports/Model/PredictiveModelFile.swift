import CanonicalBytes
import Cohort
import Records
import Study

/// What a model file holds whatever kind of model it is.
public protocol PredictiveModelFile {
  var study: ModelFile.StudyFacts { get }
  /// The event in words.
  var outcome: String { get }
  /// How a table is made of records; nil for a model of tables that are there.
  var records: RecordsRecipe? { get }
  /// What a table must have, in order.
  var features: [FeatureSpecification] { get }
  /// Risk from which a patient counts as flagged, 0 < t < 1.
  var threshold: Double { get }
  var facts: ModelFile.TrainingFacts { get }
}

extension PredictiveModelFile {
  /// What a reader of tables needs to build a table for prediction: the features, and an outcome
  /// and a holdout that prediction does not look at.
  public var predictionSpecification: CohortSpecification {
    CohortSpecification(
      features: features,
      outcome: OutcomeSpecification(column: "", positive: .oneOf(["1"]), name: outcome),
      holdout: .hash(fraction: 0.5, key: study.id))
  }

  /// Throws when recipe, features, threshold or counts are impossible.
  func checkCommonParts() throws(ReportsError) {
    if let records {
      do {
        try records.validate()
      } catch {
        throw ReportsError(.inconsistent, "the recipe contradicts itself", field: error.name)
      }
      for feature in features where !records.columnNames.contains(feature.column) {
        throw ReportsError(
          .inconsistent, "the recipe does not make a feature's column", field: feature.name)
      }
    }
    do {
      try predictionSpecification.validate()
    } catch {
      throw ReportsError(.inconsistent, "a feature contradicts itself", field: error.name)
    }
    guard threshold > 0, threshold < 1 else {
      throw ReportsError(.outOfRange, "the threshold lies outside 0 … 1", field: "threshold")
    }
    guard facts.patientCount >= 0, facts.eventCount >= 0, facts.eventCount <= facts.patientCount,
      facts.siteCount >= 0, facts.iterationCount >= 0, facts.logLoss?.isFinite ?? true
    else {
      throw ReportsError(.outOfRange, "the counts of the training are impossible", field: "facts")
    }
  }
}

extension ModelFile.TrainingFacts {
  /// The canonical bytes, for a file's digest.
  func write(to writer: inout ByteWriter) {
    writer.string(training)
    writer.integer(Int64(patientCount))
    writer.integer(Int64(eventCount))
    writer.integer(Int64(siteCount))
    writer.integer(Int64(iterationCount))
    writer.boolean(converged)
    writer.optional(logLoss) { $0.double($1) }
  }
}
