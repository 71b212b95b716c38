import Records

/// Reads a hospital's records into regular grids for sequence learners.
public struct SequenceExtraction: Sendable {
  public let grid: SequenceGrid
  /// The grid's rows by subject and time of the index event.
  private let rows: [String: [Int64: Int]]

  /// Reads the records: once where the index events need not be looked up, else twice.
  ///
  /// - Parameters:
  ///   - undeclared: how the features' extraction read diagnoses without a system.
  ///   - step: seconds; with `span` and `maximumAge` as of `SequenceGrid`.
  public init(
    _ recipe: RecordsRecipe, _ description: RecordsDescription,
    undeclared: DiagnosisCode.System?, step: Int64, span: Int64?, maximumAge: Int64?
  ) throws(FeatureExtraction.Failure) {
    do {
      let source = try description.open()
      var batch = EventBatch()
      var index: CohortIndex?
      if IndexScan.isNeeded(for: recipe) {
        var scan = try IndexScan(recipe, undeclared: undeclared)
        try source.forEachBatch(&batch) { (batch) throws(RecordsError) in try scan.receive(batch) }
        index = scan.finish(batch.lexicon)
        batch.report = ReadingReport()
      }
      var grid = try SequenceGrid(
        recipe, index: index, undeclared: undeclared, step: step, span: span,
        maximumAge: maximumAge)
      try source.forEachBatch(&batch) { (batch) throws(RecordsError) in try grid.receive(batch) }
      var rows: [String: [Int64: Int]] = [:]
      for (key, row) in grid.rows(batch.lexicon) {
        rows[key.subject, default: [:]][key.indexTime] = row
      }
      self.rows = rows
      self.grid = grid
    } catch {
      throw FeatureExtraction.Failure(error, source: "")
    }
  }

  /// The header line: subject, index time, step, hours, then value, mask and hours since of every channel.
  public var header: String {
    CSVWriter.record(
      ["subject", "index_time", "step", "hours"]
        + grid.variables.flatMap { [$0, "\($0)_observed", "\($0)_hours_since"] })
  }

  /// The lines of a row of the features' table, one per step; nothing for a row that is not there.
  public func lines(_ table: FeatureTable, row: Int, isElapsed: Bool) -> String {
    guard let place = rows[table.subjects[row]]?[table.indexTimes[row]] else { return "" }
    let label = Array(table.fields(row, isElapsed: isElapsed).prefix(2))
    let channels = grid.variables.indices.map { grid.channel(row: place, $0) }
    var text = ""
    for step in 0..<grid.stepCount {
      text += CSVWriter.record(
        label + ["\(step)", FeatureTable.text(grid.hours(row: place, step: step))]
          + channels.flatMap { channel in
            [
              FeatureTable.text(channel[step].value), channel[step].isObserved ? "1" : "0",
              FeatureTable.text(channel[step].hoursSince),
            ]
          })
    }
    return text
  }
}
