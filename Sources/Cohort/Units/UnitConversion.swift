/// An affine conversion between two units: `factor · x + offset`.
public struct UnitConversion: Sendable, Hashable {
  public let factor: Double
  public let offset: Double

  public init(factor: Double, offset: Double = 0) {
    self.factor = factor
    self.offset = offset
  }

  public static let identity = UnitConversion(factor: 1)

  public var isIdentity: Bool { self == .identity }

  /// The value in the target unit. One multiplication and one addition in IEEE doubles, so the
  /// same everywhere.
  public func apply(_ value: Double) -> Double {
    isIdentity ? value : factor * value + offset
  }

  /// First this conversion, then `next`.
  public func then(_ next: UnitConversion) -> UnitConversion {
    if isIdentity { return next }
    if next.isIdentity { return self }
    return UnitConversion(
      factor: factor * next.factor, offset: offset * next.factor + next.offset)
  }

  /// The way back; the factor must not be zero.
  public var inverse: UnitConversion {
    isIdentity ? self : UnitConversion(factor: 1 / factor, offset: -offset / factor)
  }

  /// The conversion from the unit of a column to the unit of a feature.
  ///
  /// A conversion between amount and mass (µmol/L to mg/dL) needs to know the substance, which is
  /// recognised by the feature's or the column's name. A missing unit on either side means "the
  /// same unit"; the site check warns about it. Throws `unitMismatch`.
  public static func from(
    _ source: String?, to target: String?, feature: String, column: String = ""
  ) throws(CohortError) -> UnitConversion {
    guard let source, let target else { return .identity }
    let from = UnitName.normalised(source)
    let into = UnitName.normalised(target)
    if from == into { return .identity }
    if let variable = ClinicalVariable.named(feature) ?? ClinicalVariable.named(column),
      let there = variable.conversion(from: from), let back = variable.conversion(from: into)
    {
      return there.then(back.inverse)
    }
    if let generic = GenericUnit.conversion(from: from, to: into) { return generic }
    throw CohortError(
      .unitMismatch, name: feature,
      detail: "no conversion from \(source) to \(target) is known for this variable")
  }
}

extension ClinicalVariable {
  /// The conversion of a normalised unit to this variable's canonical unit, directly or through a
  /// unit of the same kind; nil when there is none.
  func conversion(from unit: String) -> UnitConversion? {
    let canonical = UnitName.normalised(self.unit)
    if unit == canonical { return .identity }
    for rule in rules where UnitName.normalised(rule.unit) == unit {
      return UnitConversion(factor: rule.factor, offset: rule.offset)
    }
    if let generic = GenericUnit.conversion(from: unit, to: canonical) { return generic }
    for rule in rules {
      if let step = GenericUnit.conversion(from: unit, to: UnitName.normalised(rule.unit)) {
        return step.then(UnitConversion(factor: rule.factor, offset: rule.offset))
      }
    }
    return nil
  }
}

/// Units of one physical quantity, convertible whatever is measured.
enum GenericUnit {
  /// Normalised names with their conversion to the first unit of the group.
  private static let groups: [[String: UnitConversion]] = [
    scale(["mmhg": 1, "kpa": 7.50062, "cmh2o": 0.735559, "hpa": 0.750062]),
    scale(["kg": 1, "g": 0.001, "lb_av": 0.453_592_37]),
    scale(["cm": 1, "m": 100, "in_i": 2.54, "mm": 0.1]),
    scale(["%": 1, "1": 100]),
    scale(["a": 1, "mo": 1.0 / 12]),
    scale(["s": 1, "ms": 0.001, "min": 60, "h": 3600, "d": 86_400]),
    scale(["ml": 1, "dl": 100, "l": 1000]),
    scale([
      "g/l": 1, "g/dl": 10, "mg/ml": 1, "mg/dl": 0.01, "mg/l": 1e-3, "ug/ml": 1e-3, "ug/dl": 1e-5,
      "ug/l": 1e-6, "ng/ml": 1e-6, "ng/dl": 1e-8, "ng/l": 1e-9, "pg/ml": 1e-9,
    ]),
    scale(["mmol/l": 1, "mol/l": 1000, "umol/l": 1e-3, "nmol/l": 1e-6, "pmol/l": 1e-9]),
    scale(["u/l": 1, "ukat/l": 59.98, "nkat/l": 0.05998]),
    scale(["10*9/l": 1, "10*3/ul": 1, "/ul": 1e-3, "10*6/ul": 1000, "10*12/l": 1000]),
    [
      "cel": .identity, "degf": UnitConversion(factor: 1 / 1.8, offset: -32 / 1.8),
      "k": UnitConversion(factor: 1, offset: -273.15),
    ],
  ]

  private static func scale(_ factors: [String: Double]) -> [String: UnitConversion] {
    factors.mapValues { UnitConversion(factor: $0) }
  }

  static func conversion(from: String, to: String) -> UnitConversion? {
    for group in groups {
      if let there = group[from], let back = group[to] { return there.then(back.inverse) }
    }
    return nil
  }
}
