/// When a computed number passes against an expected one.
public enum AcceptanceRule: Sendable, Equatable {
  /// |x − expected| ≤ absolute + relative · |expected|.
  case relative(relative: Double, absolute: Double)
  /// lower ≤ x ≤ upper. `lower` is certified, so going below it under-reports privacy loss.
  case window(lower: Double, upper: Double)
  /// Equal, infinities included.
  case exact

  /// Reads `{"kind": "relative", "rtol", "atol"}`, `{"kind": "window", "lower", "upper"}` or
  /// `{"kind": "exact"}`.
  ///
  /// - Throws: `malformed`; `unknown` for another kind.
  init(_ value: JSONValue) throws(DifferentialPrivacyError) {
    guard let kind = value["kind"]?.string else {
      throw DifferentialPrivacyError(.malformed, "a rule names its kind", field: "accept")
    }
    switch kind {
    case "exact": self = .exact
    case "relative":
      let relative = value["rtol"]?.number
      let absolute = value["atol"]?.number
      guard relative != nil || absolute != nil, relative ?? 0 >= 0, absolute ?? 0 >= 0 else {
        throw DifferentialPrivacyError(
          .malformed, "a relative rule has tolerances", field: "accept")
      }
      self = .relative(relative: relative ?? 0, absolute: absolute ?? 0)
    case "window":
      guard let lower = value["lower"]?.number, let upper = value["upper"]?.number else {
        throw DifferentialPrivacyError(.malformed, "a window has two ends", field: "accept")
      }
      self = .window(lower: lower, upper: upper)
    default:
      throw DifferentialPrivacyError(.unknown, "the kind of rule is not known", field: "accept")
    }
  }

  /// Whether `computed` passes; a window does not look at the expected number.
  func accepts(_ computed: Double, expected: Double?) -> Bool {
    switch self {
    case .window(let lower, let upper): return lower <= computed && computed <= upper
    case .exact: return computed == expected
    case .relative(let relative, let absolute):
      guard let expected else { return false }
      if computed == expected { return true }
      return (computed - expected).magnitude <= absolute + relative * expected.magnitude
        && expected.isFinite
    }
  }

  /// The rule in words, for tables.
  public var description: String {
    switch self {
    case .exact: "exact"
    case .window(let lower, let upper): "in [\(lower), \(upper)]"
    case .relative(let relative, let absolute): "within \(absolute) + \(relative) relative"
    }
  }
}
