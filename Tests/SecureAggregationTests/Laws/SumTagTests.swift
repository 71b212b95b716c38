import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// The tag's arithmetic against the plain definition.
@Suite struct SumTagTests {
  private func naive(_ vector: RingVector, seed: SecretBytes) throws -> UInt64 {
    var stream = try seed.withUnsafeBytes { (key) throws(CryptographyError) in
      try AESKeystream(key: key)
    }
    var bytes = [UInt8](repeating: 0, count: 8 * vector.count)
    bytes.withUnsafeMutableBytes { stream.next(into: $0) }
    let prime = Int128(SumTag.modulus)
    var total: Int128 = 0
    for (index, value) in vector.signed.enumerated() {
      let word = (0..<8).reduce(UInt64(0)) {
        $0 | UInt64(bytes[8 * index + $1]) << UInt64(8 * $1)
      }
      let residue = ((Int128(value) % prime) + prime) % prime
      total = (total + (Int128(word) % prime) * residue) % prime
    }
    return UInt64(total)
  }

  @Test("The fast tag equals the definition, across block borders", arguments: RingWidth.allCases)
  func definition(width: RingWidth) throws {
    // Seed 4.
    var entropy = SeededEntropy(seed: 4)
    var generator = SplitMix(state: 4)
    for count in [1, 2, 1_023, 1_024, 1_025, 2_500] {
      let seed = try SecretBytes(random: 32, from: &entropy)
      let values = (0..<count).map { index -> Int64 in
        switch index % 5 {
        case 0: width.largest
        case 1: width.smallest
        default: Int64.random(in: width.smallest...width.largest, using: &generator)
        }
      }
      let vector = try #require(RingVector(signed: values, width: width))
      #expect(try SumTag.tag(of: vector, alphaSeed: seed) == naive(vector, seed: seed))
    }
  }

  @Test("Tags add like vectors as long as the sum does not wrap", arguments: RingWidth.allCases)
  func linear(width: RingWidth) throws {
    // Seed 12.
    var entropy = SeededEntropy(seed: 12)
    var generator = SplitMix(state: 12)
    let seed = try SecretBytes(random: 32, from: &entropy)
    var total = RingVector(zeros: 50, width: width)
    var tag: UInt64 = 0
    for _ in 0..<7 {
      let values = (0..<50).map { _ in
        Int64.random(in: (width.smallest / 7)...(width.largest / 7), using: &generator)
      }
      let vector = try #require(RingVector(signed: values, width: width))
      total.add(vector)
      tag = SumTag.add(tag, try SumTag.tag(of: vector, alphaSeed: seed))
    }
    #expect(try SumTag.tag(of: total, alphaSeed: seed) == tag)
  }

  @Test("Residues of extreme numbers")
  func residues() {
    #expect(SumTag.reduce(SumTag.modulus) == 0)
    #expect(SumTag.reduce(.max) == 7)
    #expect(SumTag.residue(-1) == SumTag.modulus - 1)
    #expect(SumTag.residue(.min) == SumTag.modulus - 4)
    #expect(SumTag.subtract(0, 1) == SumTag.modulus - 1)
    #expect(SumTag.multiply(SumTag.modulus - 1, SumTag.modulus - 1) == 1)
  }
}
