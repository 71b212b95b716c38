/// A 32-byte public hash value. Comparing is not in constant time: digests here are not secrets.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Always 32.
  public static let byteCount = 32
  /// Thirty-two zero bytes: the history of a chain that has not begun.
  public static let zero = Digest(words: Words())

  /// Four words, not a SIMD vector: values aligned beyond 16 bytes break the frames of asynchronous
  /// functions.
  private struct Words: Hashable, Sendable {
    var a: UInt64 = 0
    var b: UInt64 = 0
    var c: UInt64 = 0
    var d: UInt64 = 0

    subscript(index: Int) -> UInt64 {
      get {
        switch index {
        case 0: a
        case 1: b
        case 2: c
        default: d
        }
      }
      set {
        switch index {
        case 0: a = newValue
        case 1: b = newValue
        case 2: c = newValue
        default: d = newValue
        }
      }
    }
  }

  private let words: Words

  private init(words: Words) {
    self.words = words
  }

  /// Takes exactly 32 bytes, else throws `wrongLength`.
  public init(_ bytes: [UInt8]) throws(CryptographyError) {
    guard bytes.count == Self.byteCount else { throw CryptographyError(.wrongLength) }
    self = bytes.withUnsafeBytes { Digest(unchecked: $0) }
  }

  /// Takes exactly 32 bytes, else throws `wrongLength`.
  public init(_ bytes: some Collection<UInt8>) throws(CryptographyError) {
    guard bytes.count == Self.byteCount else { throw CryptographyError(.wrongLength) }
    var words = Words()
    for (index, byte) in bytes.enumerated() {
      words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8))
    }
    self.words = words
  }

  init(unchecked buffer: UnsafeRawBufferPointer) {
    var words = Words()
    for index in 0..<4 {
      words[index] = UInt64(
        littleEndian: buffer.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    self.words = words
  }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    withUnsafeBytes { Array($0) }
  }

  /// Lends the 32 bytes.
  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let bytes = (
      words.a.littleEndian, words.b.littleEndian, words.c.littleEndian, words.d.littleEndian
    )
    return Swift.withUnsafeBytes(of: bytes, body)
  }

  /// Sixty-four lower-case hexadecimal digits.
  public var hex: String { Hexadecimal.encode(bytes) }

  public var description: String { hex }

  /// Byte-wise lexicographic order.
  public static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

/// Lower-case hexadecimal text of public bytes.
public enum Hexadecimal {
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    func digit(_ value: UInt8) -> UInt8 {
      value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
      text.append(digit(byte >> 4))
      text.append(digit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Returns nil for an odd length or a character that is not a hexadecimal digit.
  public static func decode(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
