import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

@Suite struct PrimitiveVectorTests {
  @Test(arguments: VectorFile.all(ofKind: "primitives"))
  func primitives(file: VectorFile) throws {
    for (number, step) in file.steps.enumerated() {
      let place = Comment(rawValue: "\(file.name) step \(number): \(step["op"].text)")
      let expected = step["expect"]
      switch step["op"].text {
      case "hash": checkHash(step, place)
      case "set":
        #expect(RoundDigests.set(step["members"].sites).bytes == expected["digest"].bytes, place)
      case "keystream":
        let bytes = try keystream(step["key"].bytes, step["count"].integer)
        #expect(bytes == expected["bytes"].bytes, place)
      case "words": try checkWords(step, place)
      case "seal": try checkSeal(step, place)
      case "unseal": checkUnseal(step, place)
      case "x25519": try checkAgreement(step, place)
      case "ed25519":
        let key = try SigningKey(seed: secret(step["seed"].bytes))
        #expect(key.verifyingKey.bytes == expected["public"].bytes, place)
        let signature = key.signature(for: step["message"].bytes)
        #expect(signature.bytes == expected["signature"].bytes, place)
      case "verify":
        let key = try VerifyingKey(step["public"].bytes)
        let signature = try Signature(step["signature"].bytes)
        let isValid = key.isValid(signature, for: step["message"].bytes)
        #expect(isValid == (expected["verdict"].text == "ok"), place)
      case "scalar":
        var entropy = RecordedEntropy(step["draw"].bytes)
        let scalar = try Shamir.randomScalar(from: &entropy)
        #expect(scalar.revealed() == expected["scalar"].bytes, place)
      case "tag": try checkTag(step, place)
      case "tagMask":
        let value = step["key"].bytes.withUnsafeBytes { SumTag.mask(key: $0) }
        #expect(value == expected["value"].unsigned, place)
      case "deal": try checkDeal(step, place)
      case "recover": try checkRecovery(step, place)
      default: Issue.record("no check for \(place)")
      }
    }
  }

  private func checkHash(_ step: JSON, _ place: Comment) {
    // Labels are constants in the code; here the text of one picks it.
    let labels: [String: HashLabel] = [
      "wss1.manifest": Labels.manifest, "wss1.hm": Labels.manifestDigest,
      "wss1.sig": Labels.signature, "wss1.attest": Labels.attestation,
      "wss1.genesis": Labels.genesis, "wss1.offers": Labels.offers, "wss1.vector": Labels.vector,
      "wss1.message": Labels.message, "wss1.set": Labels.set, "wss1.round": Labels.round,
      "wss1.list": Labels.list, "wss1.ack": Labels.acknowledgement, "wss1.result": Labels.result,
      "wss1.prefetch": Labels.prefetch, "wss1.prk": Labels.pairRoot, "wss1.next": Labels.next,
      "wss1.chan": Labels.channel, "wss1.mask": Labels.mask, "wss1.seed": Labels.seed,
      "wss1.check": Labels.check, "wss1.pair": Labels.pair, "wss1.self": Labels.selfMask,
      "wss1.recovery": Labels.recovery, "wss1.cb": Labels.selfCommitment,
      "wss1.ck": Labels.maskCommitment, "wss1.alpha": Labels.alpha,
      "wss1.tagmask": Labels.tagMask, "sixteen.letters.": "sixteen.letters.",
    ]
    guard let label = labels[step["label"].text] else {
      Issue.record("unknown label \(step["label"].text) at \(place)")
      return
    }
    var hash = Blake2b(label, key: secret(step["key"].bytes))
    for part in step["parts"].array { hash.part(part.bytes) }
    #expect(hash.finish().bytes == step["expect"]["digest"].bytes, place)
  }

  private func checkWords(_ step: JSON, _ place: Comment) throws {
    let width = RingWidth(rawValue: UInt8(clamping: step["width"].integer)) ?? .bits32
    var masks = MaskSet()
    try masks.add(key: secret(step["key"].bytes))
    let vector = RingVector(zeros: step["count"].integer, width: width).masked(by: masks)
    #expect(vector.bytes == step["expect"]["bytes"].bytes, place)
    let words =
      switch vector {
      case .bits32(let words): words.map { UInt64($0) }
      case .bits64(let words): words
      }
    #expect(words == step["expect"]["words"].array.map(\.unsigned), place)
  }

