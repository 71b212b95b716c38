import PortableNumerics

/// Exact conversions of one release that is neither sampled nor composed.
enum SingleRelease {
  case laplace(bound: Double)
  case table(OutcomeTable, OutcomeTable)

  init?(_ base: PrivacyEvent.Release.Base) {
    switch base {
    case .laplace(let scale): self = .laplace(bound: 1 / scale)
    case .table(let table): self = .table(table, table.reversed)
    default: return nil
    }
  }

  /// δ(ε); for Laplace noise 1 − e^((ε − c)/2) with c = Δ/b, 0 beyond c.
  func delta(epsilon: Double) -> Double {
    switch self {
    case .laplace(let bound):
      return epsilon >= bound ? 0 : -Portable.expm1(0.5 * (epsilon - bound))
    case .table(let table, let reversed):
      let logDelta = max(
        table.logDelta(epsilon: epsilon), reversed.logDelta(epsilon: epsilon))
      return min(1, Portable.exp(logDelta))
    }
  }

  /// ε(δ); for Laplace noise c + 2 log(1 − δ), at least 0.
  func epsilon(delta: Double) -> Double {
    switch self {
    case .laplace(let bound): return max(0, bound + 2 * Portable.log1p(-delta))
    case .table(let table, let reversed):
      let logDelta = Portable.log(delta)
      return max(table.epsilon(logDelta: logDelta), reversed.epsilon(logDelta: logDelta))
    }
  }
}
