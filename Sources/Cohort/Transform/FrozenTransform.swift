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

  /// One per feature of the study, in the study's order.
  public let features: [TransformedFeature]
  /// The columns of the design matrix, in order.
  public let designColumns: [DesignColumn]

  /// The names of the columns, in order, all different.
  public var designColumnNames: [String] { designColumns.map(\.name) }
  /// p, without an intercept.
  public var columnCount: Int { designColumns.count }

  /// Throws `badSpecification` when a part is unsound or two columns have the same name.
  public init(_ features: [TransformedFeature]) throws(CohortError) {
    for feature in features { try feature.validate() }
    let columns = features.flatMap(\.designColumns)
    guard Set(columns.map(\.name)).count == columns.count, columns.count <= 65_536 else {
      throw CohortError(.badSpecification, detail: "two columns have the same name")
    }
    self.features = features
    designColumns = columns
  }

  /// The design matrix of the table's rows, all of them, in their order.
  ///
  /// Throws `shapeMismatch` when the table's features are not those of the transform.
  public func apply(to table: CohortTable) throws(CohortError) -> DesignMatrix {
    try apply(to: table, .all)
  }

  /// The design matrix of the set's rows, in their order. Throws `shapeMismatch`.
  public func apply(to table: CohortTable, _ rows: RowSet) throws(CohortError) -> DesignMatrix {
    guard table.features.count == features.count else { throw CohortError(.shapeMismatch) }
    let indices = table.rowIndices(rows)
    let width = columnCount
    guard !indices.count.multipliedReportingOverflow(by: max(width, 1)).overflow else {
      throw CohortError(.tooLarge)
    }
    var values = [Double](repeating: 0, count: indices.count * width)
    var first = 0
    for (position, feature) in features.enumerated() {
      guard table.features[position].name == feature.name else {
        throw CohortError(.shapeMismatch, name: feature.name)
      }
      switch (feature, table.columns[position]) {
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
      case (.category(let category), .category):
        let slots = category.slots
        let codes = table.codes(position, in: category.levels)
        for (target, row) in indices.enumerated() {
          let slot =
            switch codes[row] {
            case CohortTable.Column.missingCode: slots.missing
            case CohortTable.Column.otherCode: slots.other
            default: slots.levels[Int(codes[row])]
            }
          if let slot { values[target * width + first + slot] = 1 }
        }
      default:
        throw CohortError(.shapeMismatch, name: feature.name)
      }
      first += feature.designColumns.count
    }
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
