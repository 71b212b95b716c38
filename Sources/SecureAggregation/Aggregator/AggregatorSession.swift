import Cryptography
import FixedPoint

/// The aggregator's side of the protocol for one study: events in, actions out. Pure: no clock, no
/// files, no network, no randomness.
///
/// Assumes: the driver carries out the actions in their order and makes every `journal` durable
/// before what follows it; `peer` is the authenticated sender of a message.
///
/// Guarantees: a wrong, late, repeated or missing message of a site costs at most that site's part in
/// the round and is named; a vector counts only when its digest and length are right; memory is one
/// vector and small messages. It learns nothing but sums over at least `quorum` sites.
public struct AggregatorSession: Sendable {
  public let manifest: SignedManifest
  let signingKey: SigningKey
  /// Regenerates noise that comes off a sum; nil: only rounds without layers can be opened.
  let layerNoise: LayerNoise?

  /// Where the aggregator stands. Changed only by `move`.
  public private(set) var state: AggregatorState = .unkeyed
  /// The highest epoch opened; nil before the first.
  public internal(set) var epoch: UInt32?
  /// The highest round opened, here or according to a site.
  public internal(set) var highestRound: UInt64
  /// The transcript without the sums.
  public internal(set) var entries: [TranscriptEntry]
  /// The last accepted result, or round 0 and R_0.
  public internal(set) var accepted: (round: UInt64, digest: Digest)

  // The epoch.
  var members: [UInt16] = []
  var baseRound: UInt64 = 0
  var openMessage: [UInt8] = []
  var offersDigest: Digest = .zero
  var setupMessages: [UInt16: SetupMessage] = [:]
  /// Members that were not dropped in a round of this epoch.
  public internal(set) var active: [UInt16] = []
  /// Attestations of the last accepted result, by site. With at least t of them a site that missed
  /// results can catch up.
  public internal(set) var attestations: [UInt16: Signature] = [:]
  /// Shares sent in advance for the round `prefetchRound`.
  var prefetchRound: UInt64 = 0
  var prefetched: [UInt16: AggregatorRound.Deal] = [:]

  var round: AggregatorRound?
  /// The sum of the masked vectors so far: the only vector held, whatever the number of sites. It
  /// stands apart from `round` so that it is never copied.
  var accumulator = RingVector(zeros: 0, width: .bits32)

  /// A site's KeyOffer or KeyConfirm.
  struct SetupMessage: Sendable {
    let identity: Digest
    let message: [UInt8]
    var offer: KeyOffer?
    var confirm: KeyConfirm?
  }

  /// Takes up a study, from the beginning or from what the journal holds.
  ///
  /// - Parameter layerNoise: the sampler of noise, for studies with differential privacy.
  ///
  /// Throws `manifestInvalid` when the manifest names another aggregator key, and a decoding fault
  /// when the journal is damaged.
  public init(
    manifest: SignedManifest, signingKey: SigningKey, journal: AggregatorJournal = .init(),
    layerNoise: LayerNoise? = nil
  ) throws(SecureAggregationError) {
    guard manifest.manifest.aggregatorKey == signingKey.verifyingKey else {
      throw SecureAggregationError(.manifestInvalid)
    }
    self.manifest = manifest
    self.signingKey = signingKey
    self.layerNoise = layerNoise
    epoch = journal.epoch
    entries = journal.entries
    highestRound = journal.highestRound
    accepted = (0, manifest.genesis)
    if let last = entries.last {
      accepted = (last.round, try ResultMessage(last.resultBody, from: 0).resultDigest)
      highestRound = max(highestRound, last.round)
      attestations = journal.attestations
    }
  }

  /// Whether `openRound` may choose fast mode for these members.
  public func canOpenFast(for members: [UInt16]) -> Bool {
    prefetchRound == highestRound &+ 1 && members.allSatisfy { prefetched[$0] != nil }
  }

  /// Whose message is waited for; empty when nothing is.
  public var awaitedSites: [UInt16] {
    state.isSettingUp
      ? members.filter { setupMessages[$0] == nil } : round?.awaitedSites(in: state) ?? []
  }

