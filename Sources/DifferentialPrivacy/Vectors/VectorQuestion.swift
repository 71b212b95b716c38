/// What a vector asks: a mechanism, its parameters and a query.
///
/// Mechanisms are answered by name; categories are for the reader only.
struct VectorQuestion {
  let mechanism: String
  let query: String
  let parameters: VectorParameters

  init(_ vector: JSONValue) throws(DifferentialPrivacyError) {
    guard let mechanism = vector["mechanism"]?.string else {
      throw DifferentialPrivacyError(.malformed, "a vector names a mechanism", field: "mechanism")
    }
    guard let query = vector["query"]?.string else {
      throw DifferentialPrivacyError(.malformed, "a vector names a query", field: "query")
    }
    self.mechanism = mechanism
    self.query = query
    parameters = try VectorParameters(vector["params"])
  }

  /// Which accountant a field of the expectation or a rule speaks of.
  enum Accountant {
    case tight
    case renyi
    case renyiOrder
    case renyiContinuous
    case basic

    init?(field: String) {
      switch field {
      case "", "exact", "epsilon", "delta", "candidate", "reported", "tight_accountant",
        "noise_multiplier", "sigma", "rho":
        self = .tight
      case "order", "optimal_order", "rdp_order", "rdp_optimal_order", "rdp_dpa_optimal_order",
        "rdp_dpa_order":
        self = .renyiOrder
      case "rdp_continuous_orders": self = .renyiContinuous
      case "basic", "pure": self = .basic
      default:
        if field.hasPrefix("rdp") || field.contains("_rdp") {
          self = .renyi
        } else if ["pld", "prv", "opacus_prv", "tight"].contains(where: { field.hasPrefix($0) }) {
          self = .tight
        } else {
          return nil
        }
      }
    }
  }

  /// The answer for a field of the expectation.
  ///
  /// - Throws: `unknown` for a mechanism, query or field that is not known; `malformed`,
  ///   `outOfRange` or `unattainable` as the mechanism says.
  func answer(field: String) throws(DifferentialPrivacyError) -> Double {
    switch mechanism {
    case "gaussian": return try gaussian(field)
    case "poisson-subsampled-gaussian": return try subsampledGaussian(field)
    case "laplace": return try laplace(field)
    case "discrete-laplace", "discrete-gaussian": return try discrete(field)
    case "randomized-response": return try randomizedResponse(field)
    case "skellam": return try skellam(field)
    case "sum-of-discrete-gaussians": return try sumOfDiscreteGaussians(field)
    case "zcdp": return try concentrated(field)
    case "rdp-curve": return try renyiCurve(field)
    case "fixed-size-subsampled-gaussian": return try fixedSize(field)
    case "dp-ftrl-tree": return try tree(field)
    case "gbdt-histograms": return try structured(field, trees: true)
    case "marginal-histograms": return try structured(field, trees: false)
    case "one-run-audit": return try oneRunAudit(field)
    case "clopper-pearson": return try clopperPearson(field)
    case "membership-ceiling": return try membershipCeiling(field)
    default:
      if parameters.has("events") { return try study(field) }
      throw DifferentialPrivacyError(
        .unknown, "the mechanism is not known", field: "mechanism")
    }
  }

  var unknownQuery: DifferentialPrivacyError {
    DifferentialPrivacyError(.unknown, "the query is not known for this mechanism", field: "query")
  }

  func unknownField(_ field: String) -> DifferentialPrivacyError {
    DifferentialPrivacyError(
      .unknown, "no answer belongs to this field of the expectation", field: field)
  }

  /// ε or δ of an event by the accountant that the field names.
  func convert(
    _ event: PrivacyEvent, _ field: String, basic: Double? = nil, renyiFirst: Bool = false
  ) throws(DifferentialPrivacyError) -> Double {
    guard var accountant = Accountant(field: field) else { throw unknownField(field) }
    if renyiFirst, accountant == .tight { accountant = .renyi }
    let wantsEpsilon = query == "epsilon"
    guard wantsEpsilon || query == "delta" else { throw unknownQuery }
    let given = try parameters.number(wantsEpsilon ? "delta" : "epsilon")
    switch accountant {
    case .tight:
      let tight = try PrivacyLossAccountant(event)
      return wantsEpsilon ? try tight.epsilon(delta: given) : try tight.delta(epsilon: given)
    case .renyi, .renyiOrder:
      let curve = try event.renyiCurve()
      if wantsEpsilon {
        let (epsilon, order) = try curve.epsilonAndOrder(delta: given)
        return accountant == .renyi ? epsilon : order
      }
      let (delta, order) = try curve.deltaAndOrder(epsilon: given)
      return accountant == .renyi ? delta : order
    case .basic:
      guard let basic else { throw unknownField(field) }
      return basic
    case .renyiContinuous: throw unknownField(field)
    }
  }
}
