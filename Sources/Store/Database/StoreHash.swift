import Cryptography

/// The store's own hashes: BLAKE2b-256, one label per use, so that a value hashed for one purpose
/// can never pass for another.
enum StoreHash {
  case auditEntry
  case auditAnchor
  case transcriptRow
  case ledgerEntry
  case vectorFile
  case journalRecord

  private var label: HashLabel {
    switch self {
    case .auditEntry: "store.audit"
    case .auditAnchor: "store.anchor"
    case .transcriptRow: "store.transcript"
    case .ledgerEntry: "store.ledger"
    case .vectorFile: "store.vector"
    case .journalRecord: "store.journal"
    }
  }

  /// 32 bytes.
  func digest(_ bytes: [UInt8]) -> [UInt8] { Array(Blake2b.hash(label, bytes).bytes) }
}
