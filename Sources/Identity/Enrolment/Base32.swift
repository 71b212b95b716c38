/// Base 32 of RFC 4648 §6 in lower case and without padding.
enum Base32 {
  enum Decoded {
    case bytes([UInt8])
    /// Offset of the first character that is not in the alphabet.
    case invalidCharacter(Int)
    /// A count of characters that no whole number of bytes gives.
    case invalidLength
  }

  static func text(_ bytes: [UInt8]) -> String {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
    var text: [UInt8] = []
    var buffer: UInt32 = 0
    var bitCount = 0
    for byte in bytes {
      buffer = (buffer << 8 | UInt32(byte)) & 0xFFFF
      bitCount += 8
      while bitCount >= 5 {
        bitCount -= 5
        text.append(alphabet[Int(buffer >> bitCount & 31)])
      }
    }
    if bitCount > 0 { text.append(alphabet[Int(buffer << (5 - bitCount) & 31)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads lower-case text. Bits left over at the end are ignored here: the checksum around the
  /// content covers what matters.
  static func bytes(_ text: some Sequence<UInt8>) -> Decoded {
    var bytes: [UInt8] = []
    var buffer: UInt32 = 0
    var bitCount = 0
    for (offset, character) in text.enumerated() {
      let value: UInt8
      switch character {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a")
      case UInt8(ascii: "2")...UInt8(ascii: "7"): value = character - UInt8(ascii: "2") + 26
      default: return .invalidCharacter(offset)
      }
      buffer = (buffer << 5 | UInt32(value)) & 0xFFFF
      bitCount += 5
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(buffer >> bitCount & 0xFF))
      }
    }
    return bitCount < 5 ? .bytes(bytes) : .invalidLength
  }
}
