import Cryptography

/// The keyed hash by which trees know a patient: it decides how derivatives are rounded and which
/// patients a tree is grown on, the same wherever the patient's rows are.
///
/// First 8 bytes, little-endian, of BLAKE2b-256 (key: that of the holdout rule where it has one,
/// personalised `wr-patient`) over the length-framed identifier, or over the row's content for data
/// without a patient column. Reveals nothing by itself: it never leaves the site.
struct PatientKey: Sendable {
  private let key: SecretBytes

  init(_ specification: CohortSpecification) {
    var hash = Blake2b("wr-patient-key")
    if case .hash(_, let key) = specification.holdout { hash.part(Array(key.utf8)) }
    key = hash.finishSecret()
  }

  /// The patient's hash.
  func hash(_ parts: [String]) -> UInt64 {
    var hash = Blake2b("wr-patient", key: key)
    for part in parts {
      var text = part
      text.withUTF8 { hash.part(UnsafeRawBufferPointer($0)) }
    }
    return hash.finish().bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
