import DifferentialPrivacy
import PortableNumerics
import Testing

/// Files of known answers come from anywhere: what cannot be read is a failing row.
@Suite struct VectorRobustnessTests {
  private func vector(_ changes: [String: JSONValue]) -> JSONValue {
    var fields: [String: JSONValue] = [
      "id": .string("one"), "category": .string("gaussian-analytic"),
      "mechanism": .string("gaussian"), "query": .string("epsilon"),
      "params": .object([
        "sigma": .number(2), "sensitivity_l2": .number(1), "delta": .number(1e-5),
      ]),
      "expect": .number(1.993_112_6),
      "accept": .object(["kind": .string("relative"), "rtol": .number(1e-5)]),
    ]
    for (name, value) in changes { fields[name] = value == .null ? nil : value }
    return .object(fields)
  }

  private func report(_ vectors: [JSONValue]) throws -> VectorReport {
    try VectorFile(.object(["vectors": .array(vectors)])).evaluate()
  }

  @Test func goodVectorPasses() throws {
    let guarantee = try GaussianPrivacy(mu: 0.5)
    let exact = try guarantee.epsilon(delta: 1e-5)
    let report = try report([vector(["expect": .number(exact)])])
    #expect(report.passed && report.rows.count == 1 && report.rows[0].id == "one")
    #expect(report.rows[0].relativeDifference == 0)
  }

  @Test func whatCannotBeReadFails() throws {
    let broken: [JSONValue] = [
      .null, .number(3), .object([:]), vector(["mechanism": .null]), vector(["query": .null]),
      vector(["params": .null]), vector(["params": .array([])]), vector(["accept": .null]),
      vector(["accept": .object(["kind": .string("per-field")])]),
      vector(["accept": .object(["kind": .string("about")])]),
      vector(["accept": .object(["kind": .string("window"), "lower": .number(1)])]),
      vector(["accept": .object(["kind": .string("relative"), "rtol": .number(-1)])]),
      vector(["expect": .null]), vector(["expect": .string("many")]),
      vector(["mechanism": .string("oracle")]), vector(["query": .string("colour")]),
      vector(["params": .object(["sigma": .string("two"), "delta": .number(1e-5)])]),
      vector(["params": .object(["sigma": .number(2)])]),
    ]
    let report = try report(broken)
    #expect(report.vectorCount == broken.count && report.passedCount == 0)
    #expect(report.rows.count >= broken.count)
    #expect(report.rows.allSatisfy { !$0.passed && !$0.computed.isEmpty })
    #expect(throws: DifferentialPrivacyError.self) { try VectorFile(.array([])) }
    #expect(try !VectorFile(.object(["vectors": .array([])])).evaluate().passed)
  }

  /// Asking for an error is satisfied by a number out of range, not by a question nobody knows.
  @Test func onlyARefusalCountsAsAnError() throws {
    let exact: JSONValue = .object(["kind": .string("exact")])
    let refused = vector([
      "expect": .string("error"), "accept": exact,
      "params": .object(["sigma": .number(-2), "delta": .number(1e-5)]),
    ])
    let unknown = vector([
      "expect": .string("error"), "accept": exact, "mechanism": .string("oracle"),
    ])
    let fine = vector(["expect": .string("error"), "accept": exact])
    let report = try report([refused, unknown, fine])
    #expect(report.rows.map(\.passed) == [true, false, false])
  }

  /// Wild numbers in every mechanism: an answer or a refusal, never a trap. Seed 5.
  @Test func wildNumbersNeverTrap() throws {
    var generator = SplitMix64(seed: 5)
    let wild: [JSONValue] = [
      .number(0), .number(1), .number(-1), .number(0.5), .number(1e-300), .number(1e300),
      .number(2.5), .number(1e15), .string("inf"), .string("-inf"), .number(1e-5), .number(3),
      .null, .array([.number(1)]), .bool(true),
    ]
    let questions: [(String, [String], [String])] = [
      (
        "gaussian", ["sigma", "sensitivity_l2", "steps", "delta", "epsilon"],
        ["epsilon", "delta", "sigma"]
      ),
      ("poisson-subsampled-gaussian", ["q", "noise_multiplier", "alpha"], ["rdp"]),
      (
        "laplace", ["scale_b", "sensitivity_l1", "delta", "epsilon", "alpha"],
        ["epsilon", "delta", "rdp"]
      ),
      ("discrete-laplace", ["parameter", "delta"], ["epsilon"]),
      ("randomized-response", ["noise_parameter", "num_buckets", "delta"], ["epsilon"]),
      ("zcdp", ["rho", "delta", "epsilon"], ["epsilon", "delta", "rho"]),
      ("rdp-curve", ["orders", "rdp", "delta", "epsilon"], ["epsilon", "delta"]),
      ("dp-ftrl-tree", ["noise_multiplier", "step_counts", "delta"], ["epsilon"]),
      (
        "gbdt-histograms",
        ["trees", "features", "records_per_patient", "sigma_per_bin", "delta"], ["epsilon"]
      ),
      ("sum-of-discrete-gaussians", ["sigma2_each", "sensitivity_l2", "dimension"], ["cdp"]),
      ("one-run-audit", ["m", "r", "v", "epsilon", "delta"], ["p_value"]),
      ("clopper-pearson", ["successes", "trials", "confidence"], ["interval"]),
    ]
    var vectors: [JSONValue] = []
    for _ in 0..<1500 {
      let (mechanism, names, queries) =
        questions[Int(generator.next() % UInt64(questions.count))]
      var parameters: [String: JSONValue] = [:]
      for name in names where generator.next() % 8 > 0 {
        parameters[name] = wild[Int(generator.next() % UInt64(wild.count))]
      }
      vectors.append(
        vector([
          "mechanism": .string(mechanism),
          "query": .string(queries[Int(generator.next() % UInt64(queries.count))]),
          "params": .object(parameters),
        ]))
    }
    let report = try report(vectors)
    #expect(report.vectorCount == 1500)
    #expect(report.rows.contains { $0.computed.hasPrefix("out-of-range") })
    #expect(report.rows.contains { Double($0.computed) != nil })
    #expect(!report.rows.contains { $0.computed == "nan" }, "an answer is a number")
  }
}
