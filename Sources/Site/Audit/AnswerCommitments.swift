import CanonicalBytes
import Cohort
import Cryptography
import SecureAggregation
import Store
import Study

/// Commit and audit (PRIVACY-CORE §2.8): before an answer leaves, the site signs a commitment to it
/// and to the data it was computed from; later an auditor has the answer computed again.
extension SiteRun {
  /// The signed commitment to an answer that is about to leave.
  func commit(
    to values: [Int64], of query: SumQuery, digest: Digest
  ) throws -> AnswerCommitment {
    let nonce = try entropy.bytes(32)
    let commitment = AnswerCommitment.digest(
      study: plan.id, query: digest, fingerprint: fingerprint.bytes, nonce: nonce, values: values)
    return AnswerCommitment(
      study: plan.id, query: digest.bytes, kind: query.kind.rawValue, index: UInt32(position),
      fingerprint: fingerprint.bytes, nonce: nonce, digest: commitment.bytes,
      signature: setup.signingKey.signature(for: commitment.bytes).bytes)
  }
}

extension AnswerCommitment {
  /// H("wardround.commit"; ; study, query, data fingerprint, nonce, x), x as little-endian 64-bit
  /// integers.
  static func digest(
    study: String, query: Digest, fingerprint: [UInt8], nonce: [UInt8], values: [Int64]
  ) -> Digest {
    var hash = Blake2b("wardround.commit")
    for part in [Array(study.utf8), query.bytes, fingerprint, nonce] { hash.part(part) }
    #if _endian(little)
      values.withUnsafeBytes { hash.part($0) }
    #else
      values.map(\.littleEndian).withUnsafeBytes { hash.part($0) }
    #endif
    return hash.finish()
  }
}

extension CohortTable {
  /// A digest of everything that answers depend on: values, outcomes, the holdout and whose rows they
  /// are. Two tables with the same gaps have the same one.
  var fingerprint: Digest {
    var hash = Blake2b("wardround.data")
    var writer = ByteWriter()
    writer.array(features) { $0.string($1.name) }
    writer.integer(UInt64(rowCount))
    hash.part(writer.bytes)
    for column in columns {
      var writer = ByteWriter(reservingCapacity: 8 * rowCount + 1)
      switch column {
      case .number(let values), .flag(let values):
        writer.integer(UInt8(0))
        for value in values { writer.double(value.isNaN ? .nan : value) }
      case .category(let codes, let levels):
        writer.integer(UInt8(1))
        for code in codes { writer.integer(code) }
        writer.array(levels) { $0.string($1) }
      }
      hash.part(writer.bytes)
    }
    hash.part(outcome)
    hash.part(isHoldout.map { $0 ? 1 : 0 })
    var owners = ByteWriter(reservingCapacity: 4 * patients.count)
    for patient in patients { owners.integer(patient) }
    hash.part(owners.bytes)
    return hash.finish()
  }
}
