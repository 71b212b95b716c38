/// Rows that every write of a round looks at, as the writing connection last saw or wrote them, so that
/// they are not read again and again.
///
/// They are what the file holds: whoever uses them does so inside a write transaction, in which nobody
/// else writes, and `StoreDatabase` forgets them when anything was written that did not go through them,
/// here or in another process, and after every transaction that did not end well.
struct KnownRows: Sendable {
  /// `Database.contentVersion` after the last transaction that kept these rows.
  var version: UInt32?
  var auditHead: AuditLog.Head?
  /// Heads of transcripts by study.
  var transcripts: [String: TranscriptTable.Head] = [:]
  /// A site's studies: whether one may be answered, where its journal is, and whose data answer it.
  var standings: [String: SiteStudy.Standing] = [:]
  var journals: [String: JournalTable] = [:]
  var cohorts: [String: [UInt8]] = [:]
  /// An aggregator's studies, and the highest round of each.
  var sumProgress: [String: AggregatorStore.Progress] = [:]
}
