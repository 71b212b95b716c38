import Foundation
import Testing

@testable import Records
@testable import SiteData

/// One resource of FHIR is one record, whatever number of codings it has.
@Suite struct FHIRRecordsTests {
  private func observation(_ value: Int, _ codings: String) -> String {
    #"{"resourceType":"Observation","subject":{"reference":"Patient/p"},"#
      + #""effectiveDateTime":"2020-01-01T09:00:00Z","code":{"coding":[\#(codings)]},"#
      + #""valueQuantity":{"value":\#(value),"code":"/min"}}"#
  }

  private func path() throws -> String {
    let loinc = #"{"system":"http://loinc.org","code":"8867-4"}"#
    let local = #"{"system":"http://hosp","code":"HR"}"#
    return try RecordsFixture.write(
      [
        #"{"resourceType":"Encounter","class":{"code":"IMP"},"subject":{"reference":"Patient/p"},"#
          + #""period":{"start":"2020-01-01T08:00:00Z"}}"#,
        observation(80, "\(loinc),\(local),\(loinc)"), observation(110, loinc),
      ].joined(separator: "\n"), "export.ndjson")
  }

  private let recipe = RecordsRecipe(
    variables: [
      RecordVariable("stay", codes: [.exact("visit:IMP")]),
      RecordVariable("visits", codes: [CodePattern("visit*")]),
      RecordVariable(
        "hr", codes: [.exact("loinc:8867-4"), .exact("http://hosp|HR")],
        kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
    ],
    index: IndexRule(.event(variable: "stay", condition: nil)), predictionOffset: 24 * 3600,
    features: [
      FeatureRequest(Measure("visits", .ever, .count)),
      FeatureRequest(Measure("hr", .ever, .count)),
      FeatureRequest(Measure("hr", .ever, .mean)),
    ])

  @Test func aRecordCountsOnce() throws {
    let source = try FHIRSource(path: try path())
    let extraction = try FeatureExtraction(recipe, source: source)
    let line = extraction.table.csv().split(separator: "\n").last.map(String.init)
    #expect(line?.hasSuffix("1,2,95") == true, "\(extraction.table.csv())")
    #expect(extraction.table.tallies.map(\.tally.eventCount) == [1, 1, 2])
  }

  /// The profile counts and measures the same records.
  @Test func theProfileCountsOnce() throws {
    var profile = try RecordsProfile(recipe)
    var batch = EventBatch()
    var reader = try FHIRSource(path: try path()).open()
    while try reader.next(&batch) { profile.receive(batch) }
    #expect(profile.tallies.map(\.eventCount) == [1, 1, 2])
  }
}
