/// How the mean update of the sites moves the global weights x.
///
/// Δ is the patient-weighted mean of the clipped local updates; m starts at 0, v at τ². From Reddi
/// et al. 2021, "Adaptive Federated Optimization", algorithm 2, without bias correction, as there;
/// momentum from Hsu, Qi and Brown 2019.
///
/// | optimiser | m | v | step |
/// | --- | --- | --- | --- |
/// | average | – | – | x + η Δ |
/// | momentum | β₁ m + Δ | – | x + η m |
/// | adagrad | β₁ m + (1 − β₁) Δ | v + Δ² | x + η m / (√v + τ) |
/// | adam | β₁ m + (1 − β₁) Δ | β₂ v + (1 − β₂) Δ² | x + η m / (√v + τ) |
/// | yogi | β₁ m + (1 − β₁) Δ | v − (1 − β₂) Δ² sign(v − Δ²) | x + η m / (√v + τ) |
///
/// + − × ÷ √ only, element by element, so every party gets the same bits.
public enum ServerOptimiser: String, Sendable, CaseIterable {
  case average
  case momentum
  case adagrad
  case adam
  case yogi

  /// The server learning rate to start from: 1 for averaging, 1 − β₁ = 0.1 for momentum (the same
  /// step in the long run), otherwise the size of a step per coefficient and round.
  public var defaultLearningRate: Double {
    switch self {
    case .average: 1
    case .momentum: 0.1
    case .adagrad: 0.3
    case .adam, .yogi: 0.03
    }
  }

  /// One step, in place. All vectors have the length of `delta`.
  func step(
    weights: inout [Double], momentum: inout [Double], secondMoment: inout [Double],
    delta: [Double], settings: FederatedAveragingSettings
  ) {
    let eta = settings.serverLearningRate
    let beta1 = settings.beta1
    let beta2 = settings.beta2
    let tau = settings.tau
    for index in delta.indices {
      let d = delta[index]
      let square = d * d
      switch self {
      case .average:
        weights[index] += eta * d
        continue
      case .momentum:
        momentum[index] = beta1 * momentum[index] + d
        weights[index] += eta * momentum[index]
        continue
      case .adagrad:
        secondMoment[index] += square
      case .adam:
        secondMoment[index] = beta2 * secondMoment[index] + (1 - beta2) * square
      case .yogi:
        let difference = secondMoment[index] - square
        let sign = difference > 0 ? 1.0 : difference < 0 ? -1.0 : 0.0
        secondMoment[index] -= (1 - beta2) * square * sign
      }
      momentum[index] = beta1 * momentum[index] + (1 - beta1) * d
      weights[index] += eta * momentum[index] / (secondMoment[index].squareRoot() + tau)
    }
  }
}
