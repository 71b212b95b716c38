import DifferentialPrivacy
import PortableNumerics
import Study
import Testing

@testable import PrivacyAudit

@Suite("One release over two neighbouring inputs")
struct NeighbourTestTests {
  private static func bounds(
    _ training: AuditedStudy.Training, hasNoise: Bool, runs: Int, variance divisor: UInt64 = 1
  ) async throws -> (bounds: NeighbourTest.Bounds, epsilon: Double, mu: Double) {
    let (study, cohorts) = try AuditedStudy.synthetic(training, epsilon: 8, patients: 30)
    let replica = Replica(study: study, cohorts: cohorts, seed: 3, hasNoise: hasNoise)
    let probe = try await replica.run(.probe, 0)
    let observation = try #require(probe.observations.first)
    guard case .sum(.marginals(var query)) = observation.question else {
      throw AuditError(.nothingToAttack, "the first release is not the counts")
    }
    query.noise.variance /= divisor
    let bounds = try await NeighbourTest(
      replica: replica, question: .sum(.marginals(query)), noise: observation.noise, runCount: runs
    ).bounds(delta: 1e-5)
    var cost = PrivacyCost()
    cost.add(observation.noise, study: "")
    return (bounds, cost.epsilon(delta: 1e-5), observation.noise.squaredMu.squareRoot())
  }

  @Test("the sampler and the release keep what one release is charged, closely")
  func keeps() async throws {
    let found = try await Self.bounds(.newton, hasNoise: true, runs: 1500)
    #expect(found.bounds.epsilon <= found.epsilon, "\(found), seed 3")
    #expect(found.bounds.mu <= found.mu, "\(found), seed 3")
    // The patient moves the counts by the whole sensitivity, so the bound is close.
    #expect(found.bounds.mu > found.mu - 0.3, "\(found), seed 3")
  }

  @Test("missing noise shows, and so does a quarter of the noise")
  func faults() async throws {
    let none = try await Self.bounds(.newton, hasNoise: false, runs: 300)
    #expect(none.bounds.epsilon > none.epsilon && none.bounds.mu > none.mu, "\(none), seed 3")
    let quarter = try await Self.bounds(.newton, hasNoise: true, runs: 1000, variance: 4)
    #expect(quarter.bounds.mu > quarter.mu, "\(quarter), seed 3")
  }

  @Test("bounds of counts: nothing from equal rates, Clopper and Pearson otherwise")
  func known() {
    #expect(NeighbourTest.bound(with: 50, without: 50, runs: 100, delta: 0) == 0)
    // All right: the rates are α^(1/n) and 1 − α^(1/n) with α = 1.25 %.
    let rate = Portable.exp(Portable.log(0.0125) / 100)
    let found = NeighbourTest.bound(with: 100, without: 0, runs: 100, delta: 0)
    #expect((found - Portable.log(rate / (1 - rate))).magnitude < 1e-9)
    let mu = NeighbourTest.muBound(with: 8413, without: 5000, runs: 10_000)
    #expect(mu > 0.89 && mu < 1)
  }
}
