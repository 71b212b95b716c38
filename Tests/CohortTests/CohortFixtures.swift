import Cohort

/// A small generator for seeded tests (Knuth's 64-bit linear congruence, high bits).
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let high = state >> 32
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return high << 32 | state >> 32
  }
}

/// Four features of every kind over five columns.
let wardFeatures: [FeatureSpecification] = [
  FeatureSpecification(
    "creatinine", kind: .number(unit: "mg/dL", hardRange: 0...66, resolution: 0.01)),
  FeatureSpecification(
    "age", kind: .number(unit: "a", hardRange: 18...120, resolution: 1), missingCodes: ["999"]),
  FeatureSpecification("ward", kind: .category(levels: ["medicine", "surgery"])),
  FeatureSpecification("diabetes", kind: .flag),
]

func wardSpecification(
  patientColumn: String? = "patient", rows: RowsPerPatient = .first, order: String? = "admitted",
  include: [Criterion] = [], holdout: HoldoutRule = .hash(fraction: 0.3, key: "study key")
) -> CohortSpecification {
  CohortSpecification(
    patientColumn: patientColumn, rowsPerPatient: rows, orderColumn: order,
    features: wardFeatures,
    outcome: OutcomeSpecification(column: "died", positive: .oneOf(["1"]), name: "death"),
    include: include, holdout: holdout)
}

func wardColumns(creatinineUnit: String? = "mg/dL") -> [SourceColumn] {
  [
    SourceColumn("patient"), SourceColumn("admitted"),
    SourceColumn("creatinine", unit: creatinineUnit, missingCodes: ["-9"]),
    SourceColumn("age", unit: "years"), SourceColumn("ward", levelNames: ["med": "medicine"]),
    SourceColumn("diabetes"), SourceColumn("died"),
  ]
}

func build(
  _ specification: CohortSpecification, _ rows: [[String]],
  columns: [SourceColumn] = wardColumns(), purpose: CohortBuilder.Purpose = .study
) throws -> CohortTable {
  var builder = try CohortBuilder(specification, columns: columns, purpose: purpose)
  for (index, row) in rows.enumerated() { try builder.append(row, sourceRow: index + 1) }
  return try builder.finish()
}

/// Seeded random rows of the ward columns, with gaps and several rows per patient.
func randomRows(_ count: Int, seed: UInt64) -> [[String]] {
  var generator = TestGenerator(state: seed)
  return (0..<count).map { _ in
    func gap(_ text: String) -> String {
      Int.random(in: 0..<10, using: &generator) == 0 ? "" : text
    }
    let creatinine = Double(Int.random(in: 30...500, using: &generator)) / 100
    return [
      "p\(Int.random(in: 0..<(count * 3 / 4 + 1), using: &generator))",
      "2024-0\(Int.random(in: 1...9, using: &generator))-10",
      gap("\(creatinine)"), gap("\(Int.random(in: 18...99, using: &generator))"),
      gap(["medicine", "surgery", "other place"].randomElement(using: &generator) ?? ""),
      gap(["0", "1"].randomElement(using: &generator) ?? ""),
      Int.random(in: 0..<5, using: &generator) == 0 ? "1" : "0",
    ]
  }
}
