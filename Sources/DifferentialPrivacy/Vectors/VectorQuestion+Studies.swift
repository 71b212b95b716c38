import PortableNumerics

extension VectorQuestion {
  func study(_ field: String) throws(DifferentialPrivacyError) -> Double {
    guard let events = parameters["events"]?.elements else {
      throw DifferentialPrivacyError(.malformed, "events are a list", field: "events")
    }
    var all: [PrivacyEvent] = []
    for (index, event) in events.enumerated() {
      all.append(try Self.event(event, index: index, depth: 0))
    }
    if query == "rdp" {
      let order = try parameters.number("alpha", "order")
      return try PrivacyEvent.composed(all).renyiCurve(orders: [order]).values[0]
    }
    return try convert(.composed(all), field)
  }

  /// `{"count", "event"}` or `{"type", …}`.
  private static func event(
    _ value: JSONValue, index: Int, depth: Int
  ) throws(DifferentialPrivacyError) -> PrivacyEvent {
    func malformed(_ message: StaticString) -> DifferentialPrivacyError {
      DifferentialPrivacyError(.malformed, "\(message)", field: "events", index: index)
    }
    guard depth < 32 else { throw malformed("events are nested too deeply") }
    let fields = try VectorParameters(value)
    func inner() throws(DifferentialPrivacyError) -> PrivacyEvent {
      guard let event = fields["event"] else { throw malformed("an event is missing") }
      return try Self.event(event, index: index, depth: depth + 1)
    }
    func noise() throws(DifferentialPrivacyError) -> Double {
      if fields.has("noise_multiplier") { return try fields.number("noise_multiplier") }
      let one = try GaussianPrivacy(
        standardDeviation: try fields.number("sigma"),
        sensitivity: try fields.number("sensitivity_l2", "sensitivity", default: 1))
      return one.mu == 0 ? .infinity : 1 / one.mu
    }
    let type = fields["type"]?.string
    if fields.has("count"), type == nil || type == "self-composed" {
      return .repeated(try fields.integer("count"), try inner())
    }
    func shift() throws(DifferentialPrivacyError) -> Int {
      try fields.integer("sensitivity", default: 1)
    }
    switch type {
    case "gaussian": return .gaussian(noiseMultiplier: try noise())
    case "laplace":
      return .laplace(
        scale: try fields.number("scale", "scale_b")
          / fields.number("sensitivity_l1", "sensitivity", default: 1))
    case "poisson", "poisson-sampled":
      return .poissonSampled(
        rate: try fields.number("q", "rate", "sampling_probability"), try inner())
    case "zcdp": return .zeroConcentrated(rho: try fields.number("rho"))
    case "discrete-laplace":
      return .table(
        try .discreteLaplace(rate: try fields.number("parameter"), shift: try shift()))
    case "discrete-gaussian":
      let noise = try IntegerNoise.discreteGaussian(variance: try fields.number("sigma2"))
      return .table(try noise.table(shift: try shift()))
    case "randomized-response":
      return .table(
        try .randomizedResponse(
          noise: try fields.number("noise_parameter"),
          bucketCount: try fields.integer("num_buckets", minimum: 1, default: 2)))
    case "tree":
      return try .treeAggregation(
        noiseMultiplier: try noise(), stepCounts: [try fields.integer("steps", minimum: 1)])
    case "composed":
      guard let events = fields["events"]?.elements else { throw malformed("events are a list") }
      var all: [PrivacyEvent] = []
      for event in events { all.append(try Self.event(event, index: index, depth: depth + 1)) }
      return .composed(all)
    case "no-op", "none": return .composed([])
    default:
      throw DifferentialPrivacyError(
        .unknown, "the type of event is not known", field: "events", index: index)
    }
  }

  func structured(_ field: String, trees: Bool) throws(DifferentialPrivacyError) -> Double {
    let records = try parameters.integer("records_per_patient", default: 1)
    let features = try parameters.integer("features")
    let sensitivity: Double
    let releases: Int
    if trees {
      sensitivity = try StructuredSensitivity.gradientHistograms(
        featureCount: features, gradientBound: try parameters.number("g_max", default: 1),
        hessianBound: try parameters.number("h_max", default: 0.25), recordsPerPatient: records)
      let (product, overflow) = try parameters.integer("trees").multipliedReportingOverflow(
        by: try parameters.integer("levels_per_tree", default: 1))
      guard !overflow else {
        throw DifferentialPrivacyError(.outOfRange, "too many releases", field: "trees")
      }
      releases = product
    } else {
      sensitivity = try StructuredSensitivity.marginalHistograms(
        featureCount: features, recordsPerPatient: records)
      releases = try parameters.integer("releases", default: 1)
    }
    if field.hasPrefix("sensitivity") { return sensitivity }
    if field == "releases" { return Double(releases) }
    let guarantee = try GaussianPrivacy(
      standardDeviation: try parameters.number("sigma_per_bin", "sigma"), sensitivity: sensitivity
    ).repeated(releases)
    switch (query, field) {
    case (_, "mu"): return guarantee.mu
    case ("epsilon", "epsilon"), ("epsilon", ""), ("epsilon", "exact"):
      return try guarantee.epsilon(delta: try parameters.number("delta"))
    case ("delta", "delta"), ("delta", ""), ("delta", "exact"):
      return try guarantee.delta(epsilon: try parameters.number("epsilon"))
    default: throw unknownField(field)
    }
  }

  func oneRunAudit(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let audit = try OneRunAudit(
      canaryCount: try parameters.integer("m"), guessCount: try parameters.integer("r"),
      correctCount: try parameters.integer("v"))
    let delta = try parameters.number("delta", default: 0)
    switch query {
    case "p_value": return try audit.pValue(epsilon: try parameters.number("epsilon"), delta: delta)
    case "epsilon_lower_bound", "epsilon":
      var level = try parameters.number("p", default: 0.05)
      if parameters.has("confidence") { level = 1 - (try parameters.number("confidence")) }
      return try audit.epsilonLowerBound(delta: delta, significance: level)
    default: throw unknownQuery
    }
  }

  func clopperPearson(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let level = try parameters.number("confidence", default: 0.95)
    let interval = BinomialProportion.exactInterval(
      successes: try parameters.integer("successes"), trials: try parameters.integer("trials"),
      level: level)
    guard let interval else {
      throw DifferentialPrivacyError(
        .outOfRange, "successes are at most trials and the level is in (0, 1)",
        field: "successes")
    }
    switch field {
    case "lower": return interval.lower
    case "upper": return interval.upper
    default: throw unknownField(field)
    }
  }

  func membershipCeiling(_ field: String) throws(DifferentialPrivacyError) -> Double {
    let ceiling =
      parameters.has("mu")
      ? MembershipCeiling(try GaussianPrivacy(mu: try parameters.number("mu")))
      : try MembershipCeiling(
        epsilon: try parameters.number("epsilon"), delta: try parameters.number("delta"))
    if field == "auc" { return ceiling.area }
    if field == "mu" { return ceiling.mu }
    if field == "advantage" { return ceiling.advantage }
    if field.hasPrefix("tpr_at_"), let rate = Double(field.dropFirst(7)) {
      return try ceiling.truePositiveRate(atFalsePositiveRate: rate)
    }
    throw unknownField(field)
  }
}
