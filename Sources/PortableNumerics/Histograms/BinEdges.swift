/// Bins of the real line: strictly increasing inner edges e₀ < e₁ < … < e₍ₖ₋₁₎ make k + 1 bins
/// (−∞, e₀), [e₀, e₁), …, [e₍ₖ₋₁₎, ∞).
public struct BinEdges: Sendable, Hashable {
  /// The inner edges; may be empty, which leaves one bin.
  public let edges: [Double]

  /// Throws `unorderedEdges` with the place of the first edge that is not finite or not above the
  /// one before it.
  public init(_ edges: [Double]) throws(NumericsError) {
    for (index, edge) in edges.enumerated() {
      guard edge.isFinite, index == 0 || edges[index - 1] < edge else {
        throw NumericsError(.unorderedEdges, index: index)
      }
    }
    self.edges = edges
  }

  /// Number of bins, edges + 1.
  public var binCount: Int { edges.count + 1 }

  /// The bin of a value: the number of edges not above it; nil for NaN.
  public func bin(of value: Double) -> Int? {
    if value != value { return nil }
    var low = 0
    var high = edges.count
    while low < high {
      let middle = (low + high) / 2
      if edges[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// How many values fall into each bin, and how many are NaN (missing).
  public func counts<Values: Sequence<Double>>(
    of values: Values
  ) -> (counts: [Int64], missing: Int64) {
    var counts = [Int64](repeating: 0, count: binCount)
    var missing: Int64 = 0
    for value in values {
      if let index = bin(of: value) { counts[index] += 1 } else { missing += 1 }
    }
    return (counts: counts, missing: missing)
  }
}
