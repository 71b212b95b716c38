import CanonicalBytes

/// Combinations of features that have a clinical meaning. Nothing outside this list can be asked
/// for, so a table never explodes into products of everything with everything.
public enum Interaction: String, Sendable, Hashable, Codable, CaseIterable {
  /// a ÷ b
  case ratio
  /// a − b
  case difference
  /// a × b
  case product
  /// Heart rate ÷ systolic pressure.
  case shockIndex = "shock_index"
  /// Systolic − diastolic pressure, mmHg.
  case pulsePressure = "pulse_pressure"
  /// PaO2 in mmHg ÷ FiO2 as a fraction, from a FiO2 in per cent.
  case oxygenationIndex = "pf_ratio"
  /// Na − Cl − HCO3, mmol/L.
  case anionGap = "anion_gap"
  /// Urea nitrogen ÷ creatinine, both mg/dL.
  case ureaCreatinine = "bun_creatinine"
  /// Neutrophils ÷ lymphocytes.
  case neutrophilLymphocyte = "nlr"
  /// Weight in kg ÷ (height in m)², from a height in cm.
  case bodyMassIndex = "bmi"
  /// Systolic pressure ≤ 100 + respiratory rate ≥ 22 + Glasgow coma scale < 15 (Seymour, JAMA 2016).
  case qsofa

  /// How many features it takes.
  public var operandCount: Int {
    switch self {
    case .anionGap, .qsofa: 3
    default: 2
    }
  }

  /// The value; missing (not-a-number) when an operand is missing or a divisor is 0.
  public func value(_ operands: [Double]) -> Double {
    guard operands.count == operandCount, !operands.contains(where: \.isNaN) else { return .nan }
    func quotient(_ a: Double, _ b: Double) -> Double {
      let result = a / b
      return result.isFinite ? result : .nan
    }
    switch self {
    case .ratio, .shockIndex, .ureaCreatinine, .neutrophilLymphocyte:
      return quotient(operands[0], operands[1])
    case .difference, .pulsePressure: return operands[0] - operands[1]
    case .product: return operands[0] * operands[1]
    case .oxygenationIndex: return quotient(operands[0], operands[1] / 100)
    case .anionGap: return operands[0] - operands[1] - operands[2]
    case .bodyMassIndex:
      let metres = operands[1] / 100
      return quotient(operands[0], metres * metres)
    case .qsofa:
      return (operands[0] <= 100 ? 1 : 0) + (operands[1] >= 22 ? 1 : 0)
        + (operands[2] < 15 ? 1 : 0)
    }
  }
}

/// A feature made of features that stand before it.
public struct DerivedFeature: Sendable, Hashable, Codable {
  public var name: String
  public var interaction: Interaction
  /// Names of features, in the order of the interaction's description.
  public var operands: [String]

  public init(_ name: String, _ interaction: Interaction, of operands: [String]) {
    self.name = name
    self.interaction = interaction
    self.operands = operands
  }

  func write(to writer: inout ByteWriter) {
    writer.string(name)
    writer.string(interaction.rawValue)
    writer.array(operands) { $0.string($1) }
  }
}
