import Cryptography

/// The check of acknowledgements that both a site and an auditor make.
enum Quorum {
  /// Throws `ackInvalid`, naming those whose signature is wrong or who are no members of U2, or
  /// `quorumMissing` when fewer than t are left.
  ///
  /// - Parameter known: signatures on this very statement that were checked, or made, before; they
  ///   are not checked again.
  static func check(
    _ acknowledgements: [SignatureEntry], of members: [UInt16], statement: Digest,
    manifest: SignedManifest, known: [SignatureEntry] = []
  ) throws(SecureAggregationError) {
    let wrong = acknowledgements.filter { entry in
      guard members.contains(entry.index), entry.index != 0,
        let key = manifest.key(of: entry.index)
      else { return true }
      return !known.contains(entry) && !key.isValid(entry.signature, for: statement.bytes)
    }
    guard wrong.isEmpty else {
      throw SecureAggregationError(.ackInvalid, naming: wrong.map(\.index))
    }
    guard acknowledgements.count >= manifest.manifest.threshold else {
      throw SecureAggregationError(.quorumMissing, naming: [0])
    }
  }
}
