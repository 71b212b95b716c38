import CSodium

/// Authenticated encryption with a 24-byte random nonce (draft-irtf-cfrg-xchacha-03 §2).
public enum XChaCha20Poly1305 {
  public static let keyByteCount = 32
  public static let nonceByteCount = 24
  public static let tagByteCount = 16

  /// Encrypts and returns ciphertext ‖ tag, `tagByteCount` longer than the plaintext.
  ///
  /// The caller never uses a nonce twice with one key. Throws `wrongLength` for a wrong key or nonce.
  public static func seal(
    _ plaintext: UnsafeRawBufferPointer, associatedData: [UInt8], nonce: [UInt8],
    key: UnsafeRawBufferPointer
  ) throws(CryptographyError) -> [UInt8] {
    guard key.count == keyByteCount, nonce.count == nonceByteCount else {
      throw CryptographyError(.wrongLength)
    }
    var ciphertext = [UInt8](repeating: 0, count: plaintext.count + tagByteCount)
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      &ciphertext, nil, plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self),
      UInt64(plaintext.count), associatedData, UInt64(associatedData.count), nil, nonce,
      key.octets)
    return ciphertext
  }

  /// Checks and decrypts ciphertext ‖ tag into guarded memory.
  ///
  /// Throws `authenticationFailed` when any of ciphertext, associated data, nonce and key differs
  /// from what was sealed, and `wrongLength`.
  public static func open(
    _ ciphertext: [UInt8], associatedData: [UInt8], nonce: [UInt8], key: UnsafeRawBufferPointer
  ) throws(CryptographyError) -> SecretBytes {
    guard key.count == keyByteCount, nonce.count == nonceByteCount,
      ciphertext.count >= tagByteCount
    else { throw CryptographyError(.wrongLength) }
    return try SecretBytes(count: ciphertext.count - tagByteCount) {
      (target) throws(CryptographyError) in
      let status = crypto_aead_xchacha20poly1305_ietf_decrypt(
        target.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, nil, ciphertext,
        UInt64(ciphertext.count), associatedData, UInt64(associatedData.count), nonce,
        key.octets)
      guard status == 0 else { throw CryptographyError(.authenticationFailed) }
    }
  }

  /// Checks and decrypts ciphertext ‖ tag into a buffer of exactly the plaintext's length, which its
  /// owner wipes. False, with the buffer zeroed, when a length is wrong or authentication fails.
  public static func open(
    _ ciphertext: [UInt8], associatedData: [UInt8], nonce: [UInt8], key: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard key.count == keyByteCount, nonce.count == nonceByteCount,
      ciphertext.count == target.count + tagByteCount
    else { return false }
    let status = crypto_aead_xchacha20poly1305_ietf_decrypt(
      target.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, nil, ciphertext,
      UInt64(ciphertext.count), associatedData, UInt64(associatedData.count), nonce,
      key.octets)
    guard status == 0 else {
      wipe(target)
      return false
    }
    return true
  }
}
