import Testing

@testable import PortableNumerics

@Suite("Eigenvalues of symmetric matrices")
struct SymmetricEigenTests {
  @Test("the inverse by eigenvalues solves the system", arguments: [1, 2, 5, 17, 40])
  func solves(order: Int) throws {
    var generator = Xoshiro256StarStar(seed: UInt64(order))
    var matrix = SymmetricMatrix(order: order)
    for i in 0..<order {
      for j in 0...i { matrix[i, j] = generator.normalDouble() }
      matrix[i, i] += 2 * Double(order)
    }
    let right = (0..<order).map { _ in generator.normalDouble() }
    let eigen = try SymmetricEigen(matrix)
    let solved = try eigen.apply({ 1 / $0 }, to: right)
    for i in 0..<order {
      var sum = 0.0
      for j in 0..<order { sum += matrix[i, j] * solved[j] }
      #expect(abs(sum - right[i]) < 1e-11, "order \(order)")
    }
    let trace = (0..<order).reduce(0) { $0 + matrix[$1, $1] }
    #expect(abs(eigen.values.reduce(0, +) - trace) < 1e-10 * trace)
  }

  @Test("known eigenvalues, also negative ones")
  func known() throws {
    var matrix = SymmetricMatrix(order: 2)
    matrix[0, 0] = 1
    matrix[1, 1] = 1
    matrix[0, 1] = 3
    let values = try SymmetricEigen(matrix).values.sorted()
    #expect(abs(values[0] + 2) < 1e-14 && abs(values[1] - 4) < 1e-14)
  }

  @Test("what is not a number is refused")
  func notFinite() {
    var matrix = SymmetricMatrix(order: 2)
    matrix[0, 1] = .nan
    #expect(throws: NumericsError(.notPositiveDefinite)) { _ = try SymmetricEigen(matrix) }
  }
}
