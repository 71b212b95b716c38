/// One line of the table of known answers: one number compared by one rule.
public struct VectorRow: Sendable, Equatable {
  /// The id of the vector; "#12" for the twelfth (from 0) when it has none.
  public let id: String
  /// The category of the vector; empty when it has none.
  public let category: String
  /// The field of the expectation or the name of the rule; empty for a single number.
  public let field: String
  /// The expected number, "inf" or "error"; empty where only a window is given.
  public let expected: String
  /// The computed number, "inf" or the error.
  public let computed: String
  /// The rule in words.
  public let rule: String
  /// (computed − expected)/|expected|, where both are finite and the expected one is not 0.
  public let relativeDifference: Double?
  /// Whether the rule accepts the number.
  public let passed: Bool
}

/// The table of a whole file.
public struct VectorReport: Sendable, Equatable {
  /// All rows in the order of the file.
  public let rows: [VectorRow]
  /// How many vectors the file holds.
  public let vectorCount: Int
  /// How many of them passed in every row.
  public let passedCount: Int

  /// Every vector passed, and there was at least one.
  public var passed: Bool { vectorCount > 0 && passedCount == vectorCount }
}

/// A file of known answers for privacy accounting: `{"meta": …, "vectors": [vector …]}` with
/// vectors `{id, category, mechanism, params, query, expect, accept}`.
///
/// `expect` is a number, "inf", "error" or an object of numbers. `accept` is one rule for every
/// number of it, or `{"kind": "per-field", name: rule …}`; fields without a rule are information
/// only, and a name that is no field of the expectation (`candidate`, `rdp_candidate`,
/// `tight_accountant`, `reported`) judges what this implementation reports.
///
/// Reads untrusted text: a vector that cannot be read or computed becomes a failing row with its
/// reason, never a trap.
public struct VectorFile: Sendable {
  private let vectors: [JSONValue]

  /// Takes a decoded file.
  ///
  /// - Throws: `malformed` when there is no list of vectors.
  public init(_ document: JSONValue) throws(DifferentialPrivacyError) {
    guard let vectors = document["vectors"]?.elements else {
      throw DifferentialPrivacyError(
        .malformed, "the document has no list of vectors", field: "vectors")
    }
    self.vectors = vectors
  }

  /// Number of vectors.
  public var count: Int { vectors.count }

  /// Computes every vector and compares it by its rules.
  ///
  /// - Parameter progress: called after each vector with the number done.
  public func evaluate(progress: (Int) -> Void = { _ in }) -> VectorReport {
    var rows: [VectorRow] = []
    var passed = 0
    for index in vectors.indices {
      let own = self.rows(at: index)
      if !own.isEmpty, own.allSatisfy(\.passed) { passed += 1 }
      rows += own
      progress(index + 1)
    }
    return VectorReport(rows: rows, vectorCount: vectors.count, passedCount: passed)
  }

  /// The rows of the vector at an index.
  func rows(at index: Int) -> [VectorRow] {
    let vector = vectors[index]
    let id = vector["id"]?.string ?? "#\(index)"
    let category = vector["category"]?.string ?? ""
    func failure(_ field: String, _ error: DifferentialPrivacyError) -> VectorRow {
      VectorRow(
        id: id, category: category, field: field, expected: "", computed: error.description,
        rule: "", relativeDifference: nil, passed: false)
    }
    do throws(DifferentialPrivacyError) {
      let question = try VectorQuestion(vector)
      let checks = try Self.checks(vector)
      if checks.isEmpty {
        throw DifferentialPrivacyError(
          .malformed, "no rule applies to any number", field: "accept")
      }
      return checks.map { check in
        Self.row(question, check, id: id, category: category)
      }
    } catch {
      return [failure("", error)]
    }
  }

  /// A number to compute and how to judge it.
  struct Check {
    /// Field of the expectation or name of the rule; empty for a single number.
    let field: String
    let expected: JSONValue?
    let rule: AcceptanceRule
  }

  /// The checks of a vector, by name.
  private static func checks(_ vector: JSONValue) throws(DifferentialPrivacyError) -> [Check] {
    guard let accept = vector["accept"] else {
      throw DifferentialPrivacyError(.malformed, "a vector has a rule", field: "accept")
    }
    let expect = vector["expect"]
    guard accept["kind"]?.string == "per-field" else {
      let rule = try AcceptanceRule(accept)
      guard let fields = expect?.fields else {
        return [Check(field: "", expected: expect, rule: rule)]
      }
      if case .window = rule { return [Check(field: "", expected: nil, rule: rule)] }
      return fields.sorted { $0.key < $1.key }.compactMap { name, value in
        value == .null ? nil : Check(field: name, expected: value, rule: rule)
      }
    }
    var checks: [Check] = []
    for (name, rule) in (accept.fields ?? [:]).sorted(by: { $0.key < $1.key })
    where name != "kind" {
      let expected = expect?[name]
      if expected == .null { continue }
      checks.append(Check(field: name, expected: expected, rule: try AcceptanceRule(rule)))
    }
    return checks
  }

  private static func row(
    _ question: VectorQuestion, _ check: Check, id: String, category: String
  ) -> VectorRow {
    let expectsError = check.expected?.string == "error"
    let expected = check.expected?.number
    var computed: Double?
    var text: String
    var passed: Bool
    do throws(DifferentialPrivacyError) {
      let value = try question.answer(field: check.field)
      computed = value
      text = value == .infinity ? "inf" : "\(value)"
      passed = !expectsError && check.rule.accepts(value, expected: expected)
    } catch {
      text = error.description
      // An unknown question is not the refusal that a vector may ask for.
      passed = expectsError && error.code == .outOfRange
    }
    var expectedText = check.expected?.string ?? ""
    if let expected { expectedText = expected == .infinity ? "inf" : "\(expected)" }
    var difference: Double?
    if let computed, let expected, expected != 0, expected.isFinite, computed.isFinite {
      difference = (computed - expected) / expected.magnitude
    }
    return VectorRow(
      id: id, category: category, field: check.field, expected: expectedText, computed: text,
      rule: check.rule.description, relativeDifference: difference, passed: passed)
  }
}
