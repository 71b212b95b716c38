import Foundation
import Testing

@testable import Validation

/// The JSON twin of a report is written from these types; NaN would make the encoder throw.
@Suite struct CodableTests {
  func survives<T: Codable & Equatable>(_ value: T) throws -> Bool {
    try JSONDecoder().decode(T.self, from: try JSONEncoder().encode(value)) == value
  }

  @Test func performanceSurvivesJSON() throws {
    #expect(try survives(try SitePerformanceTests.reference()))
    let oneClass = try HoldoutEvaluation.evaluate(
      probabilities: [0.1, 0.2], outcome: [false, false], threshold: 0.5, minimumCell: 1)
    #expect(try survives(oneClass))
  }

  @Test func summariesSurviveJSON() throws {
    let profiles = try DriftReportTests.hospitals(planted: true)
    let sites = profiles.compactMap { profile in
      profile.performance.map { (site: profile.site, performance: $0) }
    }
    for measure in PerformanceSummary.Measure.allCases {
      #expect(try survives(try #require(PerformanceSummary(measure, sites: sites))))
    }
    #expect(try survives(DriftReport(profiles: profiles)))
    for profile in profiles { #expect(try survives(profile.features)) }
  }
}
