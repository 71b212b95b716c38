import FixedPoint
import Testing

@testable import SecureAggregation

/// The rehearsal that the benchmark drives does what a study does.
@Suite struct RehearsalTests {
  @Test("Sums, participants, bytes and steps of a rehearsed round", arguments: [0, 1, 3])
  func rehearsal(silentCount: Int) throws {
    var rehearsal = try SecureSumRehearsal(siteCount: 10)
    let length = 12_000
    let answer = RingVector.bits32((0..<UInt32(length)).map { $0 &* 3 })
    let binding = try #require(
      RoundBinding(
        purpose: "rehearsal", queryDigest: .zero, ringWidth: .bits32, answerLength: length))
    var steps: [SecureSumRehearsal.Step: Int] = [:]
    let report = try rehearsal.run(binding, answer: answer, silentCount: silentCount) {
      step, body in
      steps[step, default: 0] += 1
      try body()
    }
    let present = 10 - silentCount
    #expect(report.outcome.participants == (1...UInt16(present)).map { $0 })
    #expect(report.outcome.total.signed == (0..<Int64(length)).map { $0 * 3 * Int64(present) })
    #expect(steps.values.allSatisfy { $0 == 1 })
    #expect(steps[.open] == 1 && steps[.mask(site: 1)] == 1 && steps[.add(site: 1)] == 1)
    #expect(steps[.add(site: 10)] == (silentCount == 0 ? 1 : nil))
    // Overhead of n = 10 (specification of the bandwidth): about 3 kB beside the vector.
    let upload = try #require(report.uploadByteCounts[1])
    #expect(upload > 4 * length && upload < 4 * length + 4_000)
  }

  @Test("A roster outside 3…200 is refused")
  func rosterSize() {
    #expect(throws: SecureAggregationError(.rosterInvalid)) {
      _ = try SecureSumRehearsal(siteCount: 2)
    }
  }
}
