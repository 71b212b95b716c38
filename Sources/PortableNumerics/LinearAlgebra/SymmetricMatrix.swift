/// A symmetric matrix kept as its upper triangle, row by row:
/// (0,0), (0,1), …, (0,n−1), (1,1), …, (n−1,n−1).
@frozen
public struct SymmetricMatrix: Sendable, Hashable {
  /// Number of rows and of columns, ≥ 0.
  public let order: Int
  /// The upper triangle, order · (order + 1) / 2 elements.
  public private(set) var packed: [Double]

  /// How many elements the upper triangle of a matrix of this order has.
  public static func packedCount(order: Int) -> Int {
    order * (order + 1) / 2
  }

  /// A matrix filled with one value.
  public init(order: Int, repeating value: Double = 0) {
    precondition(order >= 0, "a shape chosen by our own code is not negative")
    self.order = order
    packed = Array(repeating: value, count: Self.packedCount(order: order))
  }

  /// A matrix over its packed upper triangle. Throws `shapeMismatch` for another length.
  public init(order: Int, packed: [Double]) throws(NumericsError) {
    guard order >= 0, order < 1 << 30, packed.count == Self.packedCount(order: order) else {
      throw NumericsError(.shapeMismatch)
    }
    self.order = order
    self.packed = packed
  }

  /// Where element (row, column), row ≤ column, is in `packed`.
  @inline(__always)
  static func packedIndex(_ row: Int, _ column: Int, order: Int) -> Int {
    row * order - row * (row - 1) / 2 + (column - row)
  }

  /// Element (row, column) = (column, row).
  public subscript(row: Int, column: Int) -> Double {
    get {
      precondition(min(row, column) >= 0 && max(row, column) < order)
      return packed[
        Self.packedIndex(min(row, column), max(row, column), order: order)]
    }
    set {
      precondition(min(row, column) >= 0 && max(row, column) < order)
      packed[Self.packedIndex(min(row, column), max(row, column), order: order)] = newValue
    }
  }
}
