import PortableNumerics

/// A sum over patients of integer vectors, none of them longer than a limit.
struct PatientSum {
  private(set) var total: [Int64]
  private let squaredLimit: Int64
  /// What the present patient's rows add up to, real lattice units; 0 where untouched.
  private var own: [Double]
  /// Its cells, in the order they were first touched.
  private var touched: [Int] = []

  /// - Parameter squaredLimit: square of a patient's largest L2 norm, below 2⁶².
  init(count: Int, squaredLimit: Int64) {
    total = [Int64](repeating: 0, count: count)
    own = [Double](repeating: 0, count: count)
    self.squaredLimit = squaredLimit
  }

  /// Adds to one cell of the present patient. Touch a cell with 0 and it is looked at again.
  mutating func add(_ value: Double, at cell: Int) {
    if own[cell] == 0 { touched.append(cell) }
    own[cell] += value
  }

  /// Scales the present patient's vector to the limit, rounds it and adds it to the total.
  mutating func endPatient() {
    // In the order of the cells, whatever the order of the rows and blocks.
    touched.sort()
    var square = 0.0
    var previous = -1
    for cell in touched where cell != previous {
      square += own[cell] * own[cell]
      previous = cell
    }
    let limit = Double(squaredLimit).squareRoot()
    let factor = min(1, limit / max(square.squareRoot(), 1e-300))
    // To the nearest integer, and where that goes beyond the limit, towards 0.
    if !addRounded(factor, towardZero: false) { _ = addRounded(factor, towardZero: true) }
    for cell in touched { own[cell] = 0 }
    touched.removeAll(keepingCapacity: true)
  }

  /// Adds the rounded vector unless it is too long in exact integer arithmetic.
  private mutating func addRounded(_ factor: Double, towardZero: Bool) -> Bool {
    func integer(_ cell: Int) -> Int64 {
      let value = own[cell] * factor
      guard value.magnitude < 0x1p31 else { return 1 << 31 }
      return Int64(towardZero ? value.rounded(.towardZero) : Portable.nearestInteger(value))
    }
    var left = squaredLimit
    var previous = -1
    for cell in touched where cell != previous {
      let value = integer(cell)
      let (square, isLarge) = value.multipliedReportingOverflow(by: value)
      guard !isLarge, square <= left else { return false }
      left -= square
      previous = cell
    }
    previous = -1
    for cell in touched where cell != previous {
      total[cell] &+= integer(cell)
      previous = cell
    }
    return true
  }
}

/// Where a row's cells are.
struct CellLayout {
  private enum Block {
    case bins(feature: Int, start: Int)
    case leaves(DecisionTree, numbers: [Int], start: Int)
    case leafGradients(DecisionTree, numbers: [Int])
    case margins(cuts: [Double])
  }

  private var blocks: [Block] = []
  /// The tree whose leaves divide every feature's bins, and the cells of one leaf.
  private var outer: (tree: DecisionTree, numbers: [Int], width: Int)?
  private let hasHessians: Bool

  init(_ cells: PrivateCells, bins: [FeatureBins]) {
    var start = 0
    switch cells {
    case .gradients(let features):
      hasHessians = false
      for feature in features {
        blocks.append(.bins(feature: feature, start: start))
        start += bins[feature].binCount
      }
    case .leaves(let trees):
      hasHessians = false
      for tree in trees {
        blocks.append(.leaves(tree, numbers: tree.leafNumbers, start: start))
        start += 2 * tree.leafCount
      }
    case .histograms(let tree, let features):
      hasHessians = true
      for feature in features {
        blocks.append(.bins(feature: feature, start: start))
        start += 2 * bins[feature].binCount
      }
      outer = (tree, tree.leafNumbers, start)
    case .leafGradients(let tree):
      hasHessians = true
      blocks = [.leafGradients(tree, numbers: tree.leafNumbers)]
    case .margins(let cuts):
      hasHessians = false
      blocks = [.margins(cuts: cuts)]
    }
  }

  /// Adds one row's values to the present patient.
  func add(
    outcome: UInt8, margin: Double, to sum: inout PatientSum, bin: (Int) -> UInt8
  ) {
    let unit = Double(PrivateCells.unit)
    let probability = Portable.sigmoid(margin)
    let gradient = (Double(outcome) - probability) * unit
    let hessian = 2 * probability * (1 - probability) * unit
    let base = outer.map { $0.numbers[$0.tree.leaf(bin)] * $0.width } ?? 0
    for block in blocks {
      switch block {
      case .bins(let feature, let start):
        let place = Int(bin(feature))
        guard hasHessians else {
          sum.add(gradient, at: start + place)
          continue
        }
        sum.add(gradient, at: base + start + 2 * place)
        sum.add(hessian, at: base + start + 2 * place + 1)
      case .leaves(let tree, let numbers, let start):
        sum.add(unit, at: start + 2 * numbers[tree.leaf(bin)] + Int(outcome))
      case .leafGradients(let tree, let numbers):
        let place = 2 * numbers[tree.leaf(bin)]
        sum.add(gradient, at: place)
        sum.add(hessian, at: place + 1)
      case .margins(let cuts):
        // In the few cuts there are.
        let place = cuts.reduce(0) { $0 + ($1 <= margin ? 1 : 0) }
        sum.add(unit, at: 2 * place + Int(outcome))
      }
    }
  }
}
