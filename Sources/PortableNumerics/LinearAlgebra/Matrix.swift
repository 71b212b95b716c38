/// A dense matrix of doubles, row-major: element (i, j) is `storage[i * columns + j]`.
@frozen
public struct Matrix: Sendable, Hashable {
  /// Number of rows, ≥ 0.
  public let rows: Int
  /// Number of columns, ≥ 0.
  public let columns: Int
  /// The elements, `rows × columns` of them; assigning another length is a programming error.
  public var storage: [Double] {
    didSet { precondition(storage.count == rows * columns, "the shape of a matrix is fixed") }
  }

  /// A matrix filled with one value.
  ///
  /// - Parameters:
  ///   - rows: ≥ 0.
  ///   - columns: ≥ 0.
  public init(rows: Int, columns: Int, repeating value: Double = 0) {
    precondition(rows >= 0 && columns >= 0, "a shape chosen by our own code is not negative")
    self.rows = rows
    self.columns = columns
    storage = Array(repeating: value, count: rows * columns)
  }

  /// A matrix over row-major elements.
  ///
  /// Throws `shapeMismatch` when the count is not rows × columns or a side is negative.
  public init(rows: Int, columns: Int, storage: [Double]) throws(NumericsError) {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !overflow, count == storage.count else {
      throw NumericsError(.shapeMismatch)
    }
    self.rows = rows
    self.columns = columns
    self.storage = storage
  }

  /// A matrix of rows, all of the same length. Throws `shapeMismatch` with the row otherwise.
  public init(_ rowValues: [[Double]]) throws(NumericsError) {
    let width = rowValues.first?.count ?? 0
    var flat: [Double] = []
    flat.reserveCapacity(rowValues.count * width)
    for (index, row) in rowValues.enumerated() {
      guard row.count == width else { throw NumericsError(.shapeMismatch, index: index) }
      flat.append(contentsOf: row)
    }
    rows = rowValues.count
    columns = width
    storage = flat
  }

  /// The element in row `row` and column `column`.
  @inlinable
  public subscript(row: Int, column: Int) -> Double {
    get {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns)
      return storage[row * columns + column]
    }
    set {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns)
      storage[row * columns + column] = newValue
    }
  }

  /// The elements of one row.
  @inlinable
  public func row(_ index: Int) -> ArraySlice<Double> {
    storage[(index * columns)..<((index + 1) * columns)]
  }

  /// The elements of one column, copied.
  public func column(_ index: Int) -> [Double] {
    (0..<rows).map { self[$0, index] }
  }

  /// The rows at `indices`, in that order. Indices outside the matrix are a programming error.
  public func selectingRows(_ indices: [Int]) -> Matrix {
    var result = Matrix(rows: indices.count, columns: columns)
    var values: [Double] = []
    values.reserveCapacity(indices.count * columns)
    for index in indices { values.append(contentsOf: row(index)) }
    result.storage = values
    return result
  }

  /// The product with a vector of `columns` elements, each row summed from left to right.
  ///
  /// Throws `shapeMismatch` for another length.
  public func multiplied(by vector: [Double]) throws(NumericsError) -> [Double] {
    guard vector.count == columns else { throw NumericsError(.shapeMismatch) }
    var result = [Double](repeating: 0, count: rows)
    for i in 0..<rows {
      var sum = 0.0
      for j in 0..<columns { sum += storage[i * columns + j] * vector[j] }
      result[i] = sum
    }
    return result
  }
}
