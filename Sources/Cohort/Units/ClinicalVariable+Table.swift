/// The clinical variables the agent knows, as facts of the project's reference table
/// (`vitals-labs.csv`): unit, ranges, conversions. A test compares every entry with that file.
extension ClinicalVariable {
  /// All known variables, in the order of the reference table.
  public static let all: [ClinicalVariable] = vitals + bloodTests + otherTests

  private static let vitals: [ClinicalVariable] = [
    ClinicalVariable(
      "hr", "Heart rate", unit: "/min",
      hard: 0...350, warn: 20...250, reference: 60...100,
      rules: []),
    ClinicalVariable(
      "sbp", "Systolic blood pressure", unit: "mm[Hg]",
      hard: 0...375, warn: 40...300, reference: 90...140,
      rules: [UnitRule("kPa", 7.50062)]),
    ClinicalVariable(
      "dbp", "Diastolic blood pressure", unit: "mm[Hg]",
      hard: 0...375, warn: 10...200, reference: 60...90,
      rules: [UnitRule("kPa", 7.50062)]),
    ClinicalVariable(
      "map", "Mean arterial pressure", unit: "mm[Hg]",
      hard: 0...375, warn: 20...250, reference: 70...105,
      rules: [UnitRule("kPa", 7.50062)]),
    ClinicalVariable(
      "resp", "Respiratory rate", unit: "/min",
      hard: 0...150, warn: 3...80, reference: 12...20,
      rules: []),
    ClinicalVariable(
      "temp", "Body temperature", unit: "Cel",
      hard: 10...47, warn: 26...45, reference: 36.1...37.8,
      rules: [UnitRule("[degF]", 1.0 / 1.8, -32.0 / 1.8), UnitRule("K", 1, -273.15)]),
    ClinicalVariable(
      "spo2", "Peripheral oxygen saturation", unit: "%",
      hard: 0...100, warn: 40...100, reference: 95...100,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "etco2", "End-tidal CO2", unit: "mm[Hg]",
      hard: 0...200, warn: 5...100, reference: 35...45,
      rules: [UnitRule("kPa", 7.50062), UnitRule("%", 7.6)]),
    ClinicalVariable(
      "gcs_total", "Glasgow coma scale, total", unit: "{score}",
      hard: 3...15, warn: 3...15, reference: 15...15,
      rules: []),
    ClinicalVariable(
      "gcs_eye", "Glasgow coma scale, eye", unit: "{score}",
      hard: 1...4, warn: 1...4, reference: 4...4,
      rules: []),
    ClinicalVariable(
      "gcs_verbal", "Glasgow coma scale, verbal", unit: "{score}",
      hard: 1...5, warn: 1...5, reference: 5...5,
      rules: []),
    ClinicalVariable(
      "gcs_motor", "Glasgow coma scale, motor", unit: "{score}",
      hard: 1...6, warn: 1...6, reference: 6...6,
      rules: []),
    ClinicalVariable(
      "rass", "Richmond agitation-sedation scale", unit: "{score}",
      hard: -5...4, warn: -5...4, reference: 0...0,
      rules: []),
    ClinicalVariable(
      "weight", "Body weight", unit: "kg",
      hard: 0.3...650, warn: 30...300, reference: nil,
      rules: [UnitRule("[lb_av]", 0.45359237), UnitRule("g", 0.001)]),
    ClinicalVariable(
      "height", "Body height", unit: "cm",
      hard: 20...275, warn: 120...220, reference: nil,
      rules: [UnitRule("[in_i]", 2.54), UnitRule("m", 100)]),
    ClinicalVariable(
      "bmi", "Body mass index", unit: "kg/m2",
      hard: 5...200, warn: 12...80, reference: 18.5...25,
      rules: []),
    ClinicalVariable(
      "age", "Age", unit: "a",
      hard: 0...130, warn: 18...110, reference: nil,
      rules: [UnitRule("mo", 1.0 / 12)]),
    ClinicalVariable(
      "urine", "Urine output, per charted interval", unit: "mL",
      hard: 0...5000, warn: 0...2000, reference: nil,
      rules: [UnitRule("L", 1000)]),
    ClinicalVariable(
      "fio2", "Fraction of inspired oxygen", unit: "%",
      hard: 21...100, warn: 21...100, reference: 21...21,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "o2_flow", "Oxygen flow", unit: "L/min",
      hard: 0...100, warn: 0...70, reference: nil,
      rules: [UnitRule("mL/min", 0.001)]),
    ClinicalVariable(
      "peep", "PEEP setting", unit: "cm[H2O]",
      hard: 0...60, warn: 0...30, reference: nil,
      rules: [UnitRule("mm[Hg]", 1.35951), UnitRule("kPa", 10.1972)]),
    ClinicalVariable(
      "pip", "Peak inspiratory pressure", unit: "cm[H2O]",
      hard: 0...120, warn: 5...80, reference: nil,
      rules: [UnitRule("mm[Hg]", 1.35951)]),
    ClinicalVariable(
      "plateau", "Plateau pressure", unit: "cm[H2O]",
      hard: 0...100, warn: 5...60, reference: nil,
      rules: []),
    ClinicalVariable(
      "tidal_volume", "Tidal volume, observed", unit: "mL",
      hard: 0...3000, warn: 50...1500, reference: nil,
      rules: [UnitRule("L", 1000)]),
    ClinicalVariable(
      "cvp", "Central venous pressure", unit: "mm[Hg]",
      hard: -20...60, warn: -10...40, reference: 2...8,
      rules: [UnitRule("cm[H2O]", 0.735559)]),
    ClinicalVariable(
      "icp", "Intracranial pressure", unit: "mm[Hg]",
      hard: -20...150, warn: -10...80, reference: 5...15,
      rules: []),
    ClinicalVariable(
      "cardiac_output", "Cardiac output", unit: "L/min",
      hard: 0...30, warn: 0.5...20, reference: 4...8,
      rules: []),
    ClinicalVariable(
      "qtc", "QT interval, corrected", unit: "ms",
      hard: 150...900, warn: 250...700, reference: 350...460,
      rules: [UnitRule("s", 1000)]),
  ]

