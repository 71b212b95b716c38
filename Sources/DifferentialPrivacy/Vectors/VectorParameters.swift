/// The parameters of a vector, read with their ranges.
struct VectorParameters {
  private let fields: [String: JSONValue]

  init(_ value: JSONValue?) throws(DifferentialPrivacyError) {
    guard let fields = value?.fields else {
      throw DifferentialPrivacyError(.malformed, "a vector has parameters", field: "params")
    }
    self.fields = fields
  }

  subscript(_ name: String) -> JSONValue? { fields[name] }

  func has(_ name: String) -> Bool { fields[name] != nil && fields[name] != .null }

  /// The number of the first of these names that is present.
  func number(_ names: String...) throws(DifferentialPrivacyError) -> Double {
    for name in names where has(name) {
      guard let value = fields[name]?.number, !value.isNaN else {
        throw DifferentialPrivacyError(.malformed, "the parameter is not a number", field: name)
      }
      return value
    }
    throw DifferentialPrivacyError(
      .malformed, "a parameter is missing", field: names.first ?? "params")
  }

  /// The number of this name, or the default.
  func number(_ name: String, default value: Double) throws(DifferentialPrivacyError) -> Double {
    has(name) ? try number(name) : value
  }

  /// A whole number of at least `minimum`.
  ///
  /// - Throws: `malformed` when missing; `outOfRange` for a fraction or a number outside
  ///   `minimum` … 2^53.
  func integer(
    _ name: String, minimum: Int = 0
  ) throws(DifferentialPrivacyError) -> Int {
    let value = try number(name)
    guard value == value.rounded(), value >= Double(minimum), value <= 0x1p53 else {
      throw DifferentialPrivacyError(
        .outOfRange, "the parameter is not a whole number in range", field: name)
    }
    return Int(value)
  }

  func integer(
    _ name: String, minimum: Int = 0, default value: Int
  ) throws(DifferentialPrivacyError) -> Int {
    has(name) ? try integer(name, minimum: minimum) : value
  }

  /// A list of numbers; one number counts as a list of one.
  func numbers(_ name: String) throws(DifferentialPrivacyError) -> [Double] {
    if let elements = fields[name]?.elements {
      var result: [Double] = []
      for (index, element) in elements.enumerated() {
        guard let value = element.number else {
          throw DifferentialPrivacyError(
            .malformed, "an element is not a number", field: name, index: index)
        }
        result.append(value)
      }
      return result
    }
    return [try number(name)]
  }
}
