import Testing

@testable import Cryptography

@Suite struct KeystreamTests {
  @Test("The keystream does not depend on how it is cut", arguments: [1, 15, 16, 17, 100, 8_192])
  func chunks(size: Int) throws {
    let key = [UInt8](repeating: 9, count: 32)
    let whole = try keystream(key, 20_000)
    var stream = try secret(key).withUnsafeBytes { (key) throws(CryptographyError) in
      try AESKeystream(key: key)
    }
    var parts: [UInt8] = []
    while parts.count < whole.count {
      var part = [UInt8](repeating: 0, count: min(size, whole.count - parts.count))
      part.withUnsafeMutableBytes { stream.next(into: $0) }
      parts += part
    }
    #expect(parts == whole)
  }

  @Test(
    "A mask set adds and subtracts exactly its keystreams",
    arguments: [0, 1, 2_047, 2_048, 2_049, 5_000])
  func maskSet(count: Int) throws {
    // Seed 11; more keys than one batch for the short vectors.
    var entropy = SeededEntropy(seed: 11)
    let keys = try (0..<(count < 100 ? 130 : 5)).map { _ in try entropy.bytes(32) }
    var narrow = (0..<count).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    var wide = (0..<count).map { UInt64(truncatingIfNeeded: $0 &* 0x9E37_79B9_7F4A_7C1) }
    var narrowExpected = narrow
    var wideExpected = wide
    var narrowMasks = MaskSet()
    var wideMasks = MaskSet()
    for (index, key) in keys.enumerated() {
      let stream = try keystream(key, 8 * count)
      let adds = index % 3 != 0
      for element in 0..<count {
        var word32: UInt32 = 0
        for byte in 0..<4 { word32 |= UInt32(stream[4 * element + byte]) << UInt32(8 * byte) }
        var word64: UInt64 = 0
        for byte in 0..<8 { word64 |= UInt64(stream[8 * element + byte]) << UInt64(8 * byte) }
        narrowExpected[element] =
          adds ? narrowExpected[element] &+ word32 : narrowExpected[element] &- word32
        wideExpected[element] =
          adds ? wideExpected[element] &+ word64 : wideExpected[element] &- word64
      }
      if adds {
        try narrowMasks.add(key: secret(key))
        try wideMasks.add(key: secret(key))
      } else {
        try narrowMasks.subtract(key: secret(key))
        try wideMasks.subtract(key: secret(key))
      }
    }
    #expect(narrowMasks.count == keys.count)
    narrowMasks.apply(to: &narrow)
    wideMasks.apply(to: &wide)
    #expect(narrow == narrowExpected)
    #expect(wide == wideExpected)
  }

  @Test("A key of another length is refused")
  func wrongLength() {
    #expect(throws: CryptographyError(.wrongLength)) { _ = try keystream([1, 2, 3], 4) }
  }

  @Test("The generator yields the words of its keystream, across refills")
  func generator() throws {
    // Seed 5.
    var entropy = SeededEntropy(seed: 5)
    var twin = SeededEntropy(seed: 5)
    let generator = try KeystreamGenerator(from: &entropy)
    let stream = try keystream(try twin.bytes(32), 8 * 3_000)
    for word in 0..<3_000 {
      var expected: UInt64 = 0
      for byte in 0..<8 { expected |= UInt64(stream[8 * word + byte]) << UInt64(8 * byte) }
      #expect(generator.next() == expected)
    }
  }
}
