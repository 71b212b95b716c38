/// A recipe in a model file: plain JSON, from which the same recipe is read back. What a person reads is
/// the study file; `RecordsRecipe.validate` decides whether what was read is a recipe.

extension CodePattern: Codable {
  /// Reads the written form.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the written form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

extension FeatureWindow: Codable {
  private enum Key: String, CodingKey { case kind, seconds }
  private enum Kind: String, Codable { case ever, last, first, sinceIndex }

  /// Reads `{"kind": "last", "seconds": 86400}`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    switch try container.decode(Kind.self, forKey: .kind) {
    case .ever: self = .ever
    case .last: self = .last(try container.decode(Int64.self, forKey: .seconds))
    case .first: self = .first(try container.decode(Int64.self, forKey: .seconds))
    case .sinceIndex: self = .sinceIndex
    }
  }

  /// Writes the form that `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .ever: try container.encode(Kind.ever, forKey: .kind)
    case .last(let seconds):
      try container.encode(Kind.last, forKey: .kind)
      try container.encode(seconds, forKey: .seconds)
    case .first(let seconds):
      try container.encode(Kind.first, forKey: .kind)
      try container.encode(seconds, forKey: .seconds)
    case .sinceIndex: try container.encode(Kind.sinceIndex, forKey: .kind)
    }
  }
}

extension RecordVariable.Kind: Codable {
  private enum Key: String, CodingKey { case kind, unit, hard, warn }
  private enum Name: String, Codable { case number, category, occurrence }

  /// Reads `{"kind": "number", "unit": "mg/dL", "hard": [0, 66], "warn": [0.1, 25]}`; a range that is not
  /// two ascending finite numbers is refused.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func range(_ key: Key) throws -> ClosedRange<Double>? {
      guard let bounds = try container.decodeIfPresent([Double].self, forKey: key) else {
        return nil
      }
      guard bounds.count == 2, bounds.allSatisfy(\.isFinite), bounds[0] <= bounds[1] else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "a range is two ascending numbers")
      }
      return bounds[0]...bounds[1]
    }
    switch try container.decode(Name.self, forKey: .kind) {
    case .number:
      self = .number(
        unit: try container.decodeIfPresent(String.self, forKey: .unit),
        hardRange: try range(.hard), warnRange: try range(.warn))
    case .category: self = .category
    case .occurrence: self = .occurrence
    }
  }

  /// Writes the form that `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .number(let unit, let hard, let warn):
      try container.encode(Name.number, forKey: .kind)
      try container.encodeIfPresent(unit, forKey: .unit)
      try container.encodeIfPresent(hard.map { [$0.lowerBound, $0.upperBound] }, forKey: .hard)
      try container.encodeIfPresent(warn.map { [$0.lowerBound, $0.upperBound] }, forKey: .warn)
    case .category: try container.encode(Name.category, forKey: .kind)
    case .occurrence: try container.encode(Name.occurrence, forKey: .kind)
    }
  }
}
