import Testing

@testable import Cryptography

/// Published known answers: RFC 8032, RFC 7748, RFC 7693, draft-irtf-cfrg-xchacha-03, SP 800-38A.
@Suite struct KnownAnswerTests {
  struct SignatureCase: Sendable {
    let seed: String
    let publicKey: String
    let message: String
    let signature: String
  }

  static let signatures = [
    SignatureCase(
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message: "",
      signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        + "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    SignatureCase(
      seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      message: "72",
      signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
        + "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    SignatureCase(
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      message: "af82",
      signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
        + "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    SignatureCase(
      seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      message: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836"
        + "ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ec"
        + "fdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
  ]

  @Test("Ed25519, RFC 8032 §7.1", arguments: signatures)
  func ed25519(known: SignatureCase) throws {
    let key = try SigningKey(seed: secret(hex(known.seed)))
    #expect(key.verifyingKey.bytes == hex(known.publicKey))
    let signature = key.signature(for: hex(known.message))
    #expect(signature.bytes == hex(known.signature))
    #expect(key.verifyingKey.isValid(signature, for: hex(known.message)))
    #expect(!key.verifyingKey.isValid(signature, for: hex(known.message) + [0]))
  }

  @Test("Ed25519 refuses S + ℓ, the malleable twin of a signature")
  func malleability() throws {
    let known = Self.signatures[1]
    var bytes = hex(known.signature)
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
    var carry = 0
    for index in 0..<32 {
      let sum = Int(bytes[32 + index]) + Int(order[index]) + carry
      bytes[32 + index] = UInt8(sum & 255)
      carry = sum >> 8
    }
    let key = try VerifyingKey(hex(known.publicKey))
    #expect(!key.isValid(try Signature(bytes), for: hex(known.message)))
  }

  @Test("X25519, RFC 7748 §5.2 and §6.1")
  func x25519() throws {
    func multiply(_ scalar: String, _ point: String) throws -> [UInt8] {
      try KeyAgreementKey(secret: secret(hex(scalar))).sharedSecret(with: hex(point)).revealed()
    }
    #expect(
      try multiply(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
        == hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"))
    #expect(
      try multiply(
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")
        == hex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"))
    let alice = try KeyAgreementKey(
      secret: secret(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")))
    let bob = try KeyAgreementKey(
      secret: secret(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")))
    #expect(
      alice.publicKey == hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
    #expect(
      bob.publicKey == hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
    let shared = try alice.sharedSecret(with: bob.publicKey)
    #expect(
      shared.revealed() == hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"))
    #expect(try shared.isEqual(to: bob.sharedSecret(with: alice.publicKey)))
  }

  @Test("X25519 iterated, RFC 7748 §5.2")
  func x25519Iterated() throws {
    var scalar = [UInt8](repeating: 0, count: 32)
    scalar[0] = 9
    var point = scalar
    for step in 1...1_000 {
      let next = try KeyAgreementKey(secret: secret(scalar)).sharedSecret(with: point).revealed()
      point = scalar
      scalar = next
      if step == 1 {
        #expect(
          scalar == hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"))
      }
    }
    #expect(scalar == hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"))
  }

  @Test(
    "X25519 refuses points of low order",
    arguments: [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ])
  func lowOrder(point: String) throws {
    var entropy = SeededEntropy(seed: 7)
    let key = try KeyAgreementKey(from: &entropy)
    #expect(throws: CryptographyError(.lowOrderPoint)) {
      try key.sharedSecret(with: hex(point))
    }
  }

  private func blake2b(_ message: [UInt8], key: [UInt8] = [], count: Int) -> [UInt8] {
    var hash = secret(key).withUnsafeBytes { Blake2b("", key: $0, outputCount: count) }
    hash.update(message)
    return hash.finishBytes()
  }

  @Test("BLAKE2b, RFC 7693 Appendix A")
  func blake2bABC() {
    #expect(
      blake2b(Array("abc".utf8), count: 64)
        == hex(
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"))
  }

  @Test("BLAKE2b self-test, RFC 7693 Appendix E")
  func blake2bSelfTest() {
    func sequence(_ count: Int, seed: UInt32) -> [UInt8] {
      var first = 0xDEAD_4BAD &* seed
      var second: UInt32 = 1
      return (0..<count).map { _ in
        let sum = first &+ second
        first = second
        second = sum
        return UInt8(truncatingIfNeeded: sum >> 24)
      }
    }
    var combined = Blake2b()
    for count in [20, 32, 48, 64] {
      for length in [0, 3, 128, 129, 255, 1024] {
        let message = sequence(length, seed: UInt32(length))
        combined.update(blake2b(message, count: count))
        combined.update(
          blake2b(message, key: sequence(count, seed: UInt32(count)), count: count))
      }
    }
    #expect(
      combined.finish().hex == "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475")
  }

  @Test("BLAKE2b keyed, personalised, framed: agrees with Python's hashlib")
  func blake2bFramed() {
    var hash = Blake2b("wss1.round", key: secret((0..<32).map { UInt8($0) }))
    hash.part([UInt8]())
    hash.part(Array("abc".utf8))
    hash.part([UInt8](repeating: 0, count: 300))
    #expect(
      hash.finish().hex == "05908806e254bef68c26a15de7fccd037c6b4b3d77933805e0a4715adfc5a708")
  }

  @Test("XChaCha20-Poly1305, draft-irtf-cfrg-xchacha-03 A.3.1")
  func xchacha() throws {
    let text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      + "sunscreen would be it."
    let key = (0x80..<0xa0).map { UInt8($0) }
    let nonce = (0x40..<0x58).map { UInt8($0) }
    let data = hex("50515253c0c1c2c3c4c5c6c7")
    let sealed = try Array(text.utf8).withUnsafeBytes { plaintext in
      try key.withUnsafeBytes { key in
        try XChaCha20Poly1305.seal(plaintext, associatedData: data, nonce: nonce, key: key)
      }
    }
    #expect(
      sealed
        == hex(
          "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f"
            + "4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369"
            + "488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e"
            + "c0875924c1c7987947deafd8780acf49"))
    func open(_ bytes: [UInt8], _ data: [UInt8]) throws -> [UInt8] {
      try key.withUnsafeBytes {
        try XChaCha20Poly1305.open(bytes, associatedData: data, nonce: nonce, key: $0)
      }.revealed()
    }
    #expect(try open(sealed, data) == Array(text.utf8))
    for position in [0, 50, sealed.count - 1] {
      var bad = sealed
      bad[position] ^= 1
      #expect(throws: CryptographyError(.authenticationFailed)) { try open(bad, data) }
    }
    #expect(throws: CryptographyError(.authenticationFailed)) { try open(sealed, data + [0]) }
    #expect(throws: CryptographyError(.wrongLength)) { try open([1, 2, 3], data) }
  }

  @Test("AES-256-CTR, NIST SP 800-38A F.5.5")
  func aesCounterMode() throws {
    let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    let plaintext = hex(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        + "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
    var stream = try secret(key).withUnsafeBytes { (key) throws(CryptographyError) in
      try AESKeystream(key: key, initialCounter: hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"))
    }
    var ciphertext = [UInt8](repeating: 0, count: 64)
    plaintext.withUnsafeBytes { source in
      ciphertext.withUnsafeMutableBytes { stream.encrypt(source, into: $0) }
    }
    #expect(
      ciphertext
        == hex(
          "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
            + "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"))
  }

  @Test("AES-256-CTR from counter 0 agrees with Python's cryptography")
  func keystreamFromZero() throws {
    #expect(
      try keystream((0..<32).map { UInt8($0) }, 64)
        == hex(
          "f29000b62a499fd0a9f39a6add2e7780f05d76ae4ab99fe5a6f69b3148c2363d"
            + "0ebcb5deb52c83bd08a8a935182c9199d24356532881602f809eb383c5ff5d56"))
  }
}
