import Cryptography

/// Bytes of a constant in hexadecimal; a typing error in a test shows as an empty array.
func hex(_ text: String) -> [UInt8] { Hexadecimal.decode(text) ?? [] }

func secret(_ bytes: [UInt8]) -> SecretBytes {
  bytes.withUnsafeBytes { SecretBytes(copying: $0) }
}

func keystream(_ key: [UInt8], _ count: Int) throws -> [UInt8] {
  var stream = try secret(key).withUnsafeBytes { (key) throws(CryptographyError) in
    try AESKeystream(key: key)
  }
  var bytes = [UInt8](repeating: 0xff, count: count)
  bytes.withUnsafeMutableBytes { stream.next(into: $0) }
  return bytes
}
