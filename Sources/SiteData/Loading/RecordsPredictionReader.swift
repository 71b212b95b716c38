import Cohort
import Records

/// Makes rows for prediction of a hospital's records, as the recipe in a model file says.
///
/// The recipe's outcome is not looked for: what happens after the prediction time is not known yet. Its
/// criteria hold, since the model was made for whom they let in.
public struct RecordsPredictionReader {
  /// What the records gave.
  public let extraction: FeatureExtraction
  private let empty: CohortBuilder
  private let blockRows: Int
  private var nextRow = 0

  /// Reads the records to their end.
  ///
  /// - Parameters:
  ///   - features: those of the model.
  ///   - blockRows: the most rows of a block, at least 1.
  public init(
    _ records: RecordsDescription, recipe: RecordsRecipe, features: [FeatureSpecification],
    blockRows: Int = 16_384, progress: FeatureExtraction.Progress = { _ in }
  ) throws(SiteDataError) {
    var recipe = recipe
    recipe.outcome = nil
    do throws(FeatureExtraction.Failure) {
      extraction = try FeatureExtraction(recipe, records, progress: progress)
    } catch {
      throw error.siteDataError
    }
    let table = extraction.table
    do {
      empty = try CohortBuilder(
        CohortSpecification(
          features: features,
          outcome: OutcomeSpecification(column: "\u{0}outcome", positive: .oneOf(["1"]), name: ""),
          holdout: .column(name: "\u{0}", holdoutValue: "")),
        columns: table.columnNames.map { SourceColumn($0, unit: table.column($0)?.unit) },
        purpose: .prediction)
    } catch {
      throw Self.fault(error)
    }
    self.blockRows = max(blockRows, 1)
  }

  /// The next rows, in the order of the subjects and their index times; nil after the last.
  public mutating func next() throws(SiteDataError) -> PredictionReader.Block? {
    let table = extraction.table
    guard nextRow < table.rowCount else { return nil }
    let rows = nextRow..<min(nextRow + blockRows, table.rowCount)
    nextRow = rows.upperBound
    var builder = empty
    var identifiers: [String] = []
    var times: [String] = []
    do {
      for row in rows {
        let fields = table.fields(row, isElapsed: extraction.isElapsed)
        identifiers.append(fields[0])
        times.append(fields[1])
        try builder.append(fields, sourceRow: row + 1)
      }
      let unused = builder.specification.features.indices.map { builder.unusedCells($0) }
      return PredictionReader.Block(
        table: try builder.finish(), identifiers: identifiers, unusedCells: unused,
        indexTimes: times)
    } catch {
      throw Self.fault(error)
    }
  }

  private static func fault(_ error: CohortError) -> SiteDataError {
    SiteDataError(
      .unsuitable, file: "records", columnName: error.name.isEmpty ? nil : error.name,
      message: error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)",
      advice: "the recipe in the model file does not make this column; fetch the model again")
  }
}
