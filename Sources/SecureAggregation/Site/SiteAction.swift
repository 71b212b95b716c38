import Cryptography
import FixedPoint

/// What a session asks its driver to do, in this order.
public enum SiteAction: Sendable {
  /// Write the record durably before carrying out the actions that follow.
  case journal(JournalRecord)
  /// Keep the masked vector beside the journal under its digest, before the following record, so
  /// that a restarted site can send the same bytes again. It may be dropped with the next RoundOpen.
  case keep(vector: RingVector, digest: Digest)
  /// Send a message to the aggregator.
  case send([UInt8])
  /// Send a Masked message and, after it, the vector's bytes as its payload.
  case sendMasked(message: [UInt8], vector: RingVector)
  /// The round is open for this query: compute the answer (`vectorLength − 1` coordinates) and call
  /// `answer`. Nothing that depends on it leaves before the other sites' checks are in.
  case needAnswer(round: UInt64, binding: RoundBinding)
  /// The keys of an epoch are agreed.
  case keyed(epoch: UInt32, members: [UInt16])
  /// The sum of a round is verified and accepted. Keep it before the record that follows: after a
  /// crash between the two the result is offered again, the other way round it would be lost. A
  /// result that is kept already is the same one.
  case completed(RoundOutcome)
  /// A result that this site missed is proven and accepted: the outcome of an earlier round. Keep it
  /// before the record that follows, like `completed`.
  case caughtUp(RoundOutcome)
  /// The round, or the epoch being set up (round 0), is over. `evidence` holds the signed messages
  /// that show the fault, where the fault is somebody else's.
  case aborted(round: UInt64, fault: SecureAggregationError, evidence: [[UInt8]])
  /// The aggregator published a false sum. Nothing more is answered in this study.
  case halted(fault: SecureAggregationError, evidence: [[UInt8]])
}
