import Cohort
import Study

/// What a model predicts besides the risk of the event.
extension AnyModelFile {
  /// Names of the predicted values, for the head of a table: `predicted` for a number or a mean count, and
  /// `probability of CLASS` for each class, in the study's order; empty for a model of the event alone.
  public var valueNames: [String] {
    guard case .trees(let file) = self, let target = file.content.target else { return [] }
    switch target.values {
    case .number, .count: return ["predicted"]
    case .classes(let words): return words.map { "probability of \($0)" }
    }
  }

  /// The predicted values of every row of a table, one for each of `valueNames`: a number within the study's
  /// range, a mean count, or the classes' probabilities.
  ///
  /// - Throws: `tableMismatch` with the feature when the table's features are not the model's.
  public func values(table: CohortTable) throws(ReportsError) -> [[Double]] {
    guard case .trees(let file) = self else { return table.outcome.map { _ in [] } }
    do {
      return try file.content.values(of: table) ?? table.outcome.map { _ in [] }
    } catch let error as CohortError {
      throw ReportsError(
        .tableMismatch, "the table’s features are not those of the model", field: error.name)
    } catch {
      throw ReportsError(.inconsistent, "the trees do not fit the bins")
    }
  }
}