  private static let bloodTests: [ClinicalVariable] = [
    ClinicalVariable(
      "na", "Sodium", unit: "mmol/L",
      hard: 50...250, warn: 100...190, reference: 135...145,
      rules: [UnitRule("meq/L", 1)]),
    ClinicalVariable(
      "k", "Potassium", unit: "mmol/L",
      hard: 0.5...15, warn: 1.5...10, reference: 3.5...5.0,
      rules: [UnitRule("meq/L", 1)]),
    ClinicalVariable(
      "cl", "Chloride", unit: "mmol/L",
      hard: 40...200, warn: 65...150, reference: 96...106,
      rules: [UnitRule("meq/L", 1)]),
    ClinicalVariable(
      "bicar", "Bicarbonate", unit: "mmol/L",
      hard: 0...66, warn: 3...55, reference: 21...28,
      rules: [UnitRule("meq/L", 1)]),
    ClinicalVariable(
      "tco2", "Total CO2, blood", unit: "mmol/L",
      hard: 0...70, warn: 4...60, reference: 22...29,
      rules: [UnitRule("meq/L", 1)]),
    ClinicalVariable(
      "anion_gap", "Anion gap", unit: "mmol/L",
      hard: -20...60, warn: -5...50, reference: 8...16,
      rules: [UnitRule("meq/L", 1)]),
    ClinicalVariable(
      "bun", "Urea nitrogen", unit: "mg/dL",
      hard: 0...300, warn: 1...250, reference: 7...20,
      rules: [UnitRule("mmol/L", 2.801), UnitRule("mg/dL(urea)", 0.467)]),
    ClinicalVariable(
      "crea", "Creatinine", unit: "mg/dL",
      hard: 0...66, warn: 0.1...25, reference: 0.6...1.2,
      rules: [UnitRule("umol/L", 0.011312)]),
    ClinicalVariable(
      "egfr", "Estimated GFR (MDRD)", unit: "mL/min/{1.73_m2}",
      hard: 0...300, warn: 1...200, reference: nil,
      rules: []),
    ClinicalVariable(
      "glu", "Glucose", unit: "mg/dL",
      hard: 0...2200, warn: 10...1500, reference: 70...99,
      rules: [UnitRule("mmol/L", 18.016)]),
    ClinicalVariable(
      "ca", "Calcium, total", unit: "mg/dL",
      hard: 1...30, warn: 4...20, reference: 8.2...10.2,
      rules: [UnitRule("mmol/L", 4.008), UnitRule("meq/L", 2.004)]),
    ClinicalVariable(
      "cai", "Calcium, ionised", unit: "mmol/L",
      hard: 0.1...5, warn: 0.5...2.5, reference: 1.15...1.27,
      rules: [UnitRule("mg/dL", 0.2495), UnitRule("meq/L", 0.5)]),
    ClinicalVariable(
      "mg", "Magnesium", unit: "mg/dL",
      hard: 0...22, warn: 0.5...10, reference: 1.7...2.3,
      rules: [UnitRule("mmol/L", 2.4305), UnitRule("meq/L", 1.2153)]),
    ClinicalVariable(
      "phos", "Phosphate", unit: "mg/dL",
      hard: 0...40, warn: 0.3...20, reference: 2.5...4.5,
      rules: [UnitRule("mmol/L", 3.0974)]),
    ClinicalVariable(
      "alb", "Albumin", unit: "g/dL",
      hard: 0...8, warn: 0.6...6, reference: 3.5...5.0,
      rules: [UnitRule("g/L", 0.1)]),
    ClinicalVariable(
      "protein_total", "Protein, total", unit: "g/dL",
      hard: 0...20, warn: 2...13, reference: 6.0...8.3,
      rules: [UnitRule("g/L", 0.1)]),
    ClinicalVariable(
      "alt", "Alanine aminotransferase", unit: "U/L",
      hard: 0...30000, warn: 2...15000, reference: 10...40,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "ast", "Aspartate aminotransferase", unit: "U/L",
      hard: 0...40000, warn: 4...22000, reference: 10...48,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "alp", "Alkaline phosphatase", unit: "U/L",
      hard: 0...10000, warn: 5...4000, reference: 44...120,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "ggt", "Gamma-glutamyl transferase", unit: "U/L",
      hard: 0...10000, warn: 2...5000, reference: 8...61,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "bili", "Bilirubin, total", unit: "mg/dL",
      hard: 0...100, warn: 0.1...60, reference: 0.3...1.2,
      rules: [UnitRule("umol/L", 0.058467)]),
    ClinicalVariable(
      "bili_dir", "Bilirubin, direct", unit: "mg/dL",
      hard: 0...80, warn: 0...50, reference: 0...0.3,
      rules: [UnitRule("umol/L", 0.058467)]),
    ClinicalVariable(
      "ldh", "Lactate dehydrogenase", unit: "U/L",
      hard: 0...50000, warn: 50...33000, reference: 140...280,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "ck", "Creatine kinase", unit: "U/L",
      hard: 0...500000, warn: 5...200000, reference: 30...200,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "ckmb", "Creatine kinase MB, mass", unit: "ng/mL",
      hard: 0...3000, warn: 0...1000, reference: 0...5,
      rules: [UnitRule("ug/L", 1)]),
    ClinicalVariable(
      "lact", "Lactate", unit: "mmol/L",
      hard: 0...50, warn: 0.2...30, reference: 0.5...2.0,
      rules: [UnitRule("mg/dL", 0.1110)]),
    ClinicalVariable(
      "ammonia", "Ammonia", unit: "umol/L",
      hard: 0...3000, warn: 3...1000, reference: 11...35,
      rules: [UnitRule("ug/dL", 0.5872)]),
    ClinicalVariable(
      "ferritin", "Ferritin", unit: "ng/mL",
      hard: 0...300000, warn: 1...100000, reference: 20...300,
      rules: [UnitRule("ug/L", 1), UnitRule("pmol/L", 0.445)]),
    ClinicalVariable(
      "iron", "Iron", unit: "ug/dL",
      hard: 0...2000, warn: 3...600, reference: 60...170,
      rules: [UnitRule("umol/L", 5.585)]),
    ClinicalVariable(
      "transferrin", "Transferrin", unit: "mg/dL",
      hard: 0...1000, warn: 30...700, reference: 200...360,
      rules: [UnitRule("g/L", 100)]),
    ClinicalVariable(
      "urate", "Uric acid", unit: "mg/dL",
      hard: 0...50, warn: 0.2...25, reference: 3.5...7.2,
      rules: [UnitRule("umol/L", 0.01681)]),
    ClinicalVariable(
      "amylase", "Amylase", unit: "U/L",
      hard: 0...30000, warn: 2...10000, reference: 27...130,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "lipase", "Lipase", unit: "U/L",
      hard: 0...50000, warn: 1...20000, reference: 0...160,
      rules: [UnitRule("ukat/L", 59.98)]),
    ClinicalVariable(
      "osm", "Osmolality, measured", unit: "mosm/kg",
      hard: 150...600, warn: 200...500, reference: 275...295,
      rules: [UnitRule("mmol/kg", 1)]),
    ClinicalVariable(
      "ph", "pH of blood", unit: "[pH]",
      hard: 6.3...8.4, warn: 6.6...7.9, reference: 7.35...7.45,
      rules: []),
    ClinicalVariable(
      "pco2", "Carbon dioxide partial pressure", unit: "mm[Hg]",
      hard: 0...250, warn: 8...180, reference: 35...45,
      rules: [UnitRule("kPa", 7.50062)]),
    ClinicalVariable(
      "po2", "Oxygen partial pressure", unit: "mm[Hg]",
      hard: 0...800, warn: 20...650, reference: 80...100,
      rules: [UnitRule("kPa", 7.50062)]),
    ClinicalVariable(
      "be", "Base excess", unit: "mmol/L",
      hard: -50...50, warn: -30...30, reference: -2...2,
      rules: [UnitRule("meq/L", 1)]),
    ClinicalVariable(
      "sao2", "Arterial oxygen saturation", unit: "%",
      hard: 0...100, warn: 30...100, reference: 94...100,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "methb", "Methaemoglobin", unit: "%",
      hard: 0...100, warn: 0...40, reference: 0...1.5,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "cohb", "Carboxyhaemoglobin", unit: "%",
      hard: 0...100, warn: 0...60, reference: 0...3,
      rules: [UnitRule("1", 100)]),
  ]

