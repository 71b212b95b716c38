/// One way to turn a value of another unit into the canonical one: `factor · x + offset`.
public struct UnitRule: Sendable, Hashable {
  /// The other unit, in UCUM.
  public let unit: String
  public let factor: Double
  public let offset: Double

  init(_ unit: String, _ factor: Double, _ offset: Double = 0) {
    self.unit = unit
    self.factor = factor
    self.offset = offset
  }
}

/// What is known of a vital sign or laboratory value: its unit, ranges and other units in use.
public struct ClinicalVariable: Sendable, Hashable {
  /// Short name, as `crea`.
  public let key: String
  /// Name in words, as "Creatinine".
  public let label: String
  /// The canonical unit, in UCUM.
  public let unit: String
  /// Outside is physically impossible or a recording error.
  public let hardRange: ClosedRange<Double>?
  /// Outside is kept and flagged.
  public let warnRange: ClosedRange<Double>?
  /// An adult reference interval, for display and for recognising units, never for cleaning.
  public let referenceRange: ClosedRange<Double>?
  /// Other units in use and how to leave them.
  public let rules: [UnitRule]

  init(
    _ key: String, _ label: String, unit: String, hard: ClosedRange<Double>?,
    warn: ClosedRange<Double>?, reference: ClosedRange<Double>?, rules: [UnitRule]
  ) {
    self.key = key
    self.label = label
    self.unit = unit
    self.hardRange = hard
    self.warnRange = warn
    self.referenceRange = reference
    self.rules = rules
  }

  /// The variable that a feature or column name means, or nil: compared without case, blanks,
  /// `_`, `-` and a trailing unit, with the names that hospitals use.
  public static func named(_ name: String) -> ClinicalVariable? {
    let key = folded(name)
    if let index = index[key] { return all[index] }
    for suffix in suffixes where key.hasSuffix(suffix) && key.count > suffix.count + 1 {
      if let index = index[String(key.dropLast(suffix.count))] { return all[index] }
    }
    return nil
  }

  private static let suffixes = [
    "mgdl", "mmoll", "umoll", "gdl", "mmhg", "bpm", "first", "last", "min", "max", "mean", "value",
    "admission", "level", "serum",
  ]

  private static let index: [String: Int] = {
    var found: [String: Int] = [:]
    for (index, variable) in all.enumerated() {
      for name in [variable.key, variable.label] where found[folded(name)] == nil {
        found[folded(name)] = index
      }
    }
    for (name, key) in synonyms where found[name] == nil { found[name] = found[key] }
    return found
  }()

  private static func folded(_ name: String) -> String {
    String(name.lowercased().filter { $0.isLetter || $0.isNumber })
  }

  private static let synonyms: [(String, String)] = [
    ("heartrate", "hr"), ("pulse", "hr"), ("pulserate", "hr"), ("thalach", "hr"),
    ("systolicbp", "sbp"), ("systolic", "sbp"), ("trestbps", "sbp"), ("bloodpressure", "sbp"),
    ("diastolicbp", "dbp"), ("diastolic", "dbp"), ("meanbp", "map"), ("respiration", "resp"),
    ("resprate", "resp"), ("rr", "resp"), ("respirations", "resp"), ("temperature", "temp"),
    ("o2sat", "spo2"), ("oxygensaturation", "spo2"), ("saturation", "spo2"), ("gcs", "gcstotal"),
    ("glasgowcomascale", "gcstotal"), ("bodymassindex", "bmi"), ("sodium", "na"),
    ("potassium", "k"), ("chloride", "cl"), ("hco3", "bicar"), ("urea", "bun"),
    ("ureanitrogen", "bun"), ("creat", "crea"), ("creatinine", "crea"), ("glucose", "glu"),
    ("bloodglucose", "glu"), ("calcium", "ca"), ("magnesium", "mg"), ("phosphorus", "phos"),
    ("albumin", "alb"), ("bilirubin", "bili"), ("totalbilirubin", "bili"), ("lactate", "lact"),
    ("cholesterol", "chol"), ("totalcholesterol", "chol"), ("triglycerides", "trig"),
    ("triglyceride", "trig"), ("haemoglobin", "hgb"), ("hemoglobin", "hgb"), ("hb", "hgb"),
    ("haematocrit", "hct"), ("hematocrit", "hct"), ("leucocytes", "wbc"), ("leukocytes", "wbc"),
    ("whitecellcount", "wbc"), ("whitebloodcells", "wbc"), ("platelets", "plt"),
    ("hemoglobina1c", "hba1c"), ("a1c", "hba1c"), ("troponint", "tnt"), ("troponini", "tni"),
    ("inr", "inrpt"), ("ph", "ph"), ("pao2", "po2"), ("paco2", "pco2"), ("fibrinogen", "fgn"),
    ("uricacid", "urate"), ("creatinekinase", "ck"), ("crp", "crp"), ("ageyears", "age"),
  ]
}
