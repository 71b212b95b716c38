import PortableNumerics

/// Logistic regression by Newton's method from sums with a bounded contribution per patient, made to
/// be released with Gaussian noise.
///
/// Ganesh, Haghifam, Steinke and Thakurta, NeurIPS 2023 (noisy Newton). A patient's row x is centred
/// and has the intercept's 1; both the gradient (y − p) x and the Hessian p (1 − p) x xᵀ are weighted
/// by min(1, c/‖x‖), which is a weighted logistic regression and leaves its optimum where a right
/// model has it. The rows of one patient are added up and clipped together, so that a patient adds at
/// most c to the gradient and c²/4 to the Hessian, in Frobenius norm. Both are put on one integer
/// lattice on which a patient moves the joint vector by at most `sensitivity` in L2: 80 % of the
/// squared distance is the gradient's, 20 % the Hessian's.
///
/// **Layout** for q = p + 1: q gradient elements, then the upper triangle of the Hessian row by row,
/// off-diagonal elements times √2 so that the vector's length is the matrix's Frobenius norm.
///
/// **Coefficients** belong to the centred columns from the first step to the last, and are moved to
/// the design's own columns at the end. Centring shortens the rows, so that c can be smaller, and takes
/// the correlation with the intercept out of the Hessian, whose small eigenvalues the noise swallows.
public struct PrivateNewton: Sendable, Equatable {
  /// p, without the intercept.
  public let featureCount: Int
  /// λ ≥ 0 on the standardised scale; the intercept is not penalised.
  public let ridge: Double
  /// c > 0: the largest norm of a row with its intercept.
  public let rowBound: Double
  /// What is subtracted from each column before anything else, p public numbers.
  public let means: [Double]

  /// Share of the squared sensitivity that the gradient has.
  static let gradientShare = 0.8
  /// Lattice units of a patient's largest joint move before rounding.
  static let unit = 0x1p14
  /// Largest norm of one step, standardised scale.
  static let stepBound = 2.0
  /// The coefficients are the mean after that many last steps.
  static let averagedSteps = 2

  /// - Parameter means: p numbers of magnitude ≤ `LogisticNewton.featureBound`; all 0 where it is nil.
  /// - Throws: `invalidSettings` for a value outside its range.
  public init(
    featureCount: Int, ridge: Double, rowBound: Double, means: [Double]? = nil
  ) throws(LinearModelError) {
    guard (0...1024).contains(featureCount), ridge >= 0, ridge <= 1e9, rowBound > 0,
      rowBound <= 1e6
    else { throw LinearModelError(.invalidSettings) }
    let means = means ?? [Double](repeating: 0, count: featureCount)
    guard means.count == featureCount,
      means.allSatisfy({ $0.magnitude <= LogisticNewton.featureBound })
    else { throw LinearModelError(.invalidSettings) }
    self.means = means
    self.featureCount = featureCount
    self.ridge = ridge
    self.rowBound = rowBound
  }

  /// Number of integers of an answer for p features.
  public static func vectorLength(featureCount: Int) -> Int {
    let q = featureCount + 1
    return q + q * (q + 1) / 2
  }

  public var vectorLength: Int { Self.vectorLength(featureCount: featureCount) }

  /// L2 sensitivity in lattice units, a whole number: the unit, and what rounding each of the
  /// elements to the nearest integer can add, √length/2.
  public static func sensitivity(featureCount: Int) -> Int64 {
    Int64(unit) + Int64((Double(vectorLength(featureCount: featureCount)).squareRoot() / 2)) + 2
  }

  /// Lattice units per unit of the gradient.
  var gradientScale: Double { Self.gradientShare.squareRoot() * Self.unit / rowBound }
  /// Lattice units per unit of the Hessian.
  var hessianScale: Double {
    (1 - Self.gradientShare).squareRoot() * Self.unit * 4 / (rowBound * rowBound)
  }

