import DifferentialPrivacy
import Testing

@Suite struct NoiseCalibrationTests {
  private func event(_ noise: Double) -> PrivacyEvent {
    .repeated(50, .poissonSampled(rate: 0.1, .gaussian(noiseMultiplier: noise)))
  }

  @Test(arguments: NoiseCalibration.Accountant.allCases)
  func promiseIsKeptAndNothingIsWasted(_ accountant: NoiseCalibration.Accountant) throws {
    func spent(_ noise: Double) throws -> Double {
      switch accountant {
      case .privacyLoss: try PrivacyLossAccountant(event(noise)).epsilon(delta: 1e-5)
      case .renyi: try event(noise).renyiCurve().epsilon(delta: 1e-5)
      }
    }
    let noise = try NoiseCalibration.noiseMultiplier(
      epsilon: 2, delta: 1e-5, accountant: accountant, event: event)
    #expect(try spent(noise) <= 2)
    #expect(try spent(noise * 0.9999) > 2)
  }

  @Test func gaussianCalibrationIsTheClosedForm() throws {
    let noise = try NoiseCalibration.noiseMultiplier(epsilon: 1, delta: 1e-6) {
      .repeated(60, .gaussian(noiseMultiplier: $0))
    }
    let exact = try GaussianPrivacy.standardDeviation(
      epsilon: 1, delta: 1e-6, sensitivity: 60.0.squareRoot())
    #expect((noise / exact - 1).magnitude < 1e-5 && noise >= exact * (1 - 1e-9))
  }

  @Test func impossibleAndTrivialTargets() throws {
    #expect(
      try NoiseCalibration.noiseMultiplier(epsilon: 1, delta: 1e-6) { _ in .composed([]) } == 0)
    #expect(throws: DifferentialPrivacyError.self) {
      try NoiseCalibration.noiseMultiplier(epsilon: 1, delta: 0) { .gaussian(noiseMultiplier: $0) }
    }
    #expect(throws: DifferentialPrivacyError.self) {
      try NoiseCalibration.noiseMultiplier(epsilon: -1, delta: 1e-6) {
        .gaussian(noiseMultiplier: $0)
      }
    }
  }

  @Test func structuredSensitivities() throws {
    #expect(
      try StructuredSensitivity.marginalHistograms(featureCount: 16, recordsPerPatient: 3) == 12)
    let trees = try StructuredSensitivity.gradientHistograms(
      featureCount: 4, gradientBound: 3, hessianBound: 4, recordsPerPatient: 2)
    #expect(trees == 20)
    #expect(try StructuredSensitivity.newtonStep(rowNormBound: 2) == (2, 1))
    #expect(throws: DifferentialPrivacyError.self) {
      try StructuredSensitivity.marginalHistograms(featureCount: -1, recordsPerPatient: 1)
    }
  }

  /// A patient who takes part with less than δ needs no noise; the search used to go on for ever
  /// towards noise too small for any grid.
  @Test func hardlyEverThere() throws {
    func noise(
      _ rate: Double, _ steps: Int, epsilon: Double, delta: Double
    ) throws -> Double {
      try NoiseCalibration.noiseMultiplier(epsilon: epsilon, delta: delta) {
        .repeated(steps, .poissonSampled(rate: rate, .gaussian(noiseMultiplier: $0)))
      }
    }
    #expect(try noise(1.5e-8, 60, epsilon: 8, delta: 1e-5) == 0)
    #expect(try noise(1e-12, 1, epsilon: 1e-12, delta: 0.003) == 0)
    #expect(try noise(0.01, 500, epsilon: .infinity, delta: 1e-6) == 0)
    #expect(try noise(0.01, 2, epsilon: 0.05, delta: 0.02) == 0)
    #expect(try noise(0.01, 2, epsilon: 0.05, delta: 0.0198) > 0)
  }

  /// Sampled releases without noise: δ(ε) = 1 − (1 − q)^T for a patient who is removed, and at ε = 0
  /// for one who is added.
  @Test func sampledWithoutNoise() throws {
    let event = PrivacyEvent.repeated(3, .poissonSampled(rate: 0.1, .gaussian(noiseMultiplier: 0)))
    let known = 1 - 0.9 * 0.9 * 0.9
    let accountant = try PrivacyLossAccountant(event)
    for epsilon in [0, 0.1, 2, 40] {
      #expect(abs(try accountant.delta(epsilon: epsilon) - known) < 1e-9, "\(epsilon)")
    }
    #expect(try accountant.epsilon(delta: 0.28) == 0)
    #expect(try accountant.epsilon(delta: 0.27) == .infinity)
    #expect(try accountant.epsilon(delta: 0) == .infinity)
    let laplace = try PrivacyLossAccountant(.poissonSampled(rate: 0.1, .laplace(scale: 0)))
    #expect(try laplace.epsilon(delta: 0.05) == .infinity && laplace.epsilon(delta: 0.11) == 0)
  }
}
