import Cryptography
import FixedPoint

/// What an aggregator session asks its driver to do, in this order.
public enum AggregatorAction: Sendable {
  /// Write the record durably before carrying out the actions that follow.
  case journal(AggregatorRecord)
  /// Send one message to each of the sites.
  case send(to: [UInt16], message: [UInt8])
  /// Send a Result message to each of the sites and, after it, the sum's bytes as its payload.
  case sendResult(to: [UInt16], message: [UInt8], sum: RingVector)
  /// Send a message about earlier rounds (CatchUp, or the last Result once more) and, as its payload,
  /// the stored sums of these rounds, with their constant coordinate, one after the other.
  case sendCatchUp(to: UInt16, message: [UInt8], rounds: [UInt64])
  /// The keys of an epoch are agreed.
  case keyed(epoch: UInt32, members: [UInt16])
  /// The attempt at an epoch is over; another one takes a higher number and, where sites are named,
  /// the members left.
  case epochFailed(SecureAggregationError)
  /// A site is out of this round, and of the next ones until a new epoch.
  case dropped(site: UInt16, fault: SecureAggregationError)
  /// A site gave a wrong secret or share; the round goes on without it.
  case blamed(site: UInt16, fault: SecureAggregationError)
  /// A site's own verdict on the round, from its Abort.
  case accused(by: UInt16, fault: SecureAggregationError, evidence: [UInt8])
  /// The sum is open and published.
  case completed(RoundOutcome)
  /// The round is burned at this stage. The same query may be asked again under the next number.
  case failed(round: UInt64, stage: AggregatorState, fault: SecureAggregationError)
}

/// What the aggregator writes down, durably, before it sends what the record authorises (§12).
public enum AggregatorRecord: Sendable {
  case epoch(epoch: UInt32, baseRound: UInt64, message: [UInt8])
  case opened(round: UInt64, epoch: UInt32, body: [UInt8])
  /// U1.
  case locked(round: UInt64, members: [UInt16])
  /// U2 and what it was asked to acknowledge.
  case stated(round: UInt64, members: [UInt16], statement: Digest)
  /// The transcript's next entry; the sum, with its constant coordinate, is stored with it.
  case published(TranscriptEntry, sum: RingVector)
}

/// What a restarted aggregator has on disk.
public struct AggregatorJournal: Sendable {
  /// The highest epoch opened; nil before the first.
  public var epoch: UInt32?
  /// The highest round opened; 0 before the first.
  public var highestRound: UInt64
  /// The transcript, without the sums.
  public var entries: [TranscriptEntry]
  /// Attestations of the last entry, by site (`AggregatorSession.attestations`). They may be missing:
  /// the KeyOffers of the next epoch bring them again.
  public var attestations: [UInt16: Signature]

  public init(
    epoch: UInt32? = nil, highestRound: UInt64 = 0, entries: [TranscriptEntry] = [],
    attestations: [UInt16: Signature] = [:]
  ) {
    self.epoch = epoch
    self.highestRound = highestRound
    self.entries = entries
    self.attestations = attestations
  }

  /// Adds what a record says.
  public mutating func apply(_ record: AggregatorRecord) {
    switch record {
    case .epoch(let number, _, _): epoch = max(epoch ?? number, number)
    case .opened(let round, _, _): highestRound = max(highestRound, round)
    case .locked, .stated: break
    case .published(let entry, _):
      entries.append(entry)
      attestations = [:]
    }
  }
}
