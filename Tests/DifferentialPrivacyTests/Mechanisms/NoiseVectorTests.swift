import Cryptography
import DifferentialPrivacy
import Foundation
import Testing

@Suite struct NoiseVectorTests {
  @Test("Every file of the folder is read by a test of this suite")
  func everyFileIsRead() throws {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: NoiseVectorFile.folder.path())
    #expect(
      names.sorted() == [
        "clip.json", "discrete-gaussian.json", "discrete-laplace.json", "gaussian-blocks.json",
        "schedule.json", "skellam.json",
      ])
  }

  private func bytes(_ text: String?) throws -> [UInt8] {
    try #require(Hexadecimal.decode(text ?? "-"))
  }

  private func number(_ text: String?) throws -> UInt64 {
    try #require(UInt64(text ?? "-"))
  }

  @Test("Discrete Gaussian draws are the reference's, value by value")
  func discreteGaussian() throws {
    for step in try NoiseVectorFile.named("discrete-gaussian").steps {
      let expected = try #require(step.expect.values)
      let values = try DiscreteGaussian(variance: number(step.variance))
        .draws(count: expected.count, seed: bytes(step.seed))
      #expect(values.map(String.init) == expected, "variance \(step.variance ?? "")")
    }
  }

  @Test("Discrete Laplace draws are the reference's, value by value")
  func discreteLaplace() throws {
    for step in try NoiseVectorFile.named("discrete-laplace").steps {
      let expected = try #require(step.expect.values)
      let sampler = try DiscreteLaplace(
        numerator: number(step.numerator), denominator: number(step.denominator))
      let values = try drawNoise(count: expected.count, seed: bytes(step.seed)) {
        (values, seed) throws(DifferentialPrivacyError) in
        try sampler.fill(into: &values, seed: seed)
      }
      #expect(values.map(String.init) == expected, "scale \(step.numerator ?? "")")
    }
  }

  @Test("Skellam draws are the reference's, value by value")
  func skellam() throws {
    for step in try NoiseVectorFile.named("skellam").steps {
      let expected = try #require(step.expect.values)
      let sampler = try Skellam(variance: number(step.variance))
      let values = try drawNoise(count: expected.count, seed: bytes(step.seed)) {
        (values, seed) throws(DifferentialPrivacyError) in
        try sampler.fill(into: &values, seed: seed)
      }
      #expect(values.map(String.init) == expected, "variance \(step.variance ?? "")")
    }
  }

  @Test("Schedules are the reference's")
  func schedules() throws {
    for step in try NoiseVectorFile.named("schedule").steps {
      let schedule = try NoiseSchedule(
        siteCount: try #require(step.sites), colluderCount: try #require(step.colluders),
        threshold: try #require(step.threshold), variance: number(step.variance),
        vectorLength: try #require(step.length))
      #expect(String(schedule.baseVariance) == step.expect.base)
      let layers = try #require(step.expect.layers)
      #expect(schedule.layers.map(\.largestSurvivorCount) == layers.map(\.limit))
      #expect(schedule.layers.map { String($0.variance) } == layers.map(\.variance))
      for (count, survivors) in try #require(step.expect.survivors) {
        let count = try #require(Int(count))
        #expect(schedule.layersToRemove(survivorCount: count) == survivors.remove)
        #expect(String(schedule.keptVariance(survivorCount: count)) == survivors.kept)
      }
    }
  }

  @Test("Clipped integers are the reference's")
  func clips() throws {
    for step in try NoiseVectorFile.named("clip").steps {
      var values = try #require(step.values).compactMap(Int64.init)
      try PatientClip(bound: number(step.bound)).apply(to: &values)
      #expect(values.map(String.init) == step.expect.values)
    }
  }
}
