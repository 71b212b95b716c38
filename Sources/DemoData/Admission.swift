import PortableNumerics

/// One synthetic admission with its true values: nothing is missing or wrong yet.
///
/// A latent severity s ~ N(0, 1) moves all vital signs and laboratory values in the direction of
/// illness; each has noise of its own. The death probability is logistic in the true values.
struct Admission: Sendable {
  var age: Double
  var isMale: Bool
  var type: String
  var department: String
  var heartRate: Double
  var systolic: Double
  var respiratoryRate: Double
  var temperature: Double
  var saturation: Double
  var coma: Double
  /// mg/dL.
  var creatinine: Double
  /// mmol/L.
  var sodium: Double
  /// g/dL.
  var haemoglobin: Double
  /// 10³/µL.
  var leucocytes: Double
  /// mmol/L.
  var lactate: Double
  var hasDiabetes: Bool
  var hasCancer: Bool
  /// s above; drives how much is measured.
  var severity: Double

  /// Draws an admission. `frailty` is the patient's own part of the severity and `age` the
  /// patient's age, so that the admissions of one patient resemble each other.
  init(
    age: Double, isMale: Bool, frailty: Double, hasDiabetes: Bool, hasCancer: Bool,
    from generator: inout Xoshiro256StarStar
  ) {
    func bounded(_ value: Double, _ low: Double, _ high: Double) -> Double {
      min(max(value, low), high)
    }
    self.age = age
    self.isMale = isMale
    self.hasDiabetes = hasDiabetes
    self.hasCancer = hasCancer
    severity = 0.5 * frailty + 0.866 * generator.normalDouble()
    let admission = generator.uniformDouble()
    let urgency = Portable.sigmoid(0.3 + 0.8 * severity)
    type = admission < urgency ? "emergency" : (admission < urgency + 0.2 ? "urgent" : "elective")
    let place = generator.uniformDouble()
    if hasCancer && place < 0.4 {
      department = "oncology"
    } else if severity > 1.2 && place < 0.6 {
      department = "intensive care"
    } else {
      department =
        place < 0.45
        ? "medicine" : (place < 0.7 ? "surgery" : (place < 0.87 ? "cardiology" : "neurology"))
    }
    heartRate = bounded(84 + 9 * severity + 15 * generator.normalDouble(), 32, 210)
    systolic = bounded(134 - 9 * severity + 20 * generator.normalDouble(), 50, 240)
    respiratoryRate = bounded(17.5 + 2.6 * severity + 3.4 * generator.normalDouble(), 6, 58)
    temperature = bounded(36.9 + 0.2 * severity + 0.65 * generator.normalDouble(), 32.5, 41.5)
    saturation = bounded(96.4 - 1.3 * severity + 2.1 * generator.normalDouble(), 58, 100)
    let clouding = -2.1 + 1.1 * severity + 1.3 * generator.normalDouble()
    coma = clouding < 0 ? 15 : bounded((15 - 3.2 * clouding).rounded(), 3, 15)
    let kidney = 0.2 * severity + 0.008 * (age - 65) + (hasDiabetes ? 0.12 : 0)
    creatinine = bounded(
      0.95 * Portable.exp(kidney + 0.34 * generator.normalDouble()), 0.3, 14)
    sodium = bounded(138.6 - 0.7 * severity + 3.7 * generator.normalDouble(), 108, 172)
    haemoglobin = bounded(
      (isMale ? 13.5 : 12.4) - 0.5 * severity - (hasCancer ? 1.1 : 0)
        + 1.7 * generator.normalDouble(), 4, 20)
    leucocytes = bounded(
      8.6 * Portable.exp(0.12 * severity + 0.36 * generator.normalDouble()), 0.4, 90)
    lactate = bounded(
      1.45 * Portable.exp(0.34 * severity + 0.3 * generator.normalDouble()), 0.4, 19)
  }

  /// The log odds of death in hospital.
  var logOdds: Double {
    var sum = -3.85
    sum += 0.62 * (age - 65) / 15
    sum += 0.45 * Portable.log(creatinine / 0.95) / 0.4
    sum += 0.55 * Portable.log(lactate / 1.45) / 0.45
    sum += 0.17 * (15 - coma)
    sum += 0.3 * (respiratoryRate - 17.5) / 4.5
    sum -= 0.3 * (systolic - 134) / 22
    sum -= 0.25 * (saturation - 96.4) / 2.5
    sum += 0.12 * (heartRate - 84) / 17
    sum += 0.2 * abs(temperature - 37) / 0.7
    sum += 0.12 * abs(sodium - 139) / 3.7
    sum += 0.12 * (leucocytes - 9) / 3.5
    sum -= 0.15 * (haemoglobin - 13) / 1.8
    sum += (hasCancer ? 0.75 : 0) + (hasDiabetes ? 0.1 : 0)
    sum += type == "emergency" ? 0.35 : (type == "elective" ? -0.5 : 0)
    sum += department == "intensive care" ? 0.4 : (department == "surgery" ? -0.2 : 0)
    return sum
  }
}
