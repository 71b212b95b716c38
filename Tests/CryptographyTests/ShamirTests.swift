import Testing

@testable import Cryptography

@Suite struct ShamirTests {
  private func deal(
    _ count: Int, threshold: Int, seed: UInt64
  ) throws -> (secret: Scalar, shares: [Shamir.Share]) {
    var entropy = SeededEntropy(seed: seed)
    let secret = try Shamir.randomScalar(from: &entropy)
    let points = (1...UInt16(count)).map { $0 }
    let table = try Shamir.deal(secret, threshold: threshold, points: points, from: &entropy)
    let shares = try points.enumerated().map { index, point in
      Shamir.Share(point: point, value: try Scalar(table.slot(index) { Array($0) }))
    }
    return (try Scalar(secret.revealed()), shares)
  }

  @Test("Shares with fixed coefficients agree with Python's integers")
  func knownAnswer() throws {
    // Coefficient k is SHA-512 of the byte k as a 512-bit little-endian integer, modulo ℓ.
    let coefficients = [
      "b48e913135c9b4f3b1f827e9078b194cc22e2081e8658a515961ee7f5b4e8206",
      "fc4722b3efeadcfa8b437f6e34f71c50a240bd2e66b958c5c17519cc9d936906",
      "3ed3f4d0fadb42cb77d42a7ea57def2bad464bd1ae0c896dd077c04358415c04",
    ]
    let padding = [UInt8](repeating: 0, count: 32)
    var entropy = RecordedEntropy(hex(coefficients[1]) + padding + hex(coefficients[2]) + padding)
    let table = try Shamir.deal(
      secret(hex(coefficients[0])), threshold: 3, points: [1, 2, 5, 200], from: &entropy)
    let expected = [
      "01d6b258052dc261df73da32030647b311b62881fd2b6c84eb4ec88f51234801",
      "cac3bd21cb485566fc97e278497c5372bbcac723700b60921e2c2327f87ac604",
      "592481d4745fe79a97861ea963db366bd6582cdbf941a8de7c61391a0f929403",
      "13ee9c15ad305bb2ad6588795be3b68e22dcdd36fbf0d8649657f32cfdc0df07",
    ]
    for (index, share) in expected.enumerated() {
      #expect(table.slot(index) { Array($0) } == hex(share))
    }
    #expect(entropy.remaining == 0)
  }

  @Test("Field laws of Z_ℓ on random elements")
  func fieldLaws() throws {
    // Seed 3.
    var entropy = SeededEntropy(seed: 3)
    for _ in 0..<20 {
      let a = try Scalar(Shamir.randomScalar(from: &entropy).revealed())
      let b = try Scalar(Shamir.randomScalar(from: &entropy).revealed())
      let c = try Scalar(Shamir.randomScalar(from: &entropy).revealed())
      #expect(a * (b + c) == a * b + a * c)
      #expect(a + b - b == a)
      #expect(a.inverse.map { $0 * a } == .one)
    }
    #expect(Scalar.zero.inverse == nil)
    #expect(throws: CryptographyError(.notCanonicalScalar)) {
      try Scalar(hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"))
    }
    _ = try Scalar(hex("ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"))
  }

  @Test("Every set of threshold shares opens the secret; one share fewer opens another value")
  func everySubset() throws {
    // Seed 1.
    let (secret, shares) = try deal(6, threshold: 4, seed: 1)
    for mask in 0..<64 {
      let chosen = shares.enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element)
      if chosen.count >= 4 {
        #expect(try Shamir.combine(chosen, threshold: 4) == secret)
      } else if chosen.count == 3 {
        #expect(try Shamir.combine(chosen, threshold: 3) != secret)
        #expect(throws: CryptographyError(.tooFewShares)) {
          try Shamir.combine(chosen, threshold: 4)
        }
      }
    }
  }

  @Test("Dealing and combining refuse impossible points and thresholds")
  func refusals() throws {
    // Seed 2.
    var entropy = SeededEntropy(seed: 2)
    let secret = try Shamir.randomScalar(from: &entropy)
    for (threshold, points, code) in [
      (1, [0, 1], .invalidPoint), (1, [2, 2], .invalidPoint), (3, [1, 2], .tooFewShares),
      (0, [1, 2], .tooFewShares),
    ] as [(Int, [UInt16], CryptographyError.Code)] {
      #expect(throws: CryptographyError(code)) {
        try Shamir.deal(secret, threshold: threshold, points: points, from: &entropy)
      }
    }
    #expect(throws: CryptographyError(.invalidPoint)) {
      try Shamir.lagrangeCoefficients(at: [3, 3])
    }
  }

  @Test("e wrong shares among t + 2e are corrected and named", arguments: 0...3)
  func correction(errorCount: Int) throws {
    // Seeds 100…103.
    let (secret, shares) = try deal(
      4 + 2 * errorCount, threshold: 4, seed: 100 + UInt64(errorCount))
    let wrong = (0..<errorCount).map { UInt16(2 * $0 + 1) }
    let received = shares.map { share in
      wrong.contains(share.point)
        ? Shamir.Share(point: share.point, value: share.value + .one) : share
    }
    let correction = try Shamir.correct(received, threshold: 4)
    #expect(correction == Shamir.Correction(secret: secret, wrongPoints: wrong))
    // Fewer errors than the redundancy could correct.
    #expect(
      try Shamir.correct(shares, threshold: 4)
        == Shamir.Correction(secret: secret, wrongPoints: []))
  }

  @Test("More errors than the redundancy are refused, not miscorrected")
  func tooManyErrors() throws {
    // Seed 9: with random errors, another polynomial fits with probability about 2^-252.
    let (_, shares) = try deal(7, threshold: 4, seed: 9)
    let received = shares.enumerated().map { index, share in
      index < 2
        ? Shamir.Share(point: share.point, value: share.value * Scalar(UInt64(index + 7))) : share
    }
    #expect(throws: CryptographyError(.tooFewShares)) {
      try Shamir.correct(received, threshold: 4)
    }
  }
}
