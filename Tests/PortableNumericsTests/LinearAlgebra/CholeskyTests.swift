import PortableNumerics
import Testing

@Suite struct CholeskyTests {
  /// A = M Mᵀ + ½ I from a seeded matrix.
  func randomPositiveDefinite(order: Int, seed: UInt64) -> SymmetricMatrix {
    var generator = Xoshiro256StarStar(seed: seed)
    let m = (0..<order).map { _ in (0..<order).map { _ in generator.normalDouble() } }
    var result = SymmetricMatrix(order: order)
    for i in 0..<order {
      for j in i..<order {
        var sum = i == j ? 0.5 : 0
        for k in 0..<order { sum += m[i][k] * m[j][k] }
        result[i, j] = sum
      }
    }
    return result
  }

  @Test(arguments: [1, 2, 5, 17], [1, 2, 3] as [UInt64])
  func solvesAndInverts(order: Int, seed: UInt64) throws {
    let a = randomPositiveDefinite(order: order, seed: seed)
    let factor = try CholeskyFactor(a)
    let b = (0..<order).map { Double($0) - 1.5 }
    let x = try factor.solve(b)
    let inverse = factor.inverse()
    let diagonal = factor.inverseDiagonal
    for i in 0..<order {
      var product = 0.0
      for j in 0..<order { product += a[i, j] * x[j] }
      #expect((product - b[i]).magnitude < 1e-9, "seed \(seed)")
      #expect((diagonal[i] - inverse[i, i]).magnitude <= 1e-12 * diagonal[i])
      for j in 0..<order {
        var element = 0.0
        for k in 0..<order { element += a[i, k] * inverse[k, j] }
        #expect((element - (i == j ? 1 : 0)).magnitude < 1e-9, "seed \(seed)")
      }
    }
  }

  @Test func knownDeterminant() throws {
    // [[4, 2], [2, 5]]: L = [[2, 0], [1, 2]], determinant 16, inverse [[5, −2], [−2, 4]] / 16.
    let a = try SymmetricMatrix(order: 2, packed: [4, 2, 5])
    let factor = try CholeskyFactor(a)
    #expect((factor.logDeterminant - Portable.log(16)).magnitude < 1e-15)
    #expect(factor.inverse().packed == [0.3125, -0.125, 0.25])
    #expect(try factor.solve([8, 12]) == [1, 2])
  }

  @Test(arguments: [
    ([1, 2, 1], 1), ([0, 0, 1], 0), ([-1, 0, 1], 0), ([.nan, 0, 1], 0), ([1, 1, 1], 1),
    ([.infinity, 0, 1], 0), ([1, .nan, 1], 1),
  ])
  func refusesWhatIsNotPositiveDefinite(packed: [Double], column: Int) throws {
    let matrix = try SymmetricMatrix(order: 2, packed: packed)
    #expect(throws: NumericsError(.notPositiveDefinite, index: column)) {
      _ = try CholeskyFactor(matrix)
    }
  }

  @Test func shapesAreChecked() throws {
    #expect(throws: NumericsError(.shapeMismatch)) {
      _ = try SymmetricMatrix(order: 2, packed: [1, 2])
    }
    #expect(throws: NumericsError(.shapeMismatch)) {
      _ = try Matrix(rows: 2, columns: 2, storage: [1])
    }
    #expect(throws: NumericsError(.shapeMismatch)) {
      _ = try Matrix(rows: -1, columns: -1, storage: [1])
    }
    #expect(throws: NumericsError(.shapeMismatch, index: 1)) { _ = try Matrix([[1, 2], [3]]) }
    let factor = try CholeskyFactor(SymmetricMatrix(order: 1, packed: [2]))
    #expect(throws: NumericsError(.shapeMismatch)) { _ = try factor.solve([1, 2]) }
    let empty = try CholeskyFactor(SymmetricMatrix(order: 0))
    #expect(try empty.solve([]) == [])
  }

  @Test func matrixSelectsAndMultiplies() throws {
    let matrix = try Matrix([[1, 2], [3, 4], [5, 6]])
    #expect(try matrix.multiplied(by: [1, -1]) == [-1, -1, -1])
    #expect(matrix.selectingRows([2, 0]).storage == [5, 6, 1, 2])
    #expect(matrix.column(1) == [2, 4, 6])
    #expect(Array(matrix.row(1)) == [3, 4])
    #expect(throws: NumericsError(.shapeMismatch)) { _ = try matrix.multiplied(by: [1]) }
  }
}
