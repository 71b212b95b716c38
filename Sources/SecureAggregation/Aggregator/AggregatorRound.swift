import Cryptography

/// The round in progress at the aggregator, without the sum itself (`AggregatorSession.accumulator`):
/// a few hundred bytes for each pair of sites.
struct AggregatorRound: Sendable {
  /// The shares that a site sent, for this round or in advance.
  struct Deal: Sendable {
    let selfCommitment: Digest
    let maskCommitment: Digest
    /// By recipient: the parcel, and the check in normal mode.
    let parcels: [UInt16: (parcel: [UInt8], check: [UInt8]?)]
    let recovery: [UInt8]
  }

  let number: UInt64
  let open: RoundOpen
  let openBody: [UInt8]
  /// T_r.
  let transcript: Digest
  /// T_r, or P_r in fast mode.
  let associatedData: Digest
  var deals: [UInt16: Deal] = [:]
  /// U1 and U2, once they are fixed.
  var shareMembers: [UInt16] = []
  var members: [UInt16] = []
  var masked: [UInt16: Masked] = [:]
  var acknowledgements: [UInt16: Signature] = [:]
  var statement: Digest = .zero
  var listDigest: Digest = .zero
  var unmasks: [UInt16: Unmask] = [:]
  /// The digests of messages that were taken, by kind and sender.
  var taken: [MessageKind: [UInt16: Digest]] = [:]
  var dropped: Set<UInt16> = []
  /// What each site gave as its reason to leave.
  var accusations: [UInt16: Set<FaultCode>] = [:]

  init(
    number: UInt64, open: RoundOpen, openBody: [UInt8], transcript: Digest,
    associatedData: Digest
  ) {
    self.number = number
    self.open = open
    self.openBody = openBody
    self.transcript = transcript
    self.associatedData = associatedData
  }

  /// Positions of the layers that come off the sum over U2.
  var removedLayers: [Int] {
    open.layers.indices.filter { open.layers[$0].isRemoved(survivorCount: members.count) }
  }

  /// Whose messages the state waits for.
  func awaitedSites(in state: AggregatorState) -> [UInt16] {
    guard let kind = state.awaited else { return [] }
    let sites =
      switch state {
      case .shares: open.members
      case .masked: shareMembers
      default: members
      }
    return sites.filter { taken[kind]?[$0] == nil && !dropped.contains($0) }
  }
}
