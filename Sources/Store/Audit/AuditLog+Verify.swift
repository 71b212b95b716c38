import GRDB

/// The first thing that is wrong with an audit log.
public struct AuditFault: Sendable, Equatable {
  public enum Kind: String, Sendable {
    /// The entry's content does not have its hash: it was changed.
    case changed
    /// An entry is missing at this position: it was removed.
    case removed
    /// The entry does not name the hash of the one before: it was inserted, moved or rewritten.
    case unlinked
    /// The log ends before the number of entries in its head or in an anchor: its tail was cut off.
    case truncated
    /// There are entries beyond the number in the head: they were added past the store.
    case surplus
    /// The head's hash is not that of the last entry.
    case headChanged = "head-changed"
    /// The hash at an anchor's position is not the anchored one: the log was rewritten.
    case anchorContradicted = "anchor-contradicted"
    /// The signature of an anchor does not hold: the anchor is forged or from another site.
    case anchorForged = "anchor-forged"
    /// The entry cannot be read.
    case unreadable
  }

  public let kind: Kind
  /// Position of the first bad entry, from 1.
  public let sequence: Int64

  public init(_ kind: Kind, at sequence: Int64) {
    self.kind = kind
    self.sequence = sequence
  }
}

/// What a walk over the audit log found.
public struct AuditVerification: Sendable, Equatable {
  /// How many entries are good, counted from the first.
  public var goodEntryCount: Int64
  /// Hash of the last good entry.
  public var goodHash: [UInt8]
  /// How many entries stand behind the last anchor: these could have been cut off unnoticed by
  /// someone who also rewrote the head. Equal to `goodEntryCount` without an anchor.
  public var unanchoredEntryCount: Int64
  /// The first fault; nil when the log is whole.
  public var fault: AuditFault?

  public var isWhole: Bool { fault == nil }
}

extension AuditLog {
  /// Walks the whole chain, compares it with its head and with `anchors`, and names the first bad
  /// entry. Cost: one hash per entry, one entry in memory.
  ///
  /// - Parameters:
  ///   - anchors: from the anchor file, the aggregator or an auditor, in any order.
  ///   - signatureIsValid: checks an anchor's signature over its statement with the site's key.
  public func verify(
    anchors: [AuditAnchor] = [],
    signatureIsValid: @escaping @Sendable (_ statement: [UInt8], _ signature: [UInt8]) -> Bool = {
      _, _ in true
    }
  ) async throws(StoreError) -> AuditVerification {
    try await database.read("verify audit log") { connection in
      var walk = AuditWalk(anchors: anchors)
      for anchor in anchors where !signatureIsValid(anchor.statement, anchor.signature) {
        return walk.verdict(AuditFault(.anchorForged, at: anchor.entryCount))
      }
      let cursor = try Row.fetchCursor(connection, sql: "SELECT * FROM audit ORDER BY sequence")
      while let row = try cursor.next() {
        let entry: AuditEntry
        do { entry = try AuditEntry(row: row) } catch {
          return walk.verdict(AuditFault(.unreadable, at: walk.count + 1))
        }
        if let fault = walk.step(entry) { return walk.verdict(fault) }
      }
      guard let head = try? Head(in: connection) else {
        return walk.verdict(AuditFault(.headChanged, at: walk.count))
      }
      return walk.verdict(walk.finish(headCount: head.count, headHash: head.hash))
    }
  }
}

/// The walk over a chain, one entry at a time.
struct AuditWalk {
  private(set) var count: Int64 = 0
  private var hash = AuditEntry.origin
  private let anchors: [AuditAnchor]
  private var anchoredCount: Int64 = 0

  init(anchors: [AuditAnchor]) {
    self.anchors = anchors
  }

  mutating func step(_ entry: AuditEntry) -> AuditFault? {
    let expected = count + 1
    if entry.sequence > expected { return AuditFault(.removed, at: expected) }
    if entry.sequence < expected { return AuditFault(.unlinked, at: expected) }
    if entry.expectedHash != entry.hash { return AuditFault(.changed, at: expected) }
    if entry.previousHash != hash { return AuditFault(.unlinked, at: expected) }
    count = expected
    hash = entry.hash
    return anchorFault()
  }

  private mutating func anchorFault() -> AuditFault? {
    for anchor in anchors where anchor.entryCount == count {
      guard anchor.hash == hash else { return AuditFault(.anchorContradicted, at: count) }
      anchoredCount = count
    }
    return nil
  }

  func finish(headCount: Int64, headHash: [UInt8]) -> AuditFault? {
    let longest = anchors.map(\.entryCount).max() ?? 0
    if count < max(headCount, longest) { return AuditFault(.truncated, at: count + 1) }
    if count > headCount { return AuditFault(.surplus, at: headCount + 1) }
    if hash != headHash { return AuditFault(.headChanged, at: count) }
    return nil
  }

  func verdict(_ fault: AuditFault?) -> AuditVerification {
    AuditVerification(
      goodEntryCount: count, goodHash: hash, unanchoredEntryCount: count - anchoredCount,
      fault: fault)
  }
}
