import PortableNumerics

extension VectorQuestion {
  func steps() throws(DifferentialPrivacyError) -> Int {
    try parameters.integer("steps", minimum: 0, default: 1)
  }

  private func noise() throws(DifferentialPrivacyError) -> (sigma: Double, sensitivity: Double) {
    if parameters.has("noise_multiplier") {
      return (try parameters.number("noise_multiplier"), 1)
    }
    let sigma =
      parameters.has("sigma2")
      ? try parameters.number("sigma2").squareRoot() : try parameters.number("sigma")
    return (sigma, try parameters.number("sensitivity_l2", "sensitivity", default: 1))
  }

  func gaussian(_ field: String) throws(DifferentialPrivacyError) -> Double {
    switch query {
    case "epsilon", "delta", "rdp", "mu", "rho":
      let (sigma, sensitivity) = try noise()
      let one = try GaussianPrivacy(standardDeviation: sigma, sensitivity: sensitivity)
      let all = try one.repeated(steps())
      if query == "mu" { return all.mu }
      if query == "rho" { return all.rho }
      if query == "rdp" {
        let order = try parameters.number("alpha", "order")
        try RenyiDivergence.check(order: order)
        return all.mu == 0 ? 0 : order * all.rho
      }
      if Accountant(field: field) == .renyiContinuous {
        let concentrated = try ZeroConcentratedPrivacy(rho: all.rho)
        return query == "epsilon"
          ? try concentrated.epsilon(delta: try parameters.number("delta"))
          : try concentrated.delta(epsilon: try parameters.number("epsilon"))
      }
      let noiseMultiplier = one.mu == 0 ? .infinity : 1 / one.mu
      return try convert(
        .repeated(try steps(), .gaussian(noiseMultiplier: noiseMultiplier)), field)
    case "sigma", "noise_multiplier":
      let sensitivity = try parameters.number("sensitivity_l2", "sensitivity", default: 1)
      return try calibrated(field) * sensitivity
    default: throw unknownQuery
    }
  }

  /// The noise multiplier for the parameters q (1), steps (1), epsilon and delta.
  private func calibrated(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let rate = try parameters.number("q", default: 1)
    let steps = try steps()
    let epsilon = try parameters.number("epsilon")
    let delta = try parameters.number("delta")
    try RenyiDivergence.check(samplingRate: rate)
    guard let accountant = Accountant(field: field) else { throw unknownField(field) }
    if rate == 1, accountant == .tight {
      return try GaussianPrivacy.standardDeviation(
        epsilon: epsilon, delta: delta, sensitivity: Double(steps).squareRoot())
    }
    guard accountant == .tight || accountant == .renyi else { throw unknownField(field) }
    return try NoiseCalibration.noiseMultiplier(
      epsilon: epsilon, delta: delta, accountant: accountant == .tight ? .privacyLoss : .renyi
    ) {
      .repeated(steps, .poissonSampled(rate: rate, .gaussian(noiseMultiplier: $0)))
    }
  }

  func subsampledGaussian(_ field: String) throws(DifferentialPrivacyError) -> Double {
    try refuseReplacement()
    if query == "noise_multiplier" || query == "sigma" { return try calibrated(field) }
    let rate = try parameters.number("q", "sampling_rate")
    let (sigma, sensitivity) = try noise()
    let one = try GaussianPrivacy(standardDeviation: sigma, sensitivity: sensitivity)
    let noiseMultiplier = one.mu == 0 ? .infinity : 1 / one.mu
    if query == "rdp" {
      let divergence = try RenyiDivergence.subsampledGaussian(
        order: try parameters.number("alpha", "order"), noiseMultiplier: noiseMultiplier,
        samplingRate: rate)
      return try Double(steps()) * divergence
    }
    return try convert(
      .repeated(
        try steps(), .poissonSampled(rate: rate, .gaussian(noiseMultiplier: noiseMultiplier))),
      field)
  }

  /// Poisson sampling is accounted for patients added or removed, or zeroed out.
  private func refuseReplacement() throws(DifferentialPrivacyError) {
    guard let relation = parameters["neighbouring"]?.string else { return }
    if relation.hasPrefix("add") || relation.hasPrefix("replace-special") { return }
    throw DifferentialPrivacyError(
      .unknown, "this neighbouring relation is not known here", field: "neighbouring")
  }

