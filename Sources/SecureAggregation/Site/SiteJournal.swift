import CanonicalBytes
import Cryptography
import FixedPoint

/// What a site has on disk: its records in the order they were written, and the masked vectors that
/// were kept beside them.
public struct SiteJournal: Sendable {
  public var records: [JournalRecord]
  /// By their digest.
  public var vectors: [Digest: RingVector]

  public init(records: [JournalRecord] = [], vectors: [Digest: RingVector] = [:]) {
    self.records = records
    self.vectors = vectors
  }
}

/// What is left of a round once its vector is out: enough to check a Result, however late it comes.
struct PendingRound: Sendable {
  let epoch: UInt32
  let round: UInt64
  /// T_r.
  let transcript: Digest
  let binding: RoundBinding
  /// U1.
  let shareMembers: [UInt16]
  let alphaSeed: SecretBytes
  /// What this site acknowledged, if it did.
  var statement: Digest?
  /// Signatures on that statement that are known to be valid.
  var acknowledgements: [SignatureEntry] = []
}

/// A set of sites for which this site opened a query.
struct ReleasedSet: Sendable, Hashable {
  let queryDigest: Digest
  /// U2.
  let members: [UInt16]
}

/// The part of a session that survives a restart.
struct SiteMemory: Sendable {
  /// The highest epoch seen.
  var epoch: UInt32
  /// The highest round opened.
  var lastRound: UInt64 = 0
  /// The last accepted result and its digest; 0 and R_0 before the first.
  var acceptedRound: UInt64 = 0
  var acceptedDigest: Digest
  /// Every set for which a query was opened: the differencing rule counts them for ever.
  var released: [ReleasedSet] = []
  var pending: PendingRound?
  /// Replies to messages of the round, by the message's digest.
  var replies: [Digest: [SiteAction]] = [:]
  var isHalted = false
  /// The round that a restart interrupted before its vector was out.
  var interruptedRound: UInt64?

  /// Replays the records. Throws when a stored message or body does not decode.
  init(manifest: SignedManifest, journal: SiteJournal) throws(SecureAggregationError) {
    epoch = manifest.manifest.firstEpoch - 1
    acceptedDigest = manifest.genesis
    var opened: (epoch: UInt32, body: RoundOpen)?
    var shareMembers: [UInt16] = []
    for record in journal.records {
      if case .epoch(let number, _) = record.content {
        epoch = max(epoch, number)
        continue
      }
      lastRound = max(lastRound, record.round)
      interruptedRound = nil
      switch record.content {
      case .epoch: break
      case .opened(_, let epoch, _, let body):
        opened = (epoch, try RoundOpen(body, from: 0))
        pending = nil
        replies = [:]
        interruptedRound = record.round
      case .shared:
        interruptedRound = record.round
      case .locked(let members):
        shareMembers = members
        interruptedRound = record.round
      case .committed(let transcript, _, let alphaSeed, let request, let message):
        guard let opened else { throw SecureAggregationError(.notCanonical) }
        pending = PendingRound(
          epoch: opened.epoch, round: record.round, transcript: transcript,
          binding: opened.body.binding, shareMembers: shareMembers, alphaSeed: alphaSeed)
        let envelope = try Envelope(parsing: message, naming: [])
        let masked = try Masked(envelope.body, from: 0)
        if let vector = journal.vectors[masked.vectorDigest] {
          replies[request] = [.sendMasked(message: message, vector: vector)]
        }
      case .acknowledged(let statement, _, let request, let message):
        pending?.statement = statement
        replies[request] = [.send(message)]
      case .released(_, let queryDigest, let members, let request, let message):
        released.append(ReleasedSet(queryDigest: queryDigest, members: members))
        replies[request] = [.send(message)]
      case .done(let digest):
        acceptedRound = record.round
        acceptedDigest = digest
        if let pending, pending.round <= record.round {
          self.pending = nil
          replies = [:]
        }
      case .aborted(let code, let named):
        // Only this site's own verdict names the aggregator; its Abort of a round names nobody.
        isHalted = isHalted || (code == FaultCode.sumRejected.rawValue && named == [0])
      }
    }
  }
}
