import CanonicalBytes
import Cryptography

/// How far a site's privacy ledger reached, in the site's own words. The site leaves it with the
/// aggregator, which gives it back at every connection: a site whose folder was restored from a backup
/// is reminded of charges that it has forgotten. It says how many charges there were, not which.
public struct SignedLedgerHead: Sendable, Hashable {
  /// Number of the last entry, from 1.
  public let sequence: UInt64
  /// Digest of that entry behind all before it.
  public let digest: Digest
  /// Ed25519 by the site; 64 bytes.
  public let signature: [UInt8]

  public init(site: String, sequence: UInt64, digest: Digest, key: SigningKey) {
    self.sequence = sequence
    self.digest = digest
    signature =
      key.signature(for: Self.statement(site: site, sequence: sequence, digest: digest)).bytes
  }

  /// Takes over what was kept elsewhere; ask `isSigned` before believing it.
  public init(sequence: UInt64, digest: Digest, signature: [UInt8]) {
    self.sequence = sequence
    self.digest = digest
    self.signature = signature
  }

  /// Whether the site itself said so.
  public func isSigned(by key: VerifyingKey, site: String) -> Bool {
    guard let signature = try? Signature(signature) else { return false }
    return key.isValid(
      signature, for: Self.statement(site: site, sequence: sequence, digest: digest))
  }

  /// H("wardround.lhead"; ; UTF-8 of the site's name, le64 sequence, digest).
  private static func statement(site: String, sequence: UInt64, digest: Digest) -> [UInt8] {
    var writer = ByteWriter()
    writer.integer(sequence)
    return Blake2b.hash("wardround.lhead", Array(site.utf8), writer.bytes, digest.bytes).bytes
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(sequence)
    writer.raw(digest.bytes)
    writer.raw(signature)
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    sequence = try reader.integer(UInt64.self)
    digest = try Digest(from: &reader)
    signature = try reader.raw(64)
  }
}
