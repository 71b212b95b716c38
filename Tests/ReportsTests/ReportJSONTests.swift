import Foundation
import Study
import Testing

@testable import Reports

/// The JSON twin reads back to the same report, and only a file of its format is read.
@Suite struct ReportJSONTests {
  private func bytes() async throws -> Data {
    try ReportJSON(try await StudyFixture.result.value, provenance: StudyFixture.provenance)
      .encoded()
  }

  @Test func readsBackToTheSameBytesAndPage() async throws {
    let first = try await bytes()
    let read = try ReportJSON(decoding: first)
    #expect(read.provenance == StudyFixture.provenance)
    #expect(try read.encoded() == first)
    let result = try await StudyFixture.result.value
    #expect(read.result.drift == result.drift)
    #expect(read.result.transform == result.transform)
    #expect(read.result.distributions == result.distributions)
    #expect(
      HTMLReport.render(read.result, provenance: read.provenance)
        == HTMLReport.render(result, provenance: StudyFixture.provenance))
  }

  @Test func refusesOtherFormatsAndKeys() async throws {
    let text = try #require(String(data: try await bytes(), encoding: .utf8))
    func failure(_ text: String) -> ReportsError.Code? {
      do {
        _ = try ReportJSON(decoding: Data(text.utf8))
        return nil
      } catch {
        return error.code
      }
    }
    #expect(failure(text) == nil)
    #expect(
      failure(text.replacingOccurrences(of: "wardround-report/1", with: "wardround-report/2"))
        == .unknownFormat)
    #expect(
      failure(text.replacingOccurrences(of: "\"softwareVersion\"", with: "\"version\""))
        == .malformed)
    #expect(
      failure(
        text.replacingOccurrences(
          of: "\"softwareVersion\"", with: "\"sofwareVersion\" : \"1\", \"softwareVersion\""))
        == .unknownKey)
    #expect(failure("[1]") == .malformed)
    #expect(failure("{}") == .malformed)
    #expect(failure("") == .malformed)
    #expect(failure(String(text.dropLast(200))) == .malformed)
  }

  @Test func refusesANumberThatIsNotFinite() async throws {
    var result = try await StudyFixture.result.value
    result.study.threshold = .nan
    #expect(throws: ReportsError(.outOfRange, "")) {
      try ReportJSON(result, provenance: StudyFixture.provenance).encoded()
    }
  }
}
