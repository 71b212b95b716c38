import CanonicalBytes
import Foundation
import Testing

@testable import Cohort

@Suite struct SpecificationBytesTests {
  private func bytes(_ specification: CohortSpecification) -> [UInt8] {
    var writer = ByteWriter()
    specification.write(to: &writer)
    return writer.bytes
  }

  @Test func everyPartChangesTheBytes() {
    let base = wardSpecification()
    var changed: [CohortSpecification] = []
    func change(_ body: (inout CohortSpecification) -> Void) {
      var copy = base
      body(&copy)
      changed.append(copy)
    }
    change { $0.patientColumn = nil }
    change { $0.rowsPerPatient = .last }
    change { $0.orderColumn = nil }
    change { $0.features[0].column = "crea" }
    change { $0.features[0].name = "crea" }
    change { $0.features[0].kind = .flag }
    change { $0.features[1].missingCodes = [] }
    change { $0.features[2].kind = .category(levels: nil) }
    change { $0.outcome.positive = .comparison(.greater, 0) }
    change { $0.outcome.positive = .comparison(.greaterOrEqual, 0) }
    change { $0.outcome.name = "x" }
    change { $0.include = [Criterion(column: "a", comparison: .present, reason: "r")] }
    change { $0.holdout = .hash(fraction: 0.25, key: "study key") }
    change { $0.holdout = .hash(fraction: 0.3, key: "other key") }
    change { $0.holdout = .time(column: "admitted", from: "2024-01-01") }
    change { $0.holdout = .column(name: "admitted", holdoutValue: "2024-01-01") }
    let all = Set((changed + [base]).map(bytes))
    #expect(all.count == changed.count + 1)
    #expect(bytes(wardSpecification()) == bytes(base))
  }

  @Test func featuresSurviveJSON() throws {
    let data = try JSONEncoder().encode(wardFeatures)
    #expect(try JSONDecoder().decode([FeatureSpecification].self, from: data) == wardFeatures)
  }
}
