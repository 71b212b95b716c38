import CanonicalBytes
import Cryptography

/// The way from a cohort to a design matrix, frozen: the same numbers at every site, in the report
/// and in the model file.
///
/// Fitted by the study program from totals. Applying it uses subtraction, division and comparison
/// of IEEE doubles only, so every machine gets the same bits, and every entry is finite with a
/// magnitude of at most 16, whatever stands in the table.
public struct FrozenTransform: Sendable, Hashable {
  /// The largest magnitude of an entry of the design matrix.
  public static let maximumMagnitude = 16.0

  /// One per feature that the models use, in the study's order.
  public let features: [TransformedFeature]
  /// How missing numbers are filled other than with `imputation` alone; nil for that alone.
  public let completion: Completion?
  /// The columns of the design matrix, in order.
  public let designColumns: [DesignColumn]

  /// The names of the columns, in order, all different.
  public var designColumnNames: [String] { designColumns.map(\.name) }
  /// p, without an intercept.
  public var columnCount: Int { designColumns.count }

  /// How many columns hold values rather than tell that one was missing.
  public var valueColumnCount: Int { ColumnLayout(features).values.count }

  /// Throws `badSpecification` when a part is unsound or two columns have the same name.
  public init(
    _ features: [TransformedFeature], completion: Completion? = nil
  ) throws(CohortError) {
    for feature in features { try feature.validate() }
    let columns = features.flatMap(\.designColumns)
    guard Set(columns.map(\.name)).count == columns.count, columns.count <= 65_536 else {
      throw CohortError(.badSpecification, detail: "two columns have the same name")
    }
    self.features = features
    let completion = completion.flatMap { $0.isEmpty ? nil : $0 }
    try completion?.validate(features, ColumnLayout(features))
    self.completion = completion
    designColumns = columns
  }

  /// The design matrix of the table's rows, all of them, in their order.
  ///
  /// Similar cases are not looked for: a missing number that they would fill has its `imputation`.
  ///
  /// Throws `shapeMismatch` when the table lacks a feature of the transform.
  public func apply(to table: CohortTable) throws(CohortError) -> DesignMatrix {
    try apply(to: table, .all)
  }

  /// The design matrix of the set's rows, in their order, without similar cases. Throws `shapeMismatch`.
  public func apply(to table: CohortTable, _ rows: RowSet) throws(CohortError) -> DesignMatrix {
    try matrix(table, columns(of: table), rows: table.rowIndices(rows), donors: nil)
  }

  /// The design matrix of all rows at the site that holds them: where similar cases fill a missing number,
  /// the donors are rows of the same table.
  ///
  /// Throws `shapeMismatch`.
  public func apply(to table: CohortTable, donors: [Int]) throws(CohortError) -> DesignMatrix {
    try matrix(table, columns(of: table), rows: table.rowIndices(.all), donors: donors)
  }

  /// The same transform without its equations: similar cases alone depend on donors, which are the same for
  /// every cycle.
  public var withoutEquations: FrozenTransform {
    get throws(CohortError) {
      try FrozenTransform(
        features, completion: Completion(similarCases: completion?.similarCases))
    }
  }

  /// What ``apply(to:donors:)`` gives, from what ``withoutEquations`` gave for the same table and donors.
  ///
  /// Throws `shapeMismatch` when it is not of that shape.
  public func addEquations(
    to filled: DesignMatrix, of table: CohortTable
  ) throws(CohortError) -> DesignMatrix {
    guard filled.rowCount == table.rowCount, filled.columnCount == columnCount else {
      throw CohortError(.shapeMismatch)
    }
    var values = filled.values
    fillEquations(&values, try columns(of: table), rows: table.rowIndices(.all))
    return DesignMatrix(
      rowCount: filled.rowCount, columnCount: filled.columnCount, values: values)
  }

