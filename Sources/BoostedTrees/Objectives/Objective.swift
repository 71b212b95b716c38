import PortableNumerics

/// What the trees learn: a loss, its derivatives by the margin and the link to predictions.
///
/// `EnsembleTrainer` and `LocalShard` train with any conforming type; `Objective` has those that a
/// plan can name. All arithmetic must be portable (`Portable`), because margins and derivatives must
/// have the same bits at every site, and no requirement may trap for an outcome that `accepts`.
///
/// A survival objective is a type of its own, whose properties carry what it needs of totals that
/// were published before the training, such as a baseline hazard. An outcome is one number: a time
/// that may be censored is t for an event at t and −t for a patient last seen without one at t, as in
/// XGBoost's `survival:cox`.
public protocol BoostingObjective: Sendable {
  /// Whether the numbers in the objective are usable; true unless a type says otherwise.
  var isValid: Bool { get }
  /// Margins per patient, and trees per iteration, 1 … 64.
  var outputCount: Int { get }
  /// Length of `baselineTerms`, 1 … 1024; `outputCount` unless a type says otherwise.
  var baselineTermCount: Int { get }
  /// Bounds that the derivatives are clipped to; they size the integer sums.
  var bounds: DerivativeBounds { get }
  /// Whether the outcome is one the objective is made for.
  func accepts(outcome: Double) -> Bool
  /// Sums over patients that the first margins are made from: `baselineTermCount` values of one
  /// patient, each in 0 … 1; what is outside is taken as the nearer end.
  func baselineTerms(outcome: Double) -> [Double]
  /// The first margin of every output, finite, from the number of patients (> 0) and the summed terms.
  ///
  /// Throws `oneOutcomeClass` where the patients' outcomes leave nothing to learn.
  func baseMargins(patientCount: Double, sums: [Double]) throws(BoostedTreesError) -> [Double]
  /// First and second derivative of the loss by output `output`'s margin, for consecutive patients;
  /// whoever sums them clips them to `bounds`.
  func derivatives(_ rows: ObjectiveRows, output: Int, into target: DerivativeRows)
  /// The loss of consecutive patients, least 0; whoever sums it clips it to 0 … 1024.
  func losses(_ rows: ObjectiveRows, into target: UnsafeMutablePointer<Double>)
  /// Predictions, one per output, from the margins.
  func predictions(margins: [Double]) -> [Double]
}

extension BoostingObjective {
  public var isValid: Bool { true }
  public var baselineTermCount: Int { outputCount }
}

/// |g| ≤ `gradient` and 0 ≤ h ≤ `hessian`, for every patient.
public struct DerivativeBounds: Sendable, Hashable, Codable {
  public var gradient: Double
  public var hessian: Double

  public init(gradient: Double, hessian: Double) {
    self.gradient = gradient
    self.hessian = hessian
  }
}

/// Consecutive patients, as an objective sees them.
public struct ObjectiveRows {
  /// Their number.
  public let count: Int
  /// Margins of these patients by output, each `count` long.
  public let margins: [UnsafePointer<Double>]
  public let outcomes: UnsafePointer<Double>
}

/// Where an objective writes the derivatives of `ObjectiveRows`.
public struct DerivativeRows {
  public let gradient: UnsafeMutablePointer<Double>
  public let hessian: UnsafeMutablePointer<Double>
}

/// The objectives that a plan can name.
public enum Objective: Sendable, Hashable {
  /// Outcome 0 or 1, log loss, logistic link.
  case logistic
  /// A number within the public range `lower … upper`, half the squared error, identity link.
  case squaredError(lower: Double, upper: Double)
  /// A count 0 … `maximum`, Poisson deviance, logarithmic link. The margin is clipped to ±30 and the
  /// derivatives to the maximum.
  case poisson(maximum: Double)
  /// A class 0 ..< classCount, softmax; the second derivative is 2·p·(1 − p), as in XGBoost.
  case multiclass(classCount: Int)
}

extension Objective: BoostingObjective {
  public var outputCount: Int {
    if case .multiclass(let classCount) = self { return classCount }
    return 1
  }

  /// Whether the numbers in the objective are usable.
  public var isValid: Bool {
    switch self {
    case .logistic: true
    case .squaredError(let lower, let upper):
      lower.isFinite && upper.isFinite && lower < upper && upper - lower < 0x1p40
        && max(abs(lower), abs(upper)) < 0x1p60
    case .poisson(let maximum): maximum >= 1 && maximum <= 0x1p20
    case .multiclass(let classCount): (2...64).contains(classCount)
    }
  }

  public var bounds: DerivativeBounds {
    switch self {
    case .logistic: DerivativeBounds(gradient: 1, hessian: 0.25)
    case .squaredError(let lower, let upper):
      DerivativeBounds(gradient: 2 * (upper - lower), hessian: 1)
    case .poisson(let maximum): DerivativeBounds(gradient: maximum, hessian: maximum)
    case .multiclass: DerivativeBounds(gradient: 1, hessian: 0.5)
    }
  }

