import Cohort

/// Reads a file for prediction, a block of rows at a time: memory is one block, whatever the file.
public struct PredictionReader {
  /// Rows that follow one another.
  public struct Block {
    /// Every row in order, only the features' columns.
    public var table: CohortTable
    /// One per row: the text of the identifier's column, or the row's number.
    public var identifiers: [String]
    /// Per feature, the source rows of numbers and flags that count as missing though something stands
    /// in the cell.
    public var unusedCells: [(unreadable: [Int], outOfRange: [Int])]
    /// One per row made of records: when its index event was; empty for rows of a file.
    public var indexTimes: [String] = []
  }

  private var file: DataFile
  private let empty: CohortBuilder
  private let identifierIndex: Int?
  private let blockRows: Int

  /// Opens the file and finds the columns.
  ///
  /// - Parameters:
  ///   - identifierColumn: a column whose texts label the rows; nil gives the row numbers.
  ///   - blockRows: the most rows of a block, at least 1.
  public init(
    _ data: DataDescription, features: [FeatureSpecification], identifierColumn: String? = nil,
    blockRows: Int = 16_384
  ) throws(SiteDataError) {
    file = try DataFile(data)
    empty = try file.builder(
      CohortSpecification(
        features: features,
        outcome: OutcomeSpecification(column: "\u{0}outcome", positive: .oneOf(["1"]), name: ""),
        holdout: .column(name: "\u{0}", holdoutValue: "")), .prediction)
    identifierIndex = try file.index(of: identifierColumn, detail: "to label the predictions")
    self.blockRows = max(blockRows, 1)
  }

  /// The next rows; nil after the last. A row that is not well formed throws with its place.
  public mutating func next() throws(SiteDataError) -> Block? {
    var builder = empty
    var identifiers: [String] = []
    while identifiers.count < blockRows, let (row, fields) = try file.nextRow() {
      identifiers.append(identifierIndex.map { CellText.trim(fields[$0]) } ?? "\(row)")
      try file.append(fields, row, to: &builder)
    }
    guard !identifiers.isEmpty else { return nil }
    let unused = builder.specification.features.indices.map { builder.unusedCells($0) }
    return Block(
      table: try file.finish(builder), identifiers: identifiers, unusedCells: unused)
  }

  /// A table without rows.
  func emptyTable() throws(SiteDataError) -> CohortTable { try file.finish(empty) }
}
