import LinearModels
import PortableNumerics
import Testing

/// Two steps of every server optimiser with mean updates Δ₁ = ½, Δ₂ = −¼ against the formulas
/// worked by hand: η = 0.1, β₁ = 0.9, β₂ = 0.99, τ = 0.001, x₀ = 1.
@Suite struct ServerOptimiserTests {
  func twoSteps(_ optimiser: ServerOptimiser) throws -> [FederatedAveragingState] {
    let settings = try FederatedAveragingSettings(
      rounds: 2, local: LocalTrainingSettings(), serverOptimiser: optimiser,
      serverLearningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 1e-3)
    let averaging = try FederatedAveraging(parameterCount: 1, settings: settings)
    var states = [try averaging.initialState(weights: [1])]
    for delta in [0.5, -0.25] {
      let total = try averaging.encode(
        local: [1 + delta], global: [1], patientCount: 8, lossSum: 4)
      states.append(try averaging.update(states[states.count - 1], total: total))
    }
    return states
  }

  @Test func average() throws {
    let states = try twoSteps(.average)
    #expect(states[1].weights == [1 + 0.1 * 0.5])
    #expect(states[2].weights == [1 + 0.1 * 0.5 - 0.1 * 0.25])
    #expect(states[1].meanLoss == 0.5)
  }

  @Test func momentum() throws {
    let states = try twoSteps(.momentum)
    // m₁ = 0.5, m₂ = 0.45 − 0.25 = 0.2
    #expect((states[1].weights[0] - 1.05).magnitude < 1e-15)
    #expect((states[2].weights[0] - 1.07).magnitude < 1e-15)
  }

  /// m₁ = 0.05, m₂ = 0.045 − 0.025 = 0.02 for the three adaptive optimisers.
  @Test(arguments: [
    // v₁ = 1e-6 + 0.25, v₂ = v₁ + 0.0625
    (ServerOptimiser.adagrad, 0.250001, 0.312501),
    // v₁ = 0.99e-6 + 0.0025, v₂ = 0.99 v₁ + 0.000625
    (.adam, 0.00250099, 0.0031009801),
    // v₁ = 1e-6 + 0.0025; v₂ = v₁ + 0.000625, as v₁ < Δ₂²
    (.yogi, 0.002501, 0.003126),
  ])
  func adaptive(optimiser: ServerOptimiser, v1: Double, v2: Double) throws {
    let states = try twoSteps(optimiser)
    #expect((states[1].momentum[0] - 0.05).magnitude < 1e-15)
    #expect((states[2].momentum[0] - 0.02).magnitude < 1e-15)
    #expect((states[1].secondMoment[0] - v1).magnitude < 1e-15)
    #expect((states[2].secondMoment[0] - v2).magnitude < 1e-15)
    let x1 = 1 + 0.1 * 0.05 / (v1.squareRoot() + 0.001)
    let x2 = x1 + 0.1 * 0.02 / (v2.squareRoot() + 0.001)
    #expect((states[1].weights[0] - x1).magnitude < 1e-14)
    #expect((states[2].weights[0] - x2).magnitude < 1e-14)
  }

  @Test func yogiLetsTheSecondMomentFallSlowly() throws {
    let settings = try FederatedAveragingSettings(
      rounds: 3, local: LocalTrainingSettings(), serverOptimiser: .yogi, beta2: 0.9, tau: 0.5)
    let averaging = try FederatedAveraging(parameterCount: 1, settings: settings)
    let state = try averaging.initialState(weights: [0])
    let total = try averaging.encode(local: [0.25], global: [0], patientCount: 4, lossSum: 0)
    // v₀ = 0.25 > Δ² = 0.0625: v₁ = 0.25 − 0.1 · 0.0625.
    let next = try averaging.update(state, total: total)
    #expect((next.secondMoment[0] - 0.24375).magnitude < 1e-15)
  }
}
