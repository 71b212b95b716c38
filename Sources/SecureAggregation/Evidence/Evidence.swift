import CanonicalBytes
import Cryptography

/// A signed message as somebody kept it, with its payload where that is needed.
public struct Exhibit: Sendable, Hashable {
  /// The whole message with its signature.
  public let message: [UInt8]
  /// The vector that came with it; empty when there was none or it is not kept.
  public let payload: [UInt8]

  public init(message: [UInt8], payload: [UInt8] = []) {
    self.message = message
    self.payload = payload
  }
}

/// A keeper's statement that the tag of a round was computed under this seed. It is made only by a
/// site that has halted: whoever controls the aggregator could otherwise forge the round's tag.
public struct TagSeedStatement: Sendable, Hashable {
  /// T_r.
  public let transcript: Digest
  /// U1.
  public let shareMembers: [UInt16]
  /// The 32 bytes of alphaSeed (protocol/README.md §5).
  public let seed: [UInt8]
}

/// What one party kept when a fault stopped a round: signed messages, unchanged, and the manifest
/// with the keys to check them (protocol/README.md §21).
///
/// It claims nothing that a reader would have to believe: `EvidenceReview` looks only at signatures
/// of others, except for the tag's seed, which is the keeper's own word. It holds no patient's value;
/// a masked vector in it stays masked.
public struct Evidence: Sendable, Hashable {
  static let magic: [UInt8] = [0x57, 0x45, 0x56, 0x44]
  static let version: UInt16 = 1
  /// The largest piece of evidence, in bytes.
  public static let byteLimit = 256 << 20

  /// Who kept it; 0 is the aggregator.
  public let keeper: UInt16
  /// What stopped the round, in the keeper's words: a code of §11, and whom it named.
  public let code: UInt16
  public let named: [UInt16]
  public let manifest: SignedManifest
  public let exhibits: [Exhibit]
  public let tagSeeds: [TagSeedStatement]
  /// The keeper's, over everything above.
  public let signature: Signature

  /// Puts evidence together and signs it as its keeper.
  init(
    keeper: UInt16, fault: SecureAggregationError, manifest: SignedManifest,
    exhibits: [Exhibit], tagSeeds: [TagSeedStatement], key: SigningKey
  ) {
    self.keeper = keeper
    code = fault.code.rawValue
    named = fault.named
    self.manifest = manifest
    self.exhibits = exhibits
    self.tagSeeds = tagSeeds
    let content = Self.content(
      keeper: keeper, code: code, named: named, manifest: manifest, exhibits: exhibits,
      tagSeeds: tagSeeds)
    signature = key.signature(for: Blake2b.hash(Labels.evidence, content).bytes)
  }

  /// The canonical bytes.
  public var bytes: [UInt8] {
    Self.content(
      keeper: keeper, code: code, named: named, manifest: manifest, exhibits: exhibits,
      tagSeeds: tagSeeds) + signature.bytes
  }

  /// Reads evidence and checks the manifest's signatures and the keeper's.
  ///
  /// Throws a decoding fault, `wrongSuite` for another version, what `SignedManifest` throws, or
  /// `signatureInvalid` naming the keeper.
  public init(_ bytes: [UInt8]) throws(SecureAggregationError) {
    guard bytes.count <= Self.byteLimit else { throw SecureAggregationError(.tooLong) }
    let manifestBytes: [UInt8]
    do throws(DecodingFault) {
      var reader = ByteReader(bytes)
      guard try reader.raw(4) == Self.magic else { throw DecodingFault(.notCanonical, at: 0) }
      guard try reader.integer(UInt16.self) == Self.version else {
        throw DecodingFault(.notCanonical, at: 4)
      }
      keeper = try reader.integer()
      code = try reader.integer()
      named = try reader.siteSet()
      manifestBytes = try reader.blob(limit: SignedManifest.byteLimit)
      exhibits = try reader.array(minimumBytes: 8) { reader throws(DecodingFault) in
        Exhibit(
          message: try reader.blob(limit: Envelope.byteLimit), payload: try reader.blob())
      }
      tagSeeds = try reader.array(minimumBytes: 68) { reader throws(DecodingFault) in
        TagSeedStatement(
          transcript: try reader.digest(), shareMembers: try reader.siteSet(),
          seed: try reader.raw(32))
      }
      signature = try reader.signature()
      try reader.finish()
    } catch {
      throw SecureAggregationError(error, naming: [])
    }
    manifest = try SignedManifest(manifestBytes)
    let content = Array(bytes.dropLast(Signature.byteCount))
    guard let key = manifest.key(of: keeper),
      key.isValid(signature, for: Blake2b.hash(Labels.evidence, content).bytes)
    else { throw SecureAggregationError(.signatureInvalid, naming: [keeper]) }
  }

  private static func content(
    keeper: UInt16, code: UInt16, named: [UInt16], manifest: SignedManifest,
    exhibits: [Exhibit], tagSeeds: [TagSeedStatement]
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.raw(magic)
    writer.integer(version)
    writer.integer(keeper)
    writer.integer(code)
    writer.siteSet(named)
    writer.blob(manifest.bytes)
    writer.array(exhibits) {
      $0.blob($1.message)
      $0.blob($1.payload)
    }
    writer.array(tagSeeds) {
      $0.digest($1.transcript)
      $0.siteSet($1.shareMembers)
      $0.raw($1.seed)
    }
    return writer.bytes
  }
}

/// Several pieces of evidence in one file.
public struct EvidenceFile: Sendable, Hashable {
  static let magic: [UInt8] = [0x57, 0x45, 0x56, 0x46]

  public let pieces: [Evidence]

  public init(_ pieces: [Evidence]) {
    self.pieces = pieces
  }

  /// The canonical bytes: magic, version, the pieces.
  public var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.raw(Self.magic)
    writer.integer(Evidence.version)
    writer.array(pieces) { $0.blob($1.bytes) }
    return writer.bytes
  }

  /// Reads a file; every piece is checked as `Evidence` says.
  public init(_ bytes: [UInt8]) throws(SecureAggregationError) {
    let blobs: [[UInt8]]
    do throws(DecodingFault) {
      var reader = ByteReader(bytes)
      guard try reader.raw(4) == Self.magic else { throw DecodingFault(.notCanonical, at: 0) }
      guard try reader.integer(UInt16.self) == Evidence.version else {
        throw DecodingFault(.notCanonical, at: 4)
      }
      blobs = try reader.array(minimumBytes: 4) { reader throws(DecodingFault) in
        try reader.blob(limit: Evidence.byteLimit)
      }
      try reader.finish()
    } catch {
      throw SecureAggregationError(error, naming: [])
    }
    var pieces: [Evidence] = []
    for blob in blobs { pieces.append(try Evidence(blob)) }
    self.pieces = pieces
  }
}
