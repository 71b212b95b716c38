import Testing

@testable import DifferentialPrivacy

/// The proposal of the discrete Gaussian: its thresholds are exact, and a word that falls on one is
/// settled by more digits.
@Suite struct GaussianBlocksTests {
  @Test("Thresholds, and words that fall on one, are the reference's")
  func vectors() throws {
    for step in try NoiseVectorFile.named("gaussian-blocks").steps {
      let variance = try #require(UInt64(step.variance ?? ""))
      let blocks = GaussianBlocks(variance: variance)
      guard let words = step.words else {
        #expect(String(blocks.length) == step.expect.length)
        #expect(blocks.thresholds.map(String.init) == step.expect.thresholds)
        continue
      }
      let given = try words.map { try #require(UInt64($0)) }
      var used = 1
      // As `next(from:)` does with a word of a stream.
      let start = try #require(blocks.thresholds.firstIndex { given[0] <= $0 })
      var found = UInt64(start)
      if given[0] == blocks.thresholds[start] {
        var exact = ExactBlocks(square: blocks.square, doubledVariance: blocks.doubledVariance)
        found = exact.block(from: start, firstWord: given[0]) {
          used += 1
          return used <= given.count ? given[used - 1] : 0
        }
      }
      #expect(Int(found) == step.expect.block, "variance \(variance), words \(words)")
      #expect(used == step.expect.used, "variance \(variance), words \(words)")
    }
  }

  @Test("Fixed point and integers of any length give the same thresholds")
  func exactness() {
    let variances: [UInt64] = [1, 2, 3, 5, 100, 255, 1_023, 1_024, 99_999, 1 << 33, (1 << 62) - 1]
    for variance in variances {
      #expect(
        GaussianBlocks(variance: variance) == GaussianBlocks(variance: variance, exactly: true),
        "variance \(variance)")
    }
  }

  @Test("Thresholds never descend, end at 2^64 − 1, and every first byte starts where it should")
  func shape() {
    for variance in (1...400).map({ $0 * $0 }) + [1 << 20, 1 << 40, 1 << 62] as [UInt64] {
      let blocks = GaussianBlocks(variance: variance)
      #expect(blocks.thresholds.last == .max)
      #expect(zip(blocks.thresholds, blocks.thresholds.dropFirst()).allSatisfy { $0 <= $1 })
      #expect(blocks.thresholds.count <= 320)
      for (byte, start) in blocks.starts.enumerated() {
        let least = UInt64(byte) << 56
        #expect(blocks.thresholds[Int(start)] >= least)
        #expect(start == 0 || blocks.thresholds[Int(start) - 1] < least)
      }
    }
  }

  @Test("Integers of any length: sums, products, quotients against 128-bit arithmetic")
  func longIntegers() {
    let numbers: [UInt64] = [0, 1, 2, 3, 0xffff_ffff, 1 << 32, 1 << 63, .max - 1, .max]
    for one in numbers {
      for other in numbers {
        let left = LongInteger(one)
        let right = LongInteger(other)
        // (a + b)² = a² + 2ab + b², a − b + b = a for a ≥ b.
        let sum = left + right
        #expect(sum * sum == left * left + left * right + right * left + right * right)
        if one >= other { #expect((left - right) + right == left) }
        #expect((left < right) == (one < other))
        if other > 0 {
          #expect((left * right).divided(by: other) == left)
          #expect(left.divided(by: other) == LongInteger(one / other))
        }
        #expect((left.shiftedLeft(words: 2) + right).shiftedRight(words: 2) == left)
      }
    }
  }
}
