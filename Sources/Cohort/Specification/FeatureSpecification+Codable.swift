extension FeatureSpecification: Codable {
  private enum Key: String, CodingKey {
    case name, column, kind, unit, low, high, resolution, levels, missingCodes
  }
  private enum KindName: String, Codable { case number, category, flag }

  /// Reads `{"name": …, "column": …, "kind": "number", "unit": …, "low": …, "high": …}`, as model
  /// files hold it. A range that is not finite or not ascending is refused.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let kind: Kind
    switch try container.decode(KindName.self, forKey: .kind) {
    case .number:
      let low = try container.decodeIfPresent(Double.self, forKey: .low)
      let high = try container.decodeIfPresent(Double.self, forKey: .high)
      var range: ClosedRange<Double>?
      if let low, let high {
        guard low <= high else {
          throw DecodingError.dataCorruptedError(
            forKey: .high, in: container, debugDescription: "the range is not ascending")
        }
        range = low...high
      }
      kind = .number(
        unit: try container.decodeIfPresent(String.self, forKey: .unit), hardRange: range,
        resolution: try container.decodeIfPresent(Double.self, forKey: .resolution))
    case .category:
      kind = .category(levels: try container.decodeIfPresent([String].self, forKey: .levels))
    case .flag: kind = .flag
    }
    self.init(
      try container.decode(String.self, forKey: .name),
      column: try container.decode(String.self, forKey: .column), kind: kind,
      missingCodes: try container.decodeIfPresent([String].self, forKey: .missingCodes) ?? [])
  }

  /// Writes the form that `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(column, forKey: .column)
    switch kind {
    case .number(let unit, let range, let resolution):
      try container.encode(KindName.number, forKey: .kind)
      try container.encodeIfPresent(unit, forKey: .unit)
      try container.encodeIfPresent(range?.lowerBound, forKey: .low)
      try container.encodeIfPresent(range?.upperBound, forKey: .high)
      try container.encodeIfPresent(resolution, forKey: .resolution)
    case .category(let levels):
      try container.encode(KindName.category, forKey: .kind)
      try container.encodeIfPresent(levels, forKey: .levels)
    case .flag:
      try container.encode(KindName.flag, forKey: .kind)
    }
    try container.encode(missingCodes, forKey: .missingCodes)
  }
}
