import CanonicalBytes
import Cryptography

/// A manifest that every site of its roster has signed: the only form in which a session takes it.
///
/// Guarantees: the signatures are valid, so nobody can add, alter or reorder a member without every
/// site's consent. The caller checks that the text is what its own people approved.
public struct SignedManifest: Sendable, Hashable {
  /// The largest signed manifest, in bytes.
  public static let byteLimit = 1 << 20

  public let manifest: Manifest
  /// In roster order.
  public let signatures: [Signature]
  /// H_M: binds every message, key and hash to this study.
  public let digest: Digest

  /// Throws `manifestUnsigned`, naming the sites whose signature is missing or wrong.
  public init(
    _ manifest: Manifest, signatures: [Signature]
  ) throws(SecureAggregationError) {
    let statement = manifest.digest.bytes
    var unsigned: [UInt16] = []
    for (position, member) in manifest.roster.enumerated()
    where position >= signatures.count
      || !member.key.isValid(signatures[position], for: statement)
    {
      unsigned.append(UInt16(position + 1))
    }
    guard unsigned.isEmpty, signatures.count == manifest.siteCount else {
      throw SecureAggregationError(.manifestUnsigned, naming: unsigned)
    }
    self.manifest = manifest
    self.signatures = signatures
    digest = Blake2b.hash(
      Labels.manifestDigest, manifest.bytes, signatures.flatMap { $0.bytes })
  }

  /// A site's signature on a manifest.
  public static func signature(on manifest: Manifest, by key: SigningKey) -> Signature {
    key.signature(for: manifest.digest.bytes)
  }

  /// Canonical bytes: the body as a blob, then the signatures.
  public var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.blob(manifest.bytes)
    writer.array(signatures) { $0.raw($1.bytes) }
    return writer.bytes
  }

  /// Decodes, validates and checks all signatures.
  public init(_ bytes: [UInt8]) throws(SecureAggregationError) {
    guard bytes.count <= Self.byteLimit else { throw SecureAggregationError(.tooLong) }
    let body: [UInt8]
    let signatures: [Signature]
    do throws(DecodingFault) {
      var reader = ByteReader(bytes)
      body = try reader.blob()
      signatures = try reader.array(minimumBytes: Signature.byteCount) {
        reader throws(DecodingFault) in try reader.signature()
      }
      try reader.finish()
    } catch {
      throw SecureAggregationError(error, naming: [])
    }
    try self.init(Manifest(body), signatures: signatures)
  }

  /// The key of a site, or of the aggregator for 0; nil for an index beyond the roster.
  func key(of index: UInt16) -> VerifyingKey? {
    if index == 0 { return manifest.aggregatorKey }
    let position = Int(index) - 1
    return position < manifest.roster.count ? manifest.roster[position].key : nil
  }

  /// R_0: the digest that stands before the first result.
  public var genesis: Digest { Blake2b.hash(Labels.genesis, digest.bytes) }
}
