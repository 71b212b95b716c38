import Foundation
import Records
import StrictYAML
import Testing

@testable import SiteData

/// Zones with summer time, and sources whose times cannot be compared.
@Suite struct ClockTests {
  private func description(_ yaml: String) throws(YAMLProblem) -> RecordsDescription {
    try RecordsDescription(yaml: YAMLDocument(text: yaml, file: "r.yaml").root, folder: "")
  }

  private let source = "{form: long, file: a.csv, subject: i, time: t, code: c}"

  /// Central European time, worked by hand: set forward on 2024-03-31 at 01:00 UTC, back on 2024-10-27.
  @Test func summerTime() throws {
    let zone = try description("{zone: Europe/Berlin, sources: [\(source)]}").zone
    let format = TimeFormat.calendar(zone: zone)
    for (local, utc) in [
      ("2024-07-01T12:00", "2024-07-01T10:00:00"), ("2024-12-01T12:00", "2024-12-01T11:00:00"),
      ("2024-03-31T01:59", "2024-03-31T00:59:00"), ("2024-03-31T03:00", "2024-03-31T01:00:00"),
      // Passed over, and shown twice.
      ("2024-03-31T02:30", "2024-03-31T01:30:00"), ("2024-10-27T02:30", "2024-10-27T01:30:00"),
      ("2024-10-27T01:59", "2024-10-26T23:59:00"), ("2024-10-27T03:00", "2024-10-27T02:00:00"),
      // A time that names its zone is not read in another.
      ("2024-07-01T12:00Z", "2024-07-01T12:00:00"),
    ] {
      #expect(format.read(local).map { RecordTime.text($0.seconds) } == utc, "\(local)")
    }
    let hours = ["2024-03-31", "2024-10-27", "2024-07-01"].map {
      ((format.read($0)?.span ?? 0) + 1) / 3600
    }
    #expect(hours == [23, 25, 24])
    let march = try #require(format.period(year: 2024, month: 3))
    #expect(march.latest - march.seconds == 31 * 86_400 - 3600 - 1)
  }

  /// Local times in their order are moments in their order, also around the changes.
  @Test func momentsKeepTheirOrder() throws {
    let zone = try #require(Zone(named: "America/New_York"))
    var last = Int64.min
    for local in stride(from: Int64(1_700_000_000), to: 1_735_000_000, by: 900) {
      let moment = zone.moment(of: local)
      #expect(moment >= last || zone.transitions.contains { abs($0.moment - moment) <= 3600 })
      #expect([4, 5].contains((moment - local) / 3600))
      last = moment
    }
  }

  @Test(arguments: [("UTC", Int64(0)), ("\"+01:00\"", 3600), ("\"-0430\"", -16_200)])
  func fixedOffsets(text: String, offset: Int64) throws {
    let zone = try description("{zone: \(text), sources: [\(source)]}").zone
    #expect(zone == Zone(offset: offset))
  }

  @Test(arguments: ["Europe/Berlinn", "Berlin", "1 h", "../etc/passwd"])
  func unknownZonesAreRefused(text: String) throws {
    #expect(throws: YAMLProblem.self) {
      try description("{zone: \"\(text)\", sources: [\(source)]}")
    }
  }

  /// Dates and times from a start are no one order.
  @Test func clocksAreNotMixed() throws {
    let hours = "{form: long, file: b.csv, subject: i, time: t, time_format: hours, code: c}"
    let always = "{form: long, file: c.csv, subject: i, time: always, code: c}"
    let summary = "{form: wide, file: d.csv, subject: i, time: 24 h, columns: [x]}"
    #expect(try description("sources: [\(source), \(always)]").clock == .calendar)
    #expect(try description("sources: [\(hours), \(always), \(summary)]").clock == .elapsed)
    #expect(try description("sources: [\(always)]").clock == nil)
    for other in [hours, summary] {
      do {
        _ = try description("sources: [\(source), \(other)]")
        Issue.record("dates and times from a start")
      } catch {
        #expect(error.code == .inconsistent && error.keyPath.hasSuffix("sources"))
      }
    }
  }

  /// Dates have no start of their own to count from.
  @Test func aStartIsNoDate() throws {
    let path = try RecordsFixture.write("i,t,c\n1,2020-01-01,x\n")
    let recipe = RecordsRecipe(
      variables: [RecordVariable("x", codes: [.exact("x")])], index: IndexRule(.start),
      features: [FeatureRequest(Measure("x", .ever, .count))])
    let described = try description(
      "sources: [{form: long, file: \(path), subject: i, time: t, code: c}]")
    for run in [
      { _ = try FeatureExtraction(recipe, described) },
      { _ = try RecordsSurvey.text(recipe, described) },
    ] as [() throws -> Void] {
      do {
        try run()
        Issue.record("`index: start` over dates")
      } catch let failure as FeatureExtraction.Failure {
        #expect(failure.description.contains("index: {event: admission}"), "\(failure)")
      }
    }
  }

  /// Index events of elapsed times are written as seconds, not as dates of 1970.
  @Test func elapsedIndexTimes() throws {
    let path = try RecordsFixture.write("i,t,c\n1,2,x\n")
    let recipe = RecordsRecipe(
      variables: [RecordVariable("x", codes: [.exact("x")])],
      index: IndexRule(.event(variable: "x", condition: nil)),
      features: [FeatureRequest(Measure("x", .ever, .count))])
    let described = try description(
      "sources: [{form: long, file: \(path), subject: i, time: t, time_format: hours, code: c}]")
    let extraction = try FeatureExtraction(recipe, described)
    #expect(extraction.isElapsed && extraction.table.fields(0, isElapsed: true)[1] == "7200")
  }
}
