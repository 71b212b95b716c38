/// Writes what a hospital declares about its file, right or, where planted, wrong.
enum DataSection {
  static func yaml(_ hospital: DemoHospital) -> String {
    let writing = hospital.writing
    var text = """
      data:
        file: admissions.csv
        format: csv
        delimiter: "\(writing.delimiter)"
        header: true
        encoding: utf-8

      """
    if writing.hasDecimalComma { text += "  decimal: \",\"\n" }
    if !writing.missing.isEmpty { text += "  missing: [\"\(writing.missing)\"]\n" }
    text += "  patient_id: patient_id\n  columns:\n"
    let sexLevels =
      writing.femaleWord == "female"
      ? "[female, male]" : "{\(writing.femaleWord): female, \(writing.maleWord): male}"
    let temperature = writing.isFahrenheit ? "\"[degF]\", range: [75, 115]" : "Cel, range: [24, 46]"
    let haemoglobin =
      writing.isHaemoglobinPerLitre ? "g/L, range: [5, 300]" : "g/dL, range: [0.5, 30]"
    let columns: [(String, String)] = [
      ("patient_id", "text"), ("admission_date", "date"),
      ("age", "number, unit: a, range: [18, 110]"), ("sex", "category, levels: \(sexLevels)"),
      ("admission_type", "category, levels: [emergency, urgent, elective]"),
      (
        "department",
        "category, levels: [medicine, surgery, cardiology, neurology, oncology, intensive care]"
      ),
      ("heart_rate", "number, unit: /min, range: [0, 350]"),
      ("systolic_bp", "number, unit: \"mm[Hg]\", range: [0, 375]"),
      ("respiratory_rate", "number, unit: /min, range: [0, 150]"),
      ("temperature", "number, unit: \(temperature)"),
      ("spo2", "number, unit: \"%\", range: [0, 100]"),
      ("gcs", "number, unit: \"{score}\", range: [3, 15]"),
      ("creatinine", "number, unit: mg/dL"),
      ("sodium", "number, unit: mmol/L, range: [50, 250]"),
      ("haemoglobin", "number, unit: \(haemoglobin)"),
      ("wbc", "number, unit: 10*3/uL, range: [0, 1500]"),
      ("lactate", "number, unit: mmol/L, range: [0, 50]"), ("diabetes", "flag"),
      ("cancer", "flag"), ("died", "flag"),
    ]
    for (name, declaration) in columns {
      text += "    - {name: \(name), type: \(declaration)}\n"
    }
    return text
  }
}
