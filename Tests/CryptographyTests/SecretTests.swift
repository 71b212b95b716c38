import Testing

@testable import Cryptography

@Suite struct SecretTests {
  @Test("Slots of a table are its equal parts, and comparing sees every byte")
  func table() {
    let bytes = (0..<96).map { UInt8($0) }
    let table = secret(bytes)
    for index in 0..<3 {
      #expect(table.slot(index) { Array($0) } == Array(bytes[(32 * index)..<(32 * index + 32)]))
    }
    #expect(table.isEqual(to: secret(bytes)))
    var other = bytes
    other[95] ^= 1
    #expect(!table.isEqual(to: secret(other)))
    #expect(!table.isEqual(to: secret(Array(bytes.dropLast()))))
  }

  @Test("A failure while filling leaves no secret and reaches the caller")
  func failingInitializer() {
    var entropy = RecordedEntropy([1, 2, 3])
    #expect(throws: CryptographyError(.entropyExhausted)) {
      try SecretBytes(random: 32, from: &entropy)
    }
    #expect(entropy.remaining == 3)
  }

  @Test("Seeded entropy is reproducible and does not depend on how it is drawn")
  func seeded() throws {
    // Seed 42.
    var one = SeededEntropy(seed: 42)
    var other = SeededEntropy(seed: 42)
    let whole = try one.bytes(200)
    var parts: [UInt8] = []
    for size in [1, 31, 33, 64, 71] { parts += try other.bytes(size) }
    #expect(whole == parts)
    var third = SeededEntropy(seed: 43)
    #expect(try third.bytes(200) != whole)
  }

  @Test("System entropy does not repeat")
  func system() throws {
    var entropy = SystemEntropy()
    #expect(try entropy.bytes(32) != entropy.bytes(32))
  }

  @Test("Digests keep their bytes, compare byte-wise and refuse other lengths")
  func digest() throws {
    let low = try Digest([UInt8](repeating: 1, count: 32))
    let high = try Digest([2] + [UInt8](repeating: 0, count: 31))
    #expect(low < high)
    #expect(low.bytes == [UInt8](repeating: 1, count: 32))
    #expect(low.hex == String(repeating: "01", count: 32))
    #expect(throws: CryptographyError(.wrongLength)) { try Digest([1]) }
  }

  @Test("Hexadecimal decoding refuses what is not hexadecimal")
  func hexadecimal() {
    #expect(Hexadecimal.decode("00ffAb") == [0, 255, 171])
    #expect(Hexadecimal.decode("0") == nil)
    #expect(Hexadecimal.decode("0g") == nil)
  }
}
