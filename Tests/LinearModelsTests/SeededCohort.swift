import LinearModels
import PortableNumerics

/// A seeded logistic cohort: features uniform on [−2, 2), η = −¾ + x₀ − ½x₁ + x₂ − …
struct SeededCohort {
  let design: Matrix
  let outcome: [UInt8]

  /// The recipe, in the order of the draws from SplitMix64(seed): for each patient, p times
  /// x = 4u − 2, then y = 1 if u < 1/(1 + e^−η).
  init(seed: UInt64, patients: Int, features: Int) {
    var generator = SplitMix64(seed: seed)
    var matrix = Matrix(rows: patients, columns: features)
    var labels: [UInt8] = []
    for i in 0..<patients {
      var eta = -0.75
      for j in 0..<features {
        matrix[i, j] = 4 * generator.uniformDouble() - 2
        eta += matrix[i, j] * (j % 2 == 0 ? 1 : -0.5)
      }
      labels.append(generator.uniformDouble() < Portable.sigmoid(eta) ? 1 : 0)
    }
    design = matrix
    outcome = labels
  }
}

/// Element by element sum of the sites' vectors, what a secure sum gives.
func sum(_ vectors: [[Int64]]) -> [Int64] {
  var total = vectors.first ?? []
  for vector in vectors.dropFirst() {
    for index in total.indices { total[index] += vector[index] }
  }
  return total
}

/// Runs a fit to its end; each element of `sites` holds the rows of one site.
func fit(
  _ newton: LogisticNewton, design: Matrix, outcome: [UInt8], sites: [[Int]]
) throws -> LogisticNewtonState {
  var state = newton.initialState()
  while !state.isFinished {
    let answers = try sites.map {
      try LogisticNewton.answer(beta: state.beta, design: design, outcome: outcome, rows: $0)
    }
    state = try newton.update(state, total: sum(answers))
  }
  return state
}
