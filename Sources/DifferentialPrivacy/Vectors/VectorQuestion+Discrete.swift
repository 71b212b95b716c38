import PortableNumerics

extension VectorQuestion {
  private func shift() throws(DifferentialPrivacyError) -> Int {
    for name in ["sensitivity", "sensitivity_l1", "sensitivity_l2"] where parameters.has(name) {
      return try parameters.integer(name)
    }
    return 1
  }

  /// ε, δ, divergences and moments of integer noise.
  private func answer(
    _ noise: IntegerNoise, _ field: String
  ) throws(DifferentialPrivacyError) -> Double {
    switch query {
    case "moments", "pmf", "distribution": return try moment(noise, field)
    case "rdp":
      return try Double(steps())
        * noise.renyiDivergence(
          order: try parameters.number("alpha", "order"), shift: try shift())
    default:
      let table = try noise.table(shift: try shift())
      let known = field == "exact_discrete" ? "exact" : field
      return try convert(.repeated(try steps(), .table(table)), known)
    }
  }

  private func moment(
    _ noise: IntegerNoise, _ field: String
  ) throws(DifferentialPrivacyError) -> Double {
    if field == "variance" { return noise.variance }
    if field == "fourth_moment" { return noise.moment(4) }
    if field.hasPrefix("p_abs_ge_"), let k = Int(field.dropFirst(9)), k >= 0 {
      return noise.tail(atLeast: k)
    }
    if field.hasPrefix("p"), let k = Int(field.dropFirst()) { return noise.probability(k) }
    throw unknownField(field)
  }

  func discrete(_ field: String) throws(DifferentialPrivacyError) -> Double {
    if mechanism == "discrete-laplace" {
      let rate = try parameters.number("parameter", "a")
      if query == "moments" { return try moment(try .discreteLaplace(rate: rate), field) }
      let table = try OutcomeTable.discreteLaplace(rate: rate, shift: try shift())
      if query == "rdp" {
        return try Double(steps())
          * RenyiDivergence.table(order: try parameters.number("alpha", "order"), table)
      }
      return try convert(.repeated(try steps(), .table(table)), field)
    }
    let variance =
      parameters.has("sigma2")
      ? try parameters.number("sigma2")
      : try parameters.number("sigma") * parameters.number("sigma")
    if query == "rdp" {
      let order = try parameters.number("alpha", "order")
      let bound = order * Double(try shift()) * Double(try shift()) / (2 * variance)
      if field == "zcdp_bound" { return bound }
    }
    let slack = try parameters.number("slack_variance", default: GaussianDominance.slackVariance)
    let isDominance = parameters.has("slack_variance")
    if field.hasPrefix("continuous_S") || (field == "reported" && isDominance) {
      let given = try parameters.number("delta")
      let sensitivity = try parameters.number("sensitivity", "sensitivity_l2")
      if field == "continuous_S" {
        return try GaussianPrivacy(
          standardDeviation: variance.squareRoot(), sensitivity: sensitivity
        ).epsilon(delta: given)
      }
      var used = slack
      if field.hasPrefix("continuous_S_minus_"), let named = Double(field.dropFirst(19)) {
        used = named
      }
      return try GaussianDominance.guarantee(
        variance: variance, sensitivity: sensitivity, slackVariance: used
      ).epsilon(delta: given)
    }
    return try answer(try .discreteGaussian(variance: variance), field)
  }

  func randomizedResponse(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let special = parameters["neighbouring"]?.string?.hasPrefix("replace-special") ?? false
    let table = try OutcomeTable.randomizedResponse(
      noise: try parameters.number("noise_parameter", "p"),
      bucketCount: try parameters.integer("num_buckets", minimum: 1, default: 2),
      comparedWithUniform: special)
    if query == "rdp" {
      return try Double(steps())
        * RenyiDivergence.table(order: try parameters.number("alpha", "order"), table)
    }
    return try convert(.repeated(try steps(), .table(table)), field)
  }

  func skellam(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let variance = try parameters.number("variance_mu", "variance", "mu")
    let first = try parameters.number("sensitivity_l1", "sensitivity", default: 1)
    let second = try parameters.number("sensitivity_l2", "sensitivity", default: first)
    if field.hasSuffix("bound") || field == "theorem35" {
      return try SkellamBound.renyiDivergence(
        order: try parameters.number("alpha", "order"), variance: variance, sensitivityL1: first,
        sensitivityL2: second)
    }
    // The exact answer is that of c coordinates shifted by s each: cs = Δ₁, cs² = Δ₂².
    let coordinates = first == 0 ? 1 : (first * first / (second * second)).rounded()
    guard coordinates >= 1,
      (coordinates.squareRoot() * second - first).magnitude <= 1e-9 * max(first, 1)
    else {
      throw DifferentialPrivacyError(
        .unattainable, "no equal integer shifts have these sensitivities", field: "sensitivity_l1")
    }
    let each = first / coordinates
    guard each >= 0, each <= 1e9, (each - each.rounded()).magnitude < 1e-9 else {
      throw DifferentialPrivacyError(
        .outOfRange, "a shift is a whole number", field: "sensitivity_l1")
    }
    let shift = Int(each.rounded())
    let noise = try IntegerNoise.skellam(variance: variance)
    if query == "moments" { return try moment(noise, field) }
    let repetitions = Int(coordinates) * (try steps())
    if query == "rdp" {
      return Double(repetitions)
        * (try noise.renyiDivergence(order: try parameters.number("alpha", "order"), shift: shift))
    }
    return try convert(.repeated(repetitions, .table(try noise.table(shift: shift))), field)
  }

  func sumOfDiscreteGaussians(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let parties = try parameters.integer("parties", minimum: 1)
    let variance = try parameters.number("sigma2_each")
    if query == "cdp" || ["tau", "epsilon_cdp", "rho"].contains(field) {
      let bound = try SumOfDiscreteGaussians(
        partyCount: parties, varianceEach: variance,
        sensitivity: try parameters.number("sensitivity_l2", "sensitivity"),
        dimension: try parameters.integer("dimension", minimum: 1, default: 1))
      switch field {
      case "tau": return bound.tau
      case "epsilon_cdp", "epsilon": return bound.concentratedEpsilon
      case "rho": return bound.rho
      default: throw unknownField(field)
      }
    }
    let sum = try IntegerNoise.discreteGaussian(variance: variance).sum(of: parties)
    if query == "moments" { return try moment(sum, field) }
    guard query == "epsilon_exact_1d" || query == "epsilon" else { throw unknownQuery }
    let table = try sum.table(shift: try shift())
    return try PrivacyLossAccountant(.table(table)).epsilon(
      delta: try parameters.number("delta"))
  }
}
