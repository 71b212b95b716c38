/// One of the demo's hospitals: how large it is, whom it treats and how it writes its data.
public struct DemoHospital: Sendable, Hashable {
  /// What was planted at this hospital for the drift report to find.
  public enum Peculiarity: String, Sendable, Hashable, CaseIterable {
    /// Creatinine is recorded in µmol/L and declared as mg/dL.
    case creatinineUnit = "creatinine-unit"
    /// Patients are much older than elsewhere.
    case olderPatients = "older-patients"
    /// Lactate is measured rarely.
    case rareLactate = "rare-lactate"
  }

  /// The site's name.
  public let name: String
  public let legalEntity: String
  public let patientCount: Int
  public let peculiarity: Peculiarity?
  /// Added to the log odds of death: case mix that the features do not explain.
  let intercept: Double
  let meanAge: Double
  let writing: Writing

  /// How a hospital's export writes the same facts.
  struct Writing: Sendable, Hashable {
    var delimiter: Character = ","
    var hasDecimalComma = false
    var missing = ""
    var femaleWord = "female"
    var maleWord = "male"
    var isFahrenheit = false
    var isHaemoglobinPerLitre = false
    var lineEnd = "\n"
  }

  /// The five hospitals of the demo, 9,000 patients in all.
  public static let all: [DemoHospital] = [
    DemoHospital(
      name: "st-anna", legalEntity: "St. Anna University Hospital", patientCount: 2400,
      peculiarity: nil, intercept: 0, meanAge: 64, writing: Writing()),
    DemoHospital(
      name: "lakeside", legalEntity: "Lakeside Medical Center", patientCount: 2100,
      peculiarity: nil, intercept: 0.1, meanAge: 63,
      writing: Writing(
        missing: "NA", femaleWord: "F", maleWord: "M", isFahrenheit: true, lineEnd: "\r\n")),
    DemoHospital(
      name: "northfield", legalEntity: "Northfield General Hospital", patientCount: 1700,
      peculiarity: .creatinineUnit, intercept: -0.1, meanAge: 65,
      writing: Writing(missing: "-9")),
    DemoHospital(
      name: "riverside", legalEntity: "Riverside District Hospital", patientCount: 1500,
      peculiarity: .rareLactate, intercept: 0.2, meanAge: 66,
      writing: Writing(isHaemoglobinPerLitre: true)),
    DemoHospital(
      name: "hillcrest", legalEntity: "Hillcrest Hospital", patientCount: 1300,
      peculiarity: .olderPatients, intercept: -0.15, meanAge: 79,
      writing: Writing(
        delimiter: ";", hasDecimalComma: true, missing: "?", femaleWord: "w", maleWord: "m")),
  ]
}