  func laplace(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let sensitivity = try parameters.number("sensitivity_l1", "sensitivity", default: 1)
    try RenyiDivergence.check(nonNegative: sensitivity, "sensitivity_l1")
    if query == "scale" || query == "scale_b" {
      // δ = 1 − e^((ε − Δ/b)/2).
      let delta = try parameters.number("delta", default: 0)
      let epsilon = try parameters.number("epsilon")
      try GaussianPrivacy.checkDelta(delta)
      return sensitivity / (epsilon - 2 * Portable.log1p(-delta))
    }
    let scale = try parameters.number("scale_b", "scale", "b")
    try RenyiDivergence.check(nonNegative: scale, "scale_b")
    let relative = sensitivity == 0 ? Double.infinity : scale / sensitivity
    let steps = try steps()
    if query == "rdp" {
      return try Double(steps)
        * RenyiDivergence.laplace(
          order: try parameters.number("alpha", "order"), pureEpsilon: 1 / relative)
    }
    let rate = try parameters.number("q", default: 1)
    var event = PrivacyEvent.laplace(scale: relative)
    if rate != 1 { event = .poissonSampled(rate: rate, event) }
    return try convert(.repeated(steps, event), field, basic: Double(steps) / relative)
  }

  func concentrated(_ field: String) throws(DifferentialPrivacyError) -> Double {
    if query == "rho" {
      return try ZeroConcentratedPrivacy.largest(
        epsilon: try parameters.number("epsilon"), delta: try parameters.number("delta")
      ).rho
    }
    let steps = try Double(steps())
    let guarantee = try ZeroConcentratedPrivacy(rho: try parameters.number("rho") * steps)
    switch (query, field) {
    case ("rdp", _):
      let order = try parameters.number("alpha", "order")
      try RenyiDivergence.check(order: order)
      return guarantee.rho == 0 ? 0 : order * guarantee.rho
    case ("delta", "order"), ("delta", "optimal_alpha"): throw unknownField(field)
    case ("delta", _): return try guarantee.delta(epsilon: try parameters.number("epsilon"))
    case ("epsilon", "simple"):
      return try guarantee.simpleEpsilon(delta: try parameters.number("delta"))
    case ("epsilon", "optimal_alpha"), ("epsilon", "order"):
      return try guarantee.epsilonAndOrder(delta: try parameters.number("delta")).order
    case ("epsilon", _):
      if field.hasPrefix("rdp") {
        return try convert(.zeroConcentrated(rho: guarantee.rho), field)
      }
      guard ["", "exact", "optimal", "ckS20_optimal", "epsilon"].contains(field) else {
        throw unknownField(field)
      }
      return try guarantee.epsilon(delta: try parameters.number("delta"))
    default: throw unknownQuery
    }
  }

  func renyiCurve(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let curve = try RenyiCurve(
      orders: try parameters.numbers("orders"), values: try parameters.numbers("rdp"))
    let answer: (value: Double, order: Double)
    switch query {
    case "epsilon":
      let (epsilon, order) = try curve.epsilonAndOrder(delta: try parameters.number("delta"))
      answer = (epsilon, order)
    case "delta":
      let (delta, order) = try curve.deltaAndOrder(epsilon: try parameters.number("epsilon"))
      answer = (delta, order)
    default: throw unknownQuery
    }
    return field.contains("order") ? answer.order : answer.value
  }

  func fixedSize(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let batch = try parameters.integer("batch")
    let population = try parameters.integer("population", minimum: 1)
    let noiseMultiplier = try parameters.number("noise_multiplier", "sigma")
    if query == "rdp" {
      return try Double(steps())
        * RenyiDivergence.withoutReplacementGaussian(
          order: try parameters.number("alpha", "order"), noiseMultiplier: noiseMultiplier,
          samplingRate: Double(batch) / Double(population))
    }
    let event = PrivacyEvent.sampledWithoutReplacement(
      batch: batch, population: population, noiseMultiplier: noiseMultiplier)
    return try convert(.repeated(try steps(), event), field, renyiFirst: true)
  }

  func tree(_ field: String) throws(DifferentialPrivacyError) -> Double {
    var counts: [Int] = []
    for count in try parameters.numbers(parameters.has("step_counts") ? "step_counts" : "steps") {
      guard count == count.rounded(), count >= 0, count <= 0x1p53 else {
        throw DifferentialPrivacyError(
          .outOfRange, "steps are whole numbers", field: "step_counts")
      }
      counts.append(Int(count))
    }
    let event = try PrivacyEvent.treeAggregation(
      noiseMultiplier: try parameters.number("noise_multiplier", "sigma"), stepCounts: counts)
    if query == "rdp" {
      let order = try parameters.number("alpha", "order")
      return try event.renyiCurve(orders: [order]).values[0]
    }
    let wantsRenyi = field.isEmpty || field == "epsilon" || field == "candidate"
    return try convert(event, field, renyiFirst: wantsRenyi)
  }
}

extension VectorParameters {
  func number(
    _ first: String, _ second: String, default value: Double
  ) throws(DifferentialPrivacyError) -> Double {
    has(first) ? try number(first) : try number(second, default: value)
  }
}