  public func accepts(outcome: Double) -> Bool {
    switch self {
    case .logistic: outcome == 0 || outcome == 1
    case .squaredError(let lower, let upper): outcome >= lower && outcome <= upper
    case .poisson(let maximum): outcome >= 0 && outcome <= maximum
    case .multiclass(let classCount):
      outcome >= 0 && outcome < Double(classCount) && Portable.rounded(outcome) == outcome
    }
  }

  public func baselineTerms(outcome: Double) -> [Double] {
    switch self {
    case .logistic: return [outcome]
    case .squaredError(let lower, let upper): return [(outcome - lower) / (upper - lower)]
    case .poisson(let maximum): return [outcome / maximum]
    case .multiclass(let classCount):
      var terms = [Double](repeating: 0, count: classCount)
      terms[Int(outcome)] = 1
      return terms
    }
  }

  public func baseMargins(
    patientCount: Double, sums: [Double]
  ) throws(BoostedTreesError) -> [Double] {
    let means = sums.map { $0 / patientCount }
    switch self {
    case .logistic:
      guard means[0] > 0, means[0] < 1 else { throw BoostedTreesError(.oneOutcomeClass) }
      return [Portable.logit(means[0])]
    case .squaredError(let lower, let upper): return [lower + means[0] * (upper - lower)]
    case .poisson(let maximum):
      guard means[0] > 0 else { throw BoostedTreesError(.oneOutcomeClass) }
      return [Portable.log(means[0] * maximum)]
    case .multiclass:
      guard means.count(where: { $0 > 0 }) > 1 else { throw BoostedTreesError(.oneOutcomeClass) }
      // A class that nobody has starts as if half a patient had it.
      return means.map { Portable.log(max($0, 0.5 / patientCount)) }
    }
  }

  public func derivatives(_ rows: ObjectiveRows, output: Int, into target: DerivativeRows) {
    let margin = rows.margins[output]
    let outcome = rows.outcomes
    switch self {
    case .logistic:
      LogisticDerivatives.write(
        count: rows.count, margins: margin, outcomes: outcome, into: target)
    case .squaredError:
      for row in 0..<rows.count {
        target.gradient[row] = margin[row] - outcome[row]
        target.hessian[row] = 1
      }
    case .poisson:
      for row in 0..<rows.count {
        let mean = Portable.exp(min(max(margin[row], -30), 30))
        target.gradient[row] = mean - outcome[row]
        target.hessian[row] = mean
      }
    case .multiclass:
      for row in 0..<rows.count {
        var largest = rows.margins[0][row]
        for other in rows.margins.dropFirst() { largest = max(largest, other[row]) }
        var sum = 0.0
        for other in rows.margins { sum += Portable.exp(other[row] - largest) }
        let probability = Portable.exp(margin[row] - largest) / sum
        target.gradient[row] = probability - (outcome[row] == Double(output) ? 1 : 0)
        target.hessian[row] = 2 * probability * (1 - probability)
      }
    }
  }

  public func losses(_ rows: ObjectiveRows, into target: UnsafeMutablePointer<Double>) {
    let margins = rows.margins[0]
    let outcomes = rows.outcomes
    switch self {
    case .logistic:
      for row in 0..<rows.count {
        target[row] = Portable.softplus(outcomes[row] == 1 ? -margins[row] : margins[row])
      }
    case .squaredError(let lower, let upper):
      for row in 0..<rows.count {
        let error = (margins[row] - outcomes[row]) / (upper - lower)
        target[row] = 0.5 * error * error
      }
    case .poisson:
      for row in 0..<rows.count {
        let margin = min(max(margins[row], -30), 30)
        let outcome = outcomes[row]
        let saturated = outcome > 0 ? outcome * Portable.log(outcome) - outcome : 0
        target[row] = Portable.exp(margin) - outcome * margin + saturated
      }
    case .multiclass:
      for row in 0..<rows.count {
        var largest = margins[row]
        for other in rows.margins.dropFirst() { largest = max(largest, other[row]) }
        var sum = 0.0
        for other in rows.margins { sum += Portable.exp(other[row] - largest) }
        target[row] = Portable.log(sum) + largest - rows.margins[Int(outcomes[row])][row]
      }
    }
  }

  public func predictions(margins: [Double]) -> [Double] {
    switch self {
    case .logistic: return margins.map { Portable.sigmoid($0) }
    case .squaredError: return margins
    case .poisson: return margins.map { Portable.exp(min(max($0, -30), 30)) }
    case .multiclass:
      let largest = margins.max() ?? 0
      let terms = margins.map { Portable.exp($0 - largest) }
      var sum = 0.0
      for term in terms { sum += term }
      return terms.map { $0 / sum }
    }
  }
}