  /// A site's answer: the sum over its patients of what each may add.
  ///
  /// - Parameters:
  ///   - beta: p + 1 coefficients of the centred columns, intercept first.
  ///   - design: rows × p, standardised, no missing values.
  ///   - outcome: 0 or 1 for each row of `design`.
  ///   - rows: the rows to use.
  ///   - patients: the patient of each row of `design`; rows of one patient count together.
  /// - Throws: `shapeMismatch`, `nonFiniteParameter`, `nonFiniteFeature`, `invalidOutcome`,
  ///   `tooManyPatients`.
  public func answer(
    beta: [Double], design: Matrix, outcome: [UInt8], rows: [Int], patients: [Int32]
  ) throws(LinearModelError) -> [Int64] {
    let q = featureCount + 1
    guard beta.count == q, design.columns == featureCount, outcome.count == design.rows,
      patients.count == design.rows, rows.allSatisfy({ outcome.indices.contains($0) })
    else { throw LinearModelError(.shapeMismatch) }
    guard rows.count <= LogisticNewton.maximumPatientCount else {
      throw LinearModelError(.tooManyPatients)
    }
    try LogisticNewton.checkParameters(beta)
    let ordered = rows.sorted { (patients[$0], $0) < (patients[$1], $1) }
    var total = [Int64](repeating: 0, count: vectorLength)
    var gradient = [Double](repeating: 0, count: q)
    var hessian = [Double](repeating: 0, count: q * (q + 1) / 2)
    var position = 0
    while position < ordered.count {
      let patient = patients[ordered[position]]
      for index in gradient.indices { gradient[index] = 0 }
      for index in hessian.indices { hessian[index] = 0 }
      while position < ordered.count, patients[ordered[position]] == patient {
        try add(
          row: ordered[position], beta: beta, design: design, outcome: outcome, to: &gradient,
          &hessian)
        position += 1
      }
      addClipped(gradient, hessian, to: &total)
    }
    return total
  }

  /// Adds one row's gradient and Hessian, centred and weighted.
  private func add(
    row: Int, beta: [Double], design: Matrix, outcome: [UInt8], to gradient: inout [Double],
    _ hessian: inout [Double]
  ) throws(LinearModelError) {
    let q = featureCount + 1
    let bound = LogisticNewton.featureBound
    var x = [Double](repeating: 1, count: q)
    var eta = beta[0]
    var square = 1.0
    for j in 0..<featureCount {
      let value = design.storage[row * featureCount + j]
      guard value.isFinite else { throw LinearModelError(.nonFiniteFeature, index: j) }
      x[j + 1] = min(max(value, -bound), bound) - means[j]
      eta += beta[j + 1] * x[j + 1]
      square += x[j + 1] * x[j + 1]
    }
    guard outcome[row] <= 1 else { throw LinearModelError(.invalidOutcome, index: row) }
    let shrink = min(1, rowBound / square.squareRoot())
    let probability = Portable.sigmoid(eta)
    let residual = (Double(outcome[row]) - probability) * shrink
    // Minus the derivative of the gradient: the weight enters once. Squared, it would make the Hessian
    // too small and every step too long, beyond the optimum and back.
    let weight = probability * (1 - probability) * shrink
    let root = 2.0.squareRoot()
    var element = 0
    for j in 0..<q {
      gradient[j] += residual * x[j]
      hessian[element] += weight * x[j] * x[j]
      element += 1
      let scaled = weight * x[j] * root
      for k in (j + 1)..<max(q, j + 1) {
        hessian[element] += scaled * x[k]
        element += 1
      }
    }
  }

