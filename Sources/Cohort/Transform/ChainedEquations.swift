import CanonicalBytes

/// Chained equations: each missing number is predicted from all other columns by a linear equation, again
/// and again, the first time from medians and then from the values of the cycle before (van Buuren,
/// Flexible Imputation of Missing Data, 2018, §4.5; all numbers of a cycle at once).
///
/// The equations of every cycle are kept, so that a row is completed in a prediction exactly as it was when
/// the model was fitted. What is filled in is the expected value, not a draw: for a model that predicts,
/// one completion that needs no outcome and no randomness is wanted (Sisk et al., Stat Methods Med Res
/// 2023). The outcome is in no equation.
public struct ChainedEquations: Sendable, Hashable, Codable {
  /// A number that is completed.
  public struct Target: Sendable, Hashable, Codable {
    /// Position among the transform's features.
    public var feature: Int
    /// Bounds of its predicted values on the standardised scale, within ±16.
    public var low: Double
    public var high: Double

    public init(feature: Int, low: Double, high: Double) {
      self.feature = feature
      self.low = low
      self.high = high
    }
  }

  /// The numbers, in the order of the features.
  public var targets: [Target]
  /// Per cycle and target: the intercept, then one coefficient for every column of the design matrix that
  /// holds values (indicators of missing values are left out); that of the target itself is 0.
  public var cycles: [[[Double]]]

  public init(targets: [Target], cycles: [[[Double]]] = []) {
    self.targets = targets
    self.cycles = cycles
  }

  /// Leaves the other numbers out, of the cycles so far too: from here on they have their first values, in
  /// every row and everywhere. Equations of the rest stay as they were fitted.
  ///
  /// - Parameter kept: positions in `targets`, ascending.
  public mutating func keep(_ kept: [Int]) {
    targets = kept.map { targets[$0] }
    cycles = cycles.map { cycle in kept.map { cycle[$0] } }
  }

  /// Largest magnitude of a coefficient.
  static let coefficientBound = 1e6

  func validate(predictorCount: Int) throws(CohortError) {
    let bound = FrozenTransform.maximumMagnitude
    guard targets.allSatisfy({ -bound <= $0.low && $0.low <= $0.high && $0.high <= bound }),
      cycles.count <= 100,
      cycles.allSatisfy({ cycle in
        cycle.count == targets.count
          && cycle.allSatisfy { equation in
            equation.count == predictorCount + 1
              && equation.allSatisfy { $0.magnitude <= Self.coefficientBound }
          }
      })
    else {
      throw CohortError(.badSpecification, detail: "chained equations that do not fit the columns")
    }
  }

  /// Completes rows of a design matrix in which every missing number has its first value.
  ///
  /// - Parameters:
  ///   - isMissing: whether a target's value is missing in a row.
  func fill(
    _ design: inout [Double], width: Int, rowCount: Int, _ layout: ColumnLayout,
    isMissing: (_ target: Int, _ row: Int) -> Bool
  ) {
    guard !cycles.isEmpty else { return }
    for row in 0..<rowCount {
      let missing = targets.indices.filter { isMissing($0, row) }
      guard !missing.isEmpty else { continue }
      let start = row * width
      for cycle in cycles {
        let predicted = missing.map { target -> Double in
          let equation = cycle[target]
          var sum = equation[0]
          for (position, column) in layout.values.enumerated() {
            sum += equation[position + 1] * design[start + column]
          }
          return sum.isNaN ? 0 : min(max(sum, targets[target].low), targets[target].high)
        }
        for (target, value) in zip(missing, predicted) {
          design[start + layout.firsts[targets[target].feature]] = value
        }
      }
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.array(targets) {
      $0.integer(UInt32($1.feature))
      $0.double($1.low)
      $0.double($1.high)
    }
    writer.array(cycles) {
      $0.array($1) { $0.array($1) { $0.double($1) } }
    }
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    targets = try reader.array(minimumBytes: 20) { (r: inout ByteReader) throws(DecodingFault) in
      Target(
        feature: Int(try r.integer(UInt32.self)), low: try r.double(), high: try r.double())
    }
    cycles = try reader.array(minimumBytes: 4) { (r: inout ByteReader) throws(DecodingFault) in
      try r.array(minimumBytes: 4) { (r: inout ByteReader) throws(DecodingFault) in
        try r.array(minimumBytes: 8) { (r: inout ByteReader) throws(DecodingFault) in
          try r.double()
        }
      }
    }
  }
}