  private func checkSeal(_ step: JSON, _ place: Comment) throws {
    let nonce = step["nonce"].bytes
    let sealed = try step["plaintext"].bytes.withUnsafeBytes { plaintext in
      try step["key"].bytes.withUnsafeBytes { key in
        try XChaCha20Poly1305.seal(
          plaintext, associatedData: step["aad"].bytes, nonce: nonce, key: key)
      }
    }
    #expect(nonce + sealed == step["expect"]["box"].bytes, place)
  }

  private func checkUnseal(_ step: JSON, _ place: Comment) {
    let box = step["box"].bytes
    let opened = try? step["key"].bytes.withUnsafeBytes { key in
      try XChaCha20Poly1305.open(
        Array(box.dropFirst(24)), associatedData: step["aad"].bytes, nonce: Array(box.prefix(24)),
        key: key)
    }
    if step["expect"]["verdict"].text == "ok" {
      #expect(opened?.revealed() == step["expect"]["plaintext"].bytes, place)
    } else {
      #expect(opened == nil, place)
    }
  }

  private func checkAgreement(_ step: JSON, _ place: Comment) throws {
    let key = try KeyAgreementKey(secret: secret(step["secret"].bytes))
    if step["expect"]["verdict"].text == "ok" {
      #expect(key.publicKey == step["expect"]["public"].bytes, place)
      let shared = try key.sharedSecret(with: step["peer"].bytes)
      #expect(shared.revealed() == step["expect"]["shared"].bytes, place)
    } else {
      #expect(throws: CryptographyError(.lowOrderPoint), place) {
        try key.sharedSecret(with: step["peer"].bytes)
      }
    }
  }

  private func checkTag(_ step: JSON, _ place: Comment) throws {
    let width = RingWidth(rawValue: UInt8(clamping: step["width"].integer)) ?? .bits32
    let values = step["values"].array.map { Int64($0.integer) }
    let vector = try #require(RingVector(signed: values, width: width), place)
    #expect(vector.bytes == step["vector"].bytes, place)
    let seed = step["seed"].bytes
    let tag = try SumTag.tag(of: vector, alphaSeed: secret(seed))
    #expect(tag == step["expect"]["tag"].unsigned, place)
    let stream = try keystream(seed, 8 * values.count)
    let alphas = (0..<values.count).map { index in
      SumTag.reduce((0..<8).reduce(0) { $0 | UInt64(stream[8 * index + $1]) << UInt64(8 * $1) })
    }
    #expect(alphas == step["expect"]["alphas"].array.map(\.unsigned), place)
  }

  private func checkDeal(_ step: JSON, _ place: Comment) throws {
    // A reduced coefficient, padded to the 64 bytes of a draw, reduces to itself.
    let coefficients = step["coefficients"].array.map(\.bytes)
    var entropy = RecordedEntropy(
      coefficients.flatMap { $0 + [UInt8](repeating: 0, count: 32) })
    let points = step["indices"].sites
    let table = try Shamir.deal(
      secret(step["secret"].bytes), threshold: coefficients.count + 1, points: points,
      from: &entropy)
    for (position, point) in points.enumerated() {
      let share = table.slot(position) { Array($0) }
      #expect(share == step["expect"]["shares"]["\(point)"].bytes, place)
    }
  }

  private func checkRecovery(_ step: JSON, _ place: Comment) throws {
    let shares = try step["shares"].object
      .map { name, value in
        Shamir.Share(point: UInt16(name) ?? 0, value: try Scalar(value.bytes))
      }
      .sorted { $0.point < $1.point }
    let label =
      step["commitmentLabel"].text == "wss1.cb" ? Labels.selfCommitment : Labels.maskCommitment
    var reconstruction = Reconstruction(threshold: step["threshold"].integer)
    let commitment = try Digest(step["commitment"].bytes)
    do {
      let secret = try reconstruction.secret(
        of: 1, from: shares, commitment: commitment, label: label, missing: [])
      #expect(step["expect"]["verdict"].text == "ok", place)
      #expect(secret.bytes == step["expect"]["secret"].bytes, place)
      #expect(reconstruction.wrongSigners.sorted() == step["expect"]["wrong"].sites, place)
    } catch {
      #expect(step["expect"]["fault"].text == error.code.name, place)
    }
  }

  @Test(arguments: VectorFile.all(ofKind: "fixed-point"))
  func fixedPoint(file: VectorFile) throws {
    for (number, step) in file.steps.enumerated() {
      let place = Comment(rawValue: "\(file.name) step \(number): \(step["note"].text)")
      let expected = step["expect"]
      let width = RingWidth(rawValue: UInt8(clamping: step["width"].integer)) ?? .bits64
      switch step["op"].text {
      case "scale":
        let encoding = try? FixedPointEncoding(
          width: width, largestMagnitude: step["bound"].double, siteCount: step["sites"].integer,
          noiseDeviation: step["deviation"].double)
        if expected["verdict"].text == "ok" {
          #expect(encoding?.fractionBits == expected["exponent"].integer, place)
          #expect(encoding?.bound == Int64(expected["boundUnits"].integer), place)
        } else {
          #expect(encoding == nil, place)
        }
      case "encode":
        let exponent = step["exponent"].integer
        let bound = step["bound"].double * Double(sign: .plus, exponent: exponent, significand: 1)
        let encoding = try FixedPointEncoding(
          width: width, fractionBits: exponent, bound: Int64(bound.rounded(.toNearestOrEven)),
          siteCount: 1)
        guard expected["verdict"].text == "ok" else {
          #expect(throws: FixedPointError(.notFinite), place) {
            try encoding.encodeNearest([step["x"].double])
          }
          continue
        }
        let encoded = try encoding.encodeNearest([step["x"].double])
        #expect(encoded.values == [Int64(expected["units"].integer)], place)
        let vector = try encoding.ringVector(encoded.values)
        #expect(vector.bytes == expected["ring"].bytes, place)
        #expect(
          encoding.decode(vector).map(\.bitPattern) == [expected["decoded"].double.bitPattern],
          place)
      case "decode":
        let encoding = try FixedPointEncoding(
          width: .bits64, fractionBits: step["exponent"].integer, bound: 1, siteCount: 1)
        let total = RingVector.bits64([UInt64(bitPattern: Int64(step["total"].integer))])
        #expect(encoding.decode(total) == [expected["x"].double], place)
      default: Issue.record("no check for \(place)")
      }
    }
  }

  @Test(arguments: VectorFile.all(ofKind: "manifest"))
  func manifests(file: VectorFile) throws {
    for (number, step) in file.steps.enumerated() {
      let place = Comment(rawValue: "\(file.name) step \(number): \(step["note"].text)")
      let expected = step["expect"]
      switch step["op"].text {
      case "signManifest":
        let manifest = try Manifest(step["body"].bytes)
        #expect(manifest.bytes == step["body"].bytes, place)
        #expect(manifest.digest.bytes == expected["digest"].bytes, place)
        let signatures = try manifest.everyone.map { index in
          let seed = step["identitySeeds"]["\(index)"].bytes
          return SignedManifest.signature(
            on: manifest, by: try SigningKey(seed: secret(seed)))
        }
        #expect(signatures.map(\.bytes) == expected["signatures"].array.map(\.bytes), place)
        let signed = try SignedManifest(manifest, signatures: signatures)
        #expect(signed.bytes == expected["signed"].bytes, place)
      case "openManifest":
        do {
          let signed = try SignedManifest(step["signed"].bytes)
          #expect(expected["verdict"].text == "ok", place)
          #expect(signed.bytes == step["signed"].bytes, place)
          #expect(signed.digest.bytes == expected["manifestDigest"].bytes, place)
          #expect(signed.genesis.bytes == expected["genesis"].bytes, place)
          #expect(signed.manifest.quorum == expected["quorum"].integer, place)
          #expect(signed.manifest.threshold == expected["threshold"].integer, place)
        } catch {
          #expect(error.code.name == expected["fault"].text, place)
          #expect(error.named == expected["named"].sites, place)
        }
      default: Issue.record("no check for \(place)")
      }
    }
  }
}

func secret(_ bytes: [UInt8]) -> SecretBytes {
  bytes.withUnsafeBytes { SecretBytes(copying: $0) }
}

func keystream(_ key: [UInt8], _ count: Int) throws -> [UInt8] {
  var stream = try secret(key).withUnsafeBytes { (key) throws(CryptographyError) in
    try AESKeystream(key: key)
  }
  var bytes = [UInt8](repeating: 0, count: count)
  bytes.withUnsafeMutableBytes { stream.next(into: $0) }
  return bytes
}
