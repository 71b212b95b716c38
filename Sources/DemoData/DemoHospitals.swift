import PortableNumerics

/// One hospital's generated files.
public struct DemoSite: Sendable, Hashable {
  public let hospital: DemoHospital
  /// The text of `admissions.csv`.
  public let csv: String
  /// The `data:` section of its `site.yaml`, for the file `admissions.csv` beside it.
  public let dataSection: String
  public let rowCount: Int
  /// Rows whose patient died in hospital.
  public let eventCount: Int
}

/// Synthetic but realistic emergency and medical admissions at five hospitals, for the demo and for
/// tests. No real patient stands behind any row.
///
/// Everything follows from the seed: seeded generators, portable logarithm and exponential, and no
/// other function of the platform, so that every machine writes the same bytes.
public enum DemoHospitals {
  /// The seed of the demo.
  public static let standardSeed: UInt64 = 20_260_101

  /// The names of the columns, in the order of the files.
  public static let columnNames = [
    "patient_id", "admission_date", "age", "sex", "admission_type", "department", "heart_rate",
    "systolic_bp", "respiratory_rate", "temperature", "spo2", "gcs", "creatinine", "sodium",
    "haemoglobin", "wbc", "lactate", "diabetes", "cancer", "died",
  ]

  /// Generates all hospitals. `share` in 0 … 1 scales the number of patients, for quick tests.
  public static func generate(
    seed: UInt64 = standardSeed, share: Double = 1
  ) -> [DemoSite] {
    DemoHospital.all.indices.map { generate(index: $0, seed: seed, share: share) }
  }

  private static func generate(index: Int, seed: UInt64, share: Double) -> DemoSite {
    let hospital = DemoHospital.all[index]
    var generator = Xoshiro256StarStar(seed: seed, stream: UInt64(index))
    var writer = RowWriter(hospital: hospital)
    let count = max(1, Int((Double(hospital.patientCount) * min(max(share, 0), 1)).rounded()))
    // Exports are ordered by admission, not by patient.
    var rows: [(day: Int, order: Int, text: String)] = []
    var eventCount = 0
    for patient in 0..<count {
      let history = history(of: hospital, from: &generator)
      for (day, admission, died) in history {
        if died { eventCount += 1 }
        let text = writer.row(
          admission, patient: patient, day: day, died: died, from: &generator)
        rows.append((day, rows.count, text))
      }
    }
    rows.sort { ($0.day, $0.order) < ($1.day, $1.order) }
    let header = writer.line(columnNames)
    return DemoSite(
      hospital: hospital, csv: header + rows.map(\.text).joined(),
      dataSection: DataSection.yaml(hospital), rowCount: rows.count, eventCount: eventCount)
  }

  /// A patient's admissions, in time order: one, sometimes two or three, none after a death.
  private static func history(
    of hospital: DemoHospital, from generator: inout Xoshiro256StarStar
  ) -> [(day: Int, admission: Admission, died: Bool)] {
    let spread = hospital.peculiarity == .olderPatients ? 8.0 : 16.0
    let age = min(max((hospital.meanAge + spread * generator.normalDouble()).rounded(), 18), 103)
    let isMale = generator.uniformDouble() < 0.51
    let hasDiabetes = generator.uniformDouble() < 0.14 + 0.002 * (age - 40)
    let hasCancer = generator.uniformDouble() < 0.07 + 0.0015 * (age - 40)
    let frailty = generator.normalDouble()
    var admissionCount = 1
    while admissionCount < 3, generator.uniformDouble() < 0.06 { admissionCount += 1 }
    var day = generator.uniformInteger(below: 912)
    var found: [(day: Int, admission: Admission, died: Bool)] = []
    for _ in 0..<admissionCount {
      let admission = Admission(
        age: age, isMale: isMale, frailty: frailty, hasDiabetes: hasDiabetes, hasCancer: hasCancer,
        from: &generator)
      let risk = Portable.sigmoid(admission.logOdds + hospital.intercept)
      let died = generator.uniformDouble() < risk
      found.append((day, admission, died))
      if died { break }
      day += 20 + generator.uniformInteger(below: 200)
    }
    return found
  }
}
