import PortableNumerics

/// What one cycle of chained equations is made of: sums of products of columns over the rows in which a
/// number is recorded (CLINICAL §4.6, step 1).
///
/// With u = (1, all columns that hold values), every entry is rounded to a whole number of 2⁻¹² before it is
/// multiplied, so a product is exact: the sum over sites is the pooled sum, whatever the order. An entry
/// is below 2¹⁶, a product below 2³², a sum over 2²⁴ patients below 2⁵⁶.
extension ChainedEquations {
  /// Whole numbers in 1 on the standardised scale.
  public static let unit = 0x1p12

  /// Sums for one target: the upper triangle of Σ u uᵀ by rows.
  public static func sumCount(_ transform: FrozenTransform) -> Int {
    let width = transform.valueColumnCount + 1
    return width * (width + 1) / 2
  }

  /// The sums of one target over rows of a completed design matrix.
  ///
  /// - Parameter rows: rows in which the target is recorded.
  public static func sums(
    _ transform: FrozenTransform, _ design: Matrix, rows: [Int]
  ) -> [Int64] {
    let columns = ColumnLayout(transform.features).values
    let width = columns.count + 1
    var sums = [Int64](repeating: 0, count: width * (width + 1) / 2)
    var u = [Int64](repeating: 0, count: width)
    u[0] = Int64(unit)
    for row in rows {
      for (position, column) in columns.enumerated() {
        u[position + 1] = Int64((design[row, column] * unit).rounded(.toNearestOrEven))
      }
      var place = 0
      for i in 0..<width {
        let own = u[i]
        if own == 0 {
          place += width - i
          continue
        }
        for j in i..<width {
          sums[place] &+= own &* u[j]
          place += 1
        }
      }
    }
    return sums
  }

  /// How many rows the sums of a target are of.
  public static func rowCount(_ sums: some RandomAccessCollection<Int64>) -> Int64 {
    (sums.first ?? 0) / Int64(unit * unit)
  }

  /// Whether sums can be of rows at all: a whole number of them, squares and products within their bounds.
  public static func arePossible(_ sums: [Int64], _ transform: FrozenTransform) -> Bool {
    guard let first = sums.first, first >= 0, first % Int64(unit * unit) == 0 else { return false }
    let bound = Double(rowCount(sums)) * 0x1p32
    guard sums.allSatisfy({ Double($0.magnitude) <= bound }) else { return false }
    var place = 0
    var width = transform.valueColumnCount + 1
    while place < sums.count, width > 0 {
      if sums[place] < 0 { return false }
      place += width
      width -= 1
    }
    return true
  }

  /// The ridge regression of a target on the other columns: intercept, then one coefficient per column that
  /// holds values, 0 for the target itself. Only + − × ÷ √ in a fixed order: the same bits everywhere.
  ///
  /// - Parameters:
  ///   - sums: totals over the sites, of `sumCount` numbers.
  ///   - ridge: added to every column's square on the standardised scale, not to the intercept's.
  /// - Returns: nil when there are no rows or the columns cannot be told apart.
  public static func equation(
    _ sums: [Int64], of feature: Int, _ transform: FrozenTransform, ridge: Double
  ) -> [Double]? {
    let layout = ColumnLayout(transform.features)
    let width = layout.values.count + 1
    guard sums.count == width * (width + 1) / 2, layout.firsts.indices.contains(feature),
      let own = layout.values.firstIndex(of: layout.firsts[feature]), rowCount(sums) > 0
    else { return nil }
    func sum(_ i: Int, _ j: Int) -> Double {
      let (low, high) = (min(i, j), max(i, j))
      let place = low * width - low * (low - 1) / 2 + (high - low)
      return Double(sums[place]) / (unit * unit)
    }
    let kept = (0..<width).filter { $0 != own + 1 }
    var matrix = SymmetricMatrix(order: kept.count)
    for (i, left) in kept.enumerated() {
      for (j, right) in kept.enumerated() where j >= i {
        matrix[i, j] = sum(left, right) + (i == j && left > 0 ? ridge : 0)
      }
    }
    guard let factor = try? CholeskyFactor(matrix),
      let solution = try? factor.solve(kept.map { sum($0, own + 1) }),
      solution.allSatisfy({ $0.magnitude <= coefficientBound })
    else { return nil }
    var equation = [Double](repeating: 0, count: width)
    for (position, coefficient) in zip(kept, solution) { equation[position] = coefficient }
    return equation
  }

  /// The correlation of the first columns of two features; nil where one of them does not vary.
  public static func correlation(
    _ sums: [Int64], _ left: Int, _ right: Int, _ transform: FrozenTransform
  ) -> Double? {
    let layout = ColumnLayout(transform.features)
    let width = layout.values.count + 1
    guard sums.count == width * (width + 1) / 2, layout.firsts.indices.contains(left),
      layout.firsts.indices.contains(right),
      let i = layout.values.firstIndex(of: layout.firsts[left]),
      let j = layout.values.firstIndex(of: layout.firsts[right]), rowCount(sums) > 0
    else { return nil }
    func sum(_ i: Int, _ j: Int) -> Double {
      let (low, high) = (min(i, j), max(i, j))
      return Double(sums[low * width - low * (low - 1) / 2 + (high - low)]) / (unit * unit)
    }
    let count = Double(rowCount(sums))
    func covariance(_ i: Int, _ j: Int) -> Double {
      sum(i, j) - sum(0, i) * sum(0, j) / count
    }
    let product = covariance(i + 1, i + 1) * covariance(j + 1, j + 1)
    guard product > 0 else { return nil }
    return covariance(i + 1, j + 1) / product.squareRoot()
  }
}