  /// Clips one patient's two parts, rounds to the lattice and adds; what would be beyond the
  /// sensitivity in exact integer arithmetic adds nothing.
  private func addClipped(_ gradient: [Double], _ hessian: [Double], to total: inout [Int64]) {
    func norm(_ values: [Double]) -> Double {
      values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    let gradientFactor = gradientScale * min(1, rowBound / max(norm(gradient), 1e-300))
    let hessianFactor =
      hessianScale * min(1, rowBound * rowBound / 4 / max(norm(hessian), 1e-300))
    let q = gradient.count
    var square: Int64 = 0
    let rounded = total.indices.map { index -> Int64 in
      let value =
        index < q ? gradient[index] * gradientFactor : hessian[index - q] * hessianFactor
      let integer = Int64(Portable.nearestInteger(value))
      square += integer * integer
      return integer
    }
    let bound = Self.sensitivity(featureCount: featureCount)
    guard square <= bound * bound else { return }
    for index in rounded.indices { total[index] &+= rounded[index] }
  }

  /// The coefficients after one noisy step.
  ///
  /// The Hessian's eigenvalues are raised to what the noise alone can reach, so that a direction about
  /// which the sums say nothing does not explode; the step's norm is capped.
  ///
  /// - Parameters:
  ///   - total: the published noisy sum.
  ///   - noise: standard deviation of the noise per element, lattice units.
  /// - Throws: `totalLength`, `shapeMismatch`, `totalOutOfRange` for a total no noise explains.
  public func update(
    _ beta: [Double], total: [Int64], noise: Double
  ) throws(LinearModelError) -> [Double] {
    let q = featureCount + 1
    guard beta.count == q else { throw LinearModelError(.shapeMismatch) }
    guard total.count == vectorLength else { throw LinearModelError(.totalLength) }
    let limit =
      Double(LogisticNewton.maximumPatientCount) * Self.unit + 40 * max(noise, 0)
    for (index, value) in total.enumerated() where Double(value).magnitude > limit {
      throw LinearModelError(.totalOutOfRange, index: index)
    }
    var direction = [Double](repeating: 0, count: q)
    var hessian = SymmetricMatrix(order: q)
    var element = q
    let root = 2.0.squareRoot()
    for j in 0..<q {
      direction[j] = Double(total[j]) / gradientScale - (j > 0 ? ridge * beta[j] : 0)
      for k in j..<q {
        hessian[j, k] = Double(total[element]) / hessianScale / (j == k ? 1 : root)
        element += 1
      }
      if j > 0 { hessian[j, j] += ridge }
    }
    // The largest eigenvalue of a symmetric noise matrix is about σ √(2q) (Wigner's semicircle); half
    // of it did best in simulations on real cohorts of 600 to 40,000 patients at ε = 1, 3 and 8.
    let floor = max(noise / hessianScale * (2 * Double(q)).squareRoot() / 2, 1e-9)
    var step: [Double]
    do {
      step = try SymmetricEigen(hessian).apply({ 1 / max($0, floor) }, to: direction)
    } catch {
      throw LinearModelError(.singularInformation)
    }
    let length = step.reduce(0) { $0 + $1 * $1 }.squareRoot()
    if length > Self.stepBound { step = step.map { $0 * (Self.stepBound / length) } }
    return zip(beta, step).map { $0 + $1 }
  }

  /// The model after all steps: the mean of the last two iterates, on the design's own columns.
  ///
  /// Each iterate answers to the noise of its own step alone once the first one has come close, so the
  /// mean of two has half the variance and costs nothing. The first step starts too far away to be
  /// averaged.
  ///
  /// - Parameter iterates: coefficients after each step, in order, at least one.
  /// - Throws: `shapeMismatch`.
  public func coefficients(after iterates: [[Double]]) throws(LinearModelError) -> [Double] {
    let last = iterates.suffix(iterates.count > Self.averagedSteps ? Self.averagedSteps : 1)
    guard !last.isEmpty, last.allSatisfy({ $0.count == featureCount + 1 }) else {
      throw LinearModelError(.shapeMismatch)
    }
    var mean = [Double](repeating: 0, count: featureCount + 1)
    for iterate in last {
      for index in mean.indices { mean[index] += iterate[index] / Double(last.count) }
    }
    for (index, centre) in means.enumerated() { mean[0] -= mean[index + 1] * centre }
    return mean
  }
}
