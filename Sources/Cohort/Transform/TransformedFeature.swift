/// How one feature becomes columns of the design matrix.
public enum TransformedFeature: Sendable, Hashable {
  case number(Number)
  case category(Category)
  case flag(Flag)

  /// A number: imputed, centred, scaled and clipped to ±`clip` scales.
  public struct Number: Sendable, Hashable, Codable {
    public var name: String
    public var unit: String?
    /// Stands in for a missing value, in `unit`; usually the median.
    public var imputation: Double
    /// In `unit`; usually the mean.
    public var center: Double
    /// In `unit`, above zero; usually the standard deviation.
    public var scale: Double
    /// Whether a column tells that the value was missing.
    public var hasMissingIndicator: Bool
    /// The largest magnitude after scaling, above 0 and at most 16.
    public var clip: Double

    public init(
      name: String, unit: String? = nil, imputation: Double, center: Double, scale: Double,
      hasMissingIndicator: Bool, clip: Double = FrozenTransform.maximumMagnitude
    ) {
      self.name = name
      self.unit = unit
      self.imputation = imputation
      self.center = center
      self.scale = scale
      self.hasMissingIndicator = hasMissingIndicator
      self.clip = clip
    }
  }

  /// A category: one column per kept level but the reference level.
  public struct Category: Sendable, Hashable, Codable {
    public var name: String
    /// The levels kept, in the study's order; the reference level is one of them.
    public var levels: [String]
    /// The level without a column, which all others are compared with.
    public var reference: String
    /// Whether words outside `levels` have a column; without it they count as the reference.
    public var hasOther: Bool
    /// Whether a missing value has a column; without it, it counts as the reference.
    public var hasMissingLevel: Bool

    public init(
      name: String, levels: [String], reference: String, hasOther: Bool, hasMissingLevel: Bool
    ) {
      self.name = name
      self.levels = levels
      self.reference = reference
      self.hasOther = hasOther
      self.hasMissingLevel = hasMissingLevel
    }
  }

  /// A flag: 0 or 1, not centred.
  public struct Flag: Sendable, Hashable, Codable {
    public var name: String
    /// Stands in for a missing value: 0 to 1.
    public var imputation: Double
    /// Whether a column tells that the value was missing.
    public var hasMissingIndicator: Bool

    public init(name: String, imputation: Double, hasMissingIndicator: Bool) {
      self.name = name
      self.imputation = imputation
      self.hasMissingIndicator = hasMissingIndicator
    }
  }

  /// The feature's name.
  public var name: String {
    switch self {
    case .number(let number): number.name
    case .category(let category): category.name
    case .flag(let flag): flag.name
    }
  }

  /// The columns of the design matrix, in order.
  public var designColumns: [DesignColumn] {
    func column(_ suffix: String, _ role: DesignColumn.Role) -> DesignColumn {
      DesignColumn(name: name + suffix, feature: name, role: role)
    }
    let missing = column(" (missing)", .missing)
    switch self {
    case .number(let number):
      let value = column(
        "", .scaled(unit: number.unit, center: number.center, scale: number.scale))
      return number.hasMissingIndicator ? [value, missing] : [value]
    case .flag(let flag):
      return flag.hasMissingIndicator ? [column("", .flag), missing] : [column("", .flag)]
    case .category(let category):
      var columns = category.levels.filter { $0 != category.reference }.map {
        column(" = \($0)", .level($0, reference: category.reference))
      }
      if category.hasOther {
        columns.append(column(" (other)", .other(reference: category.reference)))
      }
      if category.hasMissingLevel { columns.append(missing) }
      return columns
    }
  }

  /// Throws `badSpecification` when a number is not finite, a scale not above zero, a clip outside
  /// 0…16, or the reference not among the levels.
  func validate() throws(CohortError) {
    let isSound =
      switch self {
      case .number(let number):
        number.imputation.isFinite && number.center.isFinite && number.scale.isFinite
          && number.scale > 0 && number.clip > 0
          && number.clip <= FrozenTransform.maximumMagnitude
      case .flag(let flag): flag.imputation >= 0 && flag.imputation <= 1
      case .category(let category):
        category.levels.contains(category.reference)
          && Set(category.levels).count == category.levels.count
      }
    guard isSound, !name.isEmpty else { throw CohortError(.badSpecification, name: name) }
  }
}

extension TransformedFeature: Codable {
  private enum Key: String, CodingKey { case kind }
  private enum Kind: String, Codable { case number, category, flag }

  /// Reads `{"kind": "number", "name": …}`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    switch try container.decode(Kind.self, forKey: .kind) {
    case .number: self = .number(try Number(from: decoder))
    case .category: self = .category(try Category(from: decoder))
    case .flag: self = .flag(try Flag(from: decoder))
    }
  }

  /// Writes `{"kind": "number", "name": …}`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .number(let number):
      try container.encode(Kind.number, forKey: .kind)
      try number.encode(to: encoder)
    case .category(let category):
      try container.encode(Kind.category, forKey: .kind)
      try category.encode(to: encoder)
    case .flag(let flag):
      try container.encode(Kind.flag, forKey: .kind)
      try flag.encode(to: encoder)
    }
  }
}