  /// Takes a message of the authenticated `peer`, with its payload if it has one. The payload is
  /// hashed and then added, never stored.
  ///
  /// - Parameter digest: the payload's digest, when it was hashed while it arrived: it must be of
  ///   these very bytes. Nil hashes them here.
  ///
  /// Throws when the message is refused: nothing has changed then. Whether a refused message is
  /// reason enough to drop the peer is the driver's decision: see `drop`.
  public mutating func receive(
    from peer: UInt16, _ message: [UInt8],
    payload: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    digest: PayloadDigest? = nil
  ) throws(SecureAggregationError) -> [AggregatorAction] {
    let envelope = try Envelope.opened(message, from: peer, manifest: manifest)
    let identity = Blake2b.hash(Labels.message, message)
    guard !isRepeat(envelope, identity) else { return [] }
    try admit(envelope)
    switch envelope.kind {
    case .keyOffer, .keyConfirm:
      return takeSetup(envelope, message: message, identity: identity)
    case .abort:
      return try takeAbort(envelope, message: message)
    default:
      return take(envelope, identity: identity, payload: payload, digest: digest)
    }
  }

  /// A message with its payload as an array.
  public mutating func receive(
    from peer: UInt16, _ message: [UInt8], payload: [UInt8]
  ) throws(SecureAggregationError) -> [AggregatorAction] {
    var outcome: Result<[AggregatorAction], SecureAggregationError> = .success([])
    payload.withUnsafeBytes { bytes in
      do throws(SecureAggregationError) {
        outcome = .success(try receive(from: peer, message, payload: bytes))
      } catch {
        outcome = .failure(error)
      }
    }
    return try outcome.get()
  }

  /// The driver's deadline for the present step has passed: goes on with those present, or fails and
  /// names who is missing.
  public mutating func deadline() -> [AggregatorAction] {
    let missing = awaitedSites
    guard !missing.isEmpty else { return [] }
    if state.isSettingUp {
      return failEpoch(SecureAggregationError(.timeout, naming: missing))
    }
    var actions = missing.flatMap {
      markDropped($0, SecureAggregationError(.timeout, naming: [$0]))
    }
    actions += advance()
    return actions
  }

  /// The driver gives up on a site within the present step: it is disconnected, or sent something
  /// that was refused.
  public mutating func drop(
    _ site: UInt16, for fault: SecureAggregationError
  ) -> [AggregatorAction] {
    if state.isSettingUp {
      guard members.contains(site) else { return [] }
      return failEpoch(SecureAggregationError(fault.code, naming: [site]))
    }
    guard round?.open.members.contains(site) == true else {
      active.removeAll { $0 == site }
      return []
    }
    return markDropped(site, fault) + advance()
  }

  /// Ends the round in progress.
  public mutating func stop() -> [AggregatorAction] {
    guard state.awaited != nil else { return [] }
    return failRound(SecureAggregationError(.stopped, naming: [0]))
  }

  /// The last Result once more, for sites that may have missed it (`openEpoch` does the same by
  /// itself). `sum` is its
  /// stored vector, with the constant coordinate.
  public func resendResult(
    sum: RingVector
  ) throws(SecureAggregationError) -> [AggregatorAction] {
    guard let last = entries.last else { return [] }
    let body = try ResultMessage(last.resultBody, from: 0)
    let message = resultMessage(of: last)
    return [.sendResult(to: body.shareMembers, message: message, sum: sum)]
  }

  /// Goes to another state, along the table only.
  mutating func move(on event: AggregatorState.Event, to next: AggregatorState) {
    precondition(
      state.targets(of: event).contains(next),
      "every transition of the code stands in AggregatorState.transitions")
    state = next
  }

  func sealed(_ body: some MessageBody, round: UInt64) -> [UInt8] {
    Envelope.sealed(
      type(of: body).kind, manifest: manifest.digest, epoch: epoch ?? 0, round: round, sender: 0,
      body: body.bytes, key: signingKey)
  }
}