  private func fillEquations(
    _ values: inout [Double], _ columns: [CohortTable.Column], rows indices: [Int]
  ) {
    guard let equations = completion?.equations else { return }
    equations.fill(
      &values, width: columnCount, rowCount: indices.count, ColumnLayout(features)
    ) { target, row in columns[equations.targets[target].feature].isMissing(indices[row]) }
  }

  /// The table's column of every feature, found by name: a table may have more features than the models
  /// use.
  private func columns(of table: CohortTable) throws(CohortError) -> [CohortTable.Column] {
    var positions: [String: Int] = [:]
    for (position, feature) in table.features.enumerated() { positions[feature.name] = position }
    var columns: [CohortTable.Column] = []
    for feature in features {
      guard let position = positions[feature.name] else {
        throw CohortError(.shapeMismatch, name: feature.name)
      }
      switch (feature, table.columns[position]) {
      case (.category(let category), .category):
        columns.append(
          .category(table.codes(position, in: category.levels), levels: category.levels))
      case (.number, .number(let values)): columns.append(.number(values))
      case (.flag, .flag(let values)): columns.append(.flag(values))
      default: throw CohortError(.shapeMismatch, name: feature.name)
      }
    }
    return columns
  }

  private func matrix(
    _ table: CohortTable, _ columns: [CohortTable.Column], rows indices: [Int], donors: [Int]?
  ) throws(CohortError) -> DesignMatrix {
    let width = columnCount
    guard !indices.count.multipliedReportingOverflow(by: max(width, 1)).overflow else {
      throw CohortError(.tooLarge)
    }
    var values = [Double](repeating: 0, count: indices.count * width)
    var first = 0
    for (feature, column) in zip(features, columns) {
      switch (feature, column) {
      case (.number(let number), .number(let column)):
        for (target, row) in indices.enumerated() {
          values[target * width + first] = number.apply(column[row])
          if number.hasMissingIndicator, column[row].isNaN {
            values[target * width + first + 1] = 1
          }
        }
      case (.flag(let flag), .flag(let column)):
        for (target, row) in indices.enumerated() {
          values[target * width + first] = column[row].isNaN ? flag.imputation : column[row]
          if flag.hasMissingIndicator, column[row].isNaN {
            values[target * width + first + 1] = 1
          }
        }
      case (.category(let category), .category(let codes, _)):
        let slots = category.slots
        for (target, row) in indices.enumerated() {
          let slot =
            switch codes[row] {
            case CohortTable.Column.missingCode: slots.missing
            case CohortTable.Column.otherCode: slots.other
            default: slots.levels[Int(codes[row])]
            }
          if let slot { values[target * width + first + slot] = 1 }
        }
      default: break
      }
      first += feature.designColumns.count
    }
    if let similar = completion?.similarCases, let donors {
      similar.fill(
        &values, width: width, firsts: ColumnLayout(features).firsts,
        CaseTable(features, columns: columns, patients: table.patients), donors: donors)
    }
    fillEquations(&values, columns, rows: indices)
    return DesignMatrix(rowCount: indices.count, columnCount: width, values: values)
  }

  /// BLAKE2b-256 over the canonical bytes.
  public var digest: Digest {
    var writer = ByteWriter()
    write(to: &writer)
    return Blake2b.hash("wr-transform", writer.bytes)
  }
}

extension TransformedFeature.Number {
  /// The scaled value of one cell; a missing one is imputed first. Always finite.
  func apply(_ value: Double) -> Double {
    let scaled = ((value.isNaN ? imputation : value) - center) / scale
    return scaled.isNaN ? 0 : min(max(scaled, -clip), clip)
  }
}

extension TransformedFeature.Category {
  /// Position of each level's column among the feature's columns; nil for the reference.
  var slots: (levels: [Int?], other: Int?, missing: Int?) {
    var next = 0
    func take(_ wanted: Bool) -> Int? {
      guard wanted else { return nil }
      defer { next += 1 }
      return next
    }
    let positions = levels.map { take($0 != reference) }
    let other = take(hasOther)
    let missing = take(hasMissingLevel)
    return (positions, other, missing)
  }
}