  private static let otherTests: [ClinicalVariable] = [
    ClinicalVariable(
      "tnt", "Troponin T", unit: "ng/mL",
      hard: 0...100, warn: 0...25, reference: 0...0.014,
      rules: [UnitRule("ng/L", 0.001)]),
    ClinicalVariable(
      "tni", "Troponin I", unit: "ng/mL",
      hard: 0...2000, warn: 0...575, reference: 0...0.04,
      rules: [UnitRule("ng/L", 0.001)]),
    ClinicalVariable(
      "ntprobnp", "NT-proBNP", unit: "pg/mL",
      hard: 0...300000, warn: 5...200000, reference: 0...300,
      rules: [UnitRule("ng/L", 1), UnitRule("pmol/L", 8.457)]),
    ClinicalVariable(
      "bnp", "BNP", unit: "pg/mL",
      hard: 0...60000, warn: 2...20000, reference: 0...100,
      rules: [UnitRule("ng/L", 1), UnitRule("pmol/L", 3.461)]),
    ClinicalVariable(
      "crp", "C-reactive protein", unit: "mg/L",
      hard: 0...1000, warn: 0...600, reference: 0...10,
      rules: [UnitRule("mg/dL", 10)]),
    ClinicalVariable(
      "pct", "Procalcitonin", unit: "ng/mL",
      hard: 0...2000, warn: 0...500, reference: 0...0.1,
      rules: [UnitRule("ug/L", 1)]),
    ClinicalVariable(
      "esr", "Erythrocyte sedimentation rate", unit: "mm/h",
      hard: 0...250, warn: 0...160, reference: 0...20,
      rules: []),
    ClinicalVariable(
      "tsh", "Thyrotropin", unit: "m[IU]/L",
      hard: 0...1000, warn: 0.001...300, reference: 0.4...4.5,
      rules: [UnitRule("u[IU]/mL", 1)]),
    ClinicalVariable(
      "ft4", "Thyroxine, free", unit: "ng/dL",
      hard: 0...30, warn: 0.1...12, reference: 0.8...1.8,
      rules: [UnitRule("pmol/L", 0.0777)]),
    ClinicalVariable(
      "cortisol", "Cortisol", unit: "ug/dL",
      hard: 0...500, warn: 0.1...200, reference: 5...25,
      rules: [UnitRule("nmol/L", 0.03625)]),
    ClinicalVariable(
      "hba1c", "Haemoglobin A1c", unit: "%",
      hard: 2...25, warn: 3...20, reference: 4.0...5.6,
      rules: [UnitRule("mmol/mol", 0.09148, 2.152)]),
    ClinicalVariable(
      "chol", "Cholesterol, total", unit: "mg/dL",
      hard: 10...2000, warn: 30...700, reference: 0...200,
      rules: [UnitRule("mmol/L", 38.67)]),
    ClinicalVariable(
      "hdl", "HDL cholesterol", unit: "mg/dL",
      hard: 1...300, warn: 5...150, reference: 40...60,
      rules: [UnitRule("mmol/L", 38.67)]),
    ClinicalVariable(
      "ldl", "LDL cholesterol, calculated", unit: "mg/dL",
      hard: 0...1500, warn: 5...500, reference: 0...130,
      rules: [UnitRule("mmol/L", 38.67)]),
    ClinicalVariable(
      "trig", "Triglycerides", unit: "mg/dL",
      hard: 5...15000, warn: 20...5000, reference: 0...150,
      rules: [UnitRule("mmol/L", 88.57)]),
    ClinicalVariable(
      "hgb", "Haemoglobin", unit: "g/dL",
      hard: 0.5...30, warn: 2...22, reference: 12.0...17.5,
      rules: [UnitRule("g/L", 0.1), UnitRule("mmol/L", 1.6114)]),
    ClinicalVariable(
      "hct", "Haematocrit", unit: "%",
      hard: 2...85, warn: 8...70, reference: 35...50,
      rules: [UnitRule("1", 100), UnitRule("L/L", 100)]),
    ClinicalVariable(
      "wbc", "Leucocytes", unit: "10*3/uL",
      hard: 0...1500, warn: 0.1...400, reference: 4.5...11.0,
      rules: [UnitRule("10*9/L", 1), UnitRule("/uL", 0.001)]),
    ClinicalVariable(
      "plt", "Platelets", unit: "10*3/uL",
      hard: 0...5000, warn: 1...2200, reference: 150...450,
      rules: [UnitRule("10*9/L", 1), UnitRule("/uL", 0.001)]),
    ClinicalVariable(
      "rbc", "Erythrocytes", unit: "10*6/uL",
      hard: 0...15, warn: 0.5...10, reference: 3.9...6.0,
      rules: [UnitRule("10*12/L", 1)]),
    ClinicalVariable(
      "mcv", "Mean corpuscular volume", unit: "fL",
      hard: 30...200, warn: 50...150, reference: 80...100,
      rules: []),
    ClinicalVariable(
      "mch", "Mean corpuscular haemoglobin", unit: "pg",
      hard: 5...80, warn: 15...50, reference: 27...33,
      rules: [UnitRule("fmol", 16.114)]),
    ClinicalVariable(
      "mchc", "Mean corpuscular haemoglobin concentration", unit: "g/dL",
      hard: 10...60, warn: 20...50, reference: 32...37,
      rules: [UnitRule("g/L", 0.1), UnitRule("mmol/L", 1.6114)]),
    ClinicalVariable(
      "rdw", "Red cell distribution width", unit: "%",
      hard: 5...60, warn: 8...45, reference: 11.5...14.5,
      rules: []),
    ClinicalVariable(
      "neut", "Neutrophils", unit: "%",
      hard: 0...100, warn: 0...100, reference: 40...75,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "lymph", "Lymphocytes", unit: "%",
      hard: 0...100, warn: 0...100, reference: 20...45,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "mono", "Monocytes", unit: "%",
      hard: 0...100, warn: 0...80, reference: 2...10,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "eos", "Eosinophils", unit: "%",
      hard: 0...100, warn: 0...80, reference: 0...6,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "basos", "Basophils", unit: "%",
      hard: 0...100, warn: 0...50, reference: 0...2,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "bnd", "Band neutrophils", unit: "%",
      hard: 0...100, warn: 0...80, reference: 0...6,
      rules: [UnitRule("1", 100)]),
    ClinicalVariable(
      "neut_abs", "Neutrophils, absolute", unit: "10*3/uL",
      hard: 0...500, warn: 0...200, reference: 1.8...7.8,
      rules: [UnitRule("10*9/L", 1), UnitRule("/uL", 0.001)]),
    ClinicalVariable(
      "lymph_abs", "Lymphocytes, absolute", unit: "10*3/uL",
      hard: 0...1000, warn: 0...300, reference: 1.0...4.8,
      rules: [UnitRule("10*9/L", 1), UnitRule("/uL", 0.001)]),
    ClinicalVariable(
      "pt", "Prothrombin time", unit: "s",
      hard: 5...300, warn: 8...150, reference: 11...14,
      rules: []),
    ClinicalVariable(
      "inr_pt", "INR", unit: "1",
      hard: 0.3...40, warn: 0.6...20, reference: 0.8...1.2,
      rules: []),
    ClinicalVariable(
      "ptt", "Activated partial thromboplastin time", unit: "s",
      hard: 10...400, warn: 15...200, reference: 25...40,
      rules: []),
    ClinicalVariable(
      "fgn", "Fibrinogen", unit: "mg/dL",
      hard: 0...2500, warn: 20...1500, reference: 150...400,
      rules: [UnitRule("g/L", 100), UnitRule("umol/L", 34.01)]),
    ClinicalVariable(
      "ddimer", "D-dimer, FEU", unit: "ng/mL{FEU}",
      hard: 0...500000, warn: 10...100000, reference: 0...500,
      rules: [UnitRule("mg/L{FEU}", 1000), UnitRule("ug/mL{FEU}", 1000), UnitRule("ng/mL{DDU}", 2)]),
    ClinicalVariable(
      "haptoglobin", "Haptoglobin", unit: "mg/dL",
      hard: 0...1000, warn: 0...600, reference: 30...200,
      rules: [UnitRule("g/L", 100)]),
  ]
}
