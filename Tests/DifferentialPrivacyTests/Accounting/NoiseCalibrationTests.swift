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
}
