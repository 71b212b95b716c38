extension DiagnosisCode {
  /// A chapter: a stretch of three-character categories (four for ICD-9 E codes).
  struct Chapter: Sendable {
    let key: String
    let start: String
    let end: String
  }

  /// Chapters of ICD-9-CM.
  static let icd9Chapters: [Chapter] = [
    Chapter(key: "infectious", start: "001", end: "139"),
    Chapter(key: "neoplasms", start: "140", end: "239"),
    Chapter(key: "endocrine_metabolic", start: "240", end: "279"),
    Chapter(key: "blood_immune", start: "280", end: "289"),
    Chapter(key: "mental", start: "290", end: "319"),
    Chapter(key: "nervous", start: "320", end: "389"),
    Chapter(key: "circulatory", start: "390", end: "459"),
    Chapter(key: "respiratory", start: "460", end: "519"),
    Chapter(key: "digestive", start: "520", end: "579"),
    Chapter(key: "genitourinary", start: "580", end: "629"),
    Chapter(key: "pregnancy", start: "630", end: "679"),
    Chapter(key: "skin", start: "680", end: "709"),
    Chapter(key: "musculoskeletal", start: "710", end: "739"),
    Chapter(key: "congenital", start: "740", end: "759"),
    Chapter(key: "perinatal", start: "760", end: "779"),
    Chapter(key: "symptoms_signs", start: "780", end: "799"),
    Chapter(key: "injury_poisoning", start: "800", end: "999"),
    Chapter(key: "health_status_contact", start: "V01", end: "V91"),
    Chapter(key: "external_causes", start: "E000", end: "E999"),
  ]

  /// Chapters of ICD-10-CM, which contain those of ICD-10.
  static let icd10Chapters: [Chapter] = [
    Chapter(key: "infectious", start: "A00", end: "B99"),
    Chapter(key: "neoplasms", start: "C00", end: "D49"),
    Chapter(key: "blood_immune", start: "D50", end: "D89"),
    Chapter(key: "endocrine_metabolic", start: "E00", end: "E90"),
    Chapter(key: "mental", start: "F00", end: "F99"),
    Chapter(key: "nervous", start: "G00", end: "G99"),
    Chapter(key: "eye", start: "H00", end: "H59"),
    Chapter(key: "ear", start: "H60", end: "H95"),
    Chapter(key: "circulatory", start: "I00", end: "I99"),
    Chapter(key: "respiratory", start: "J00", end: "J99"),
    Chapter(key: "digestive", start: "K00", end: "K95"),
    Chapter(key: "skin", start: "L00", end: "L99"),
    Chapter(key: "musculoskeletal", start: "M00", end: "M99"),
    Chapter(key: "genitourinary", start: "N00", end: "N99"),
    Chapter(key: "pregnancy", start: "O00", end: "O9A"),
    Chapter(key: "perinatal", start: "P00", end: "P96"),
    Chapter(key: "congenital", start: "Q00", end: "Q99"),
    Chapter(key: "symptoms_signs", start: "R00", end: "R99"),
    Chapter(key: "injury_poisoning", start: "S00", end: "T98"),
    Chapter(key: "external_causes", start: "V00", end: "Y99"),
    Chapter(key: "health_status_contact", start: "Z00", end: "Z99"),
    Chapter(key: "special_purposes", start: "U00", end: "U99"),
  ]
}
