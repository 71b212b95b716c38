import Cryptography
import FixedPoint

/// The linear hash by which sites recognise a true sum: tag(x) = Σ α_k·x[k] mod p, p = 2^61 − 1
/// (protocol/README.md §5).
///
/// Assumes that no site of the round colludes with the aggregator, which therefore does not know α.
/// Guarantees then: another sum passes with probability about 2^-61 per try. The tags of the sites
/// travel masked and add up like the vectors.
enum SumTag {
  /// p.
  static let modulus: UInt64 = (1 << 61) - 1
  private static let blockLength = 1_024

  /// The tag of a vector under the coefficients that `alphaSeed` (32 bytes) generates.
  static func tag(
    of vector: RingVector, alphaSeed: SecretBytes
  ) throws(CryptographyError) -> UInt64 {
    var keystream = try alphaSeed.withUnsafeBytes { (key) throws(CryptographyError) in
      try AESKeystream(key: key)
    }
    let block = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: blockLength)
    block.initialize(repeating: 0)
    defer {
      wipe(UnsafeMutableRawBufferPointer(block))
      block.deallocate()
    }
    var total: UInt64 = 0
    var start = 0
    while start < vector.count {
      let count = min(blockLength, vector.count - start)
      let coefficients = UnsafeMutableBufferPointer(rebasing: block[..<count])
      keystream.next(into: UnsafeMutableRawBufferPointer(coefficients))
      let part =
        switch vector {
        case .bits32(let words):
          words.withUnsafeBufferPointer {
            narrowSum(coefficients, UnsafeBufferPointer(rebasing: $0[start..<(start + count)]))
          }
        case .bits64(let words):
          words.withUnsafeBufferPointer {
            wideSum(coefficients, UnsafeBufferPointer(rebasing: $0[start..<(start + count)]))
          }
        }
      total = add(total, part)
      start += count
    }
    return total
  }

  /// Σ α·x mod p for signed 32-bit x: the exact sum has fewer than 64 + 31 + 10 bits, so it is formed
  /// in 128 bits and reduced once.
  private static func narrowSum(
    _ coefficients: UnsafeMutableBufferPointer<UInt64>, _ words: UnsafeBufferPointer<UInt32>
  ) -> UInt64 {
    var low: UInt64 = 0
    var high: UInt64 = 0
    for index in 0..<words.count {
      let coefficient = UInt64(littleEndian: coefficients[index])
      let value = Int64(Int32(bitPattern: words[index]))
      let product = coefficient.multipliedFullWidth(by: UInt64(bitPattern: value))
      let (sum, carried) = low.addingReportingOverflow(product.low)
      low = sum
      // The unsigned product is α·2^64 too large when x is negative.
      let correction = coefficient & UInt64(bitPattern: value >> 63)
      high = high &+ product.high &- correction &+ (carried ? 1 : 0)
    }
    // 2^64 ≡ 8 (mod p), and the high half is a small signed number.
    let signedHigh = Int64(bitPattern: high)
    return add(multiply(residue(signedHigh), 8), reduce(low))
  }

  /// Σ α·x mod p for signed 64-bit x = h·2^32 + l, l unsigned: Σ α·l and Σ α·h have fewer than
  /// 64 + 32 + 10 bits, so they are formed in 128 bits each and reduced once.
  private static func wideSum(
    _ coefficients: UnsafeMutableBufferPointer<UInt64>, _ words: UnsafeBufferPointer<UInt64>
  ) -> UInt64 {
    var low = (low: UInt64(0), high: UInt64(0))
    var high = (low: UInt64(0), high: UInt64(0))
    for index in 0..<words.count {
      let coefficient = UInt64(littleEndian: coefficients[index])
      let word = words[index]
      let lower = coefficient.multipliedFullWidth(by: word & 0xFFFF_FFFF)
      let (lowSum, lowCarried) = low.low.addingReportingOverflow(lower.low)
      low = (lowSum, low.high &+ lower.high &+ (lowCarried ? 1 : 0))
      let value = Int64(bitPattern: word) >> 32
      let upper = coefficient.multipliedFullWidth(by: UInt64(bitPattern: value))
      let (highSum, highCarried) = high.low.addingReportingOverflow(upper.low)
      // The unsigned product is α·2^64 too large when h is negative.
      let correction = coefficient & UInt64(bitPattern: value >> 63)
      high = (highSum, high.high &+ upper.high &- correction &+ (highCarried ? 1 : 0))
    }
    let lowerSum = add(multiply(reduce(low.high), 8), reduce(low.low))
    let upperSum = add(multiply(residue(Int64(bitPattern: high.high)), 8), reduce(high.low))
    return add(lowerSum, multiply(upperSum, 1 << 32))
  }

  /// tagmask(key): the 256-bit hash of a mask key as a residue.
  static func mask(key: UnsafeRawBufferPointer) -> UInt64 {
    withSecretScratch(byteCount: 32) { scratch in
      var hash = Blake2b(Labels.tagMask)
      hash.part(key)
      hash.finish(into: scratch)
      return residue(littleEndian: scratch)
    }
  }

  /// layerpad_i: what a site's tag of removed noise is sealed with. Known to the sites of U1, who know
  /// the seed; used once, since there is one seed per round and one Unmask per site in it.
  static func layerPad(of site: UInt16, alphaSeed: SecretBytes) -> UInt64 {
    withSecretScratch(byteCount: 32) { scratch in
      var hash = Blake2b(Labels.layerTag, key: alphaSeed)
      hash.part(integer: site)
      hash.finish(into: scratch)
      return residue(littleEndian: scratch)
    }
  }

  /// 256 bits mod p.
  private static func residue(littleEndian bytes: UnsafeMutableRawBufferPointer) -> UInt64 {
    var value: UInt64 = 0
    for limb in stride(from: 3, through: 0, by: -1) {
      let word = bytes.loadUnaligned(fromByteOffset: 8 * limb, as: UInt64.self)
      value = add(multiply(value, 8), reduce(UInt64(littleEndian: word)))
    }
    return value
  }

  /// x mod p.
  @inline(__always)
  static func reduce(_ value: UInt64) -> UInt64 {
    let folded = (value & modulus) + (value >> 61)
    return folded >= modulus ? folded - modulus : folded
  }

  /// The residue in 0 … p−1 of a signed number.
  @inline(__always)
  static func residue(_ value: Int64) -> UInt64 {
    let magnitude = reduce(value.magnitude)
    return value < 0 && magnitude != 0 ? modulus - magnitude : magnitude
  }

  @inline(__always)
  static func add(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let sum = left + right
    return sum >= modulus ? sum - modulus : sum
  }

  @inline(__always)
  static func subtract(_ left: UInt64, _ right: UInt64) -> UInt64 {
    left >= right ? left - right : left + modulus - right
  }

  @inline(__always)
  static func multiply(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    // left·right = high·2^64 + low, and 2^61 ≡ 1.
    return add(reduce(product.low), reduce(product.high << 3))
  }
}
