import Cohort
import Testing

@testable import SiteData

/// Persons with several rows whom the study takes for several persons are found at their hospital.
@Suite struct SplitScanTests {
  private func cohort(patient: String? = nil) -> CohortSpecification {
    CohortSpecification(
      patientColumn: patient, rowsPerPatient: .all,
      features: [
        FeatureSpecification("x", kind: .number(unit: nil, hardRange: nil, resolution: 0.001))
      ],
      outcome: OutcomeSpecification(column: "y", positive: .oneOf(["1"]), name: "y"),
      holdout: .hash(fraction: 0.3, key: "k"))
  }

  /// A hospital's table: 300 rows of as many persons, or of half as many.
  private func table(repeated: Bool) -> String {
    var generator = TestGenerator(state: 5)
    var text = "mrn,visit,ward,x,y\n"
    for row in 0..<300 {
      let person = repeated ? row / 2 : row
      text += "secret-\(person),\(700_000 + 31 * row),w\(row % 4),"
      text +=
        "\(Double(Int.random(in: 0..<9000, using: &generator)) / 100),\(row % 3 == 0 ? 1 : 0)\n"
    }
    return text
  }

  private func scan(_ text: String, _ cohort: CohortSpecification, least: Int = 5) throws
    -> [String]
  {
    try withFile(text) { path in
      let data = DataDescription(file: path)
      return try SplitScan.run(
        data, table: SiteData.load(data, cohort: cohort), patientColumn: cohort.patientColumn,
        minimumCell: least)
    }
  }

  @Test func personsInBothPartsAreNamedWhereTheyAre() throws {
    let sound = try scan(table(repeated: false), cohort())
    #expect(sound == [])
    let planted = try scan(table(repeated: true), cohort())
    #expect(planted.count == 1, "\(planted)")
    #expect(
      planted.allSatisfy { $0.hasPrefix("mrn looks like persons") && $0.contains(" of 150 ") })
    #expect(!planted.joined().contains("secret"))
    // The study knows them: whole patients are on one side.
    #expect(try scan(table(repeated: true), cohort(patient: "mrn")) == [])
    let hidden = try scan(table(repeated: true), cohort(), least: 1000)
    #expect(hidden.allSatisfy { $0.contains("fewer than 1000") } && hidden.count == 1)
  }
}
