import PortableNumerics

/// Writes admissions as a hospital's export does: with gaps, slips and the hospital's own spelling.
struct RowWriter {
  let hospital: DemoHospital
  private var writing: DemoHospital.Writing { hospital.writing }

  init(hospital: DemoHospital) {
    self.hospital = hospital
  }

  /// One line of the file.
  func line(_ fields: [String]) -> String {
    fields.joined(separator: String(writing.delimiter)) + writing.lineEnd
  }

  /// The row of an admission.
  mutating func row(
    _ admission: Admission, patient: Int, day: Int, died: Bool,
    from generator: inout Xoshiro256StarStar
  ) -> String {
    func measured(_ probability: Double) -> Bool { generator.uniformDouble() < probability }
    func slip() -> Bool { generator.uniformDouble() < 0.0015 }
    func cell(_ value: Double, _ decimals: Int, when probability: Double, slipped: String) -> String
    {
      let isMeasured = measured(probability)
      let isSlip = slip()
      guard isMeasured else { return writing.missing }
      return isSlip ? decimal(slipped) : decimal(Self.fixed(value, decimals))
    }
    // Sicker patients are examined more: that a value is missing says something.
    let vital = Portable.sigmoid(4 + 0.5 * admission.severity)
    let panel = Portable.sigmoid(2.6 + 0.9 * admission.severity)
    let suspicion = -1.1 + 1.3 * admission.severity + (admission.type == "emergency" ? 0.7 : 0)
    let lactate = Portable.sigmoid(
      suspicion - (hospital.peculiarity == .rareLactate ? 3.6 : 0))
    let temperature =
      writing.isFahrenheit ? admission.temperature * 1.8 + 32 : admission.temperature
    let isMicromolar = hospital.peculiarity == .creatinineUnit
    let creatinine = isMicromolar ? admission.creatinine / 0.011312 : admission.creatinine
    let haemoglobin =
      writing.isHaemoglobinPerLitre ? admission.haemoglobin * 10 : admission.haemoglobin
    return line([
      Self.identifier(hospital, patient), Self.date(day), Self.fixed(admission.age, 0),
      admission.isMale ? writing.maleWord : writing.femaleWord, admission.type,
      admission.department,
      cell(admission.heartRate, 0, when: vital, slipped: "999"),
      cell(admission.systolic, 0, when: vital, slipped: "1300"),
      cell(admission.respiratoryRate, 0, when: vital - 0.05, slipped: "180"),
      cell(temperature, 1, when: vital - 0.02, slipped: "3.7"),
      cell(admission.saturation, 0, when: vital, slipped: "960"),
      cell(admission.coma, 0, when: vital - 0.08, slipped: "0"),
      cell(creatinine, isMicromolar ? 0 : 2, when: panel, slipped: "-1"),
      cell(admission.sodium, 0, when: panel, slipped: "14"),
      cell(haemoglobin, writing.isHaemoglobinPerLitre ? 0 : 1, when: panel, slipped: "0"),
      cell(admission.leucocytes, 1, when: panel, slipped: "8600"),
      cell(admission.lactate, 1, when: lactate, slipped: "99"),
      admission.hasDiabetes ? "1" : "0", admission.hasCancer ? "1" : "0", died ? "1" : "0",
    ])
  }

  /// `NOR-0042`: identifiers of different hospitals never meet.
  static func identifier(_ hospital: DemoHospital, _ patient: Int) -> String {
    let digits = "\(patient + 1)"
    let letters = hospital.name.filter(\.isLetter).prefix(3).uppercased()
    return letters + "-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// The date so many days after 1 January 2022.
  static func date(_ day: Int) -> String {
    // Days to civil date, after Howard Hinnant's algorithm; day 0 is 2022-01-01.
    let shifted = day + 738_461
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * monthIndex + 2) / 5 + 1
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(year)-\(two(month))-\(two(dayOfMonth))"
  }

  private func decimal(_ text: String) -> String {
    writing.hasDecimalComma ? String(text.map { $0 == "." ? "," : $0 }) : text
  }

  /// A number with a fixed count of decimals (0 to 3), rounded half to even.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    let factor = [1.0, 10, 100, 1000][min(max(decimals, 0), 3)]
    let scaled = Int((value * factor).rounded(.toNearestOrEven))
    guard decimals > 0 else { return "\(scaled)" }
    let whole = abs(scaled) / Int(factor)
    let rest = "\(abs(scaled) % Int(factor))"
    let padded = String(repeating: "0", count: decimals - rest.count) + rest
    return (scaled < 0 ? "-" : "") + "\(whole).\(padded)"
  }
}
