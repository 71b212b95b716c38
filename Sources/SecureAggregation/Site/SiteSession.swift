import Cryptography
import FixedPoint

/// One site's side of the protocol for one study: events in, actions out. Pure: no clock, no files,
/// no network; randomness is handed in.
///
/// Assumes: the driver carries out the actions in their order, makes every `journal` durable before
/// what follows it, passes on only messages of the authenticated aggregator, and keeps a RoundOpen
/// back until its own program has called `expect` for the query it derived.
///
/// Guarantees: the vector leaves only masked, in a round whose query, history and sites are those
/// that this site and at least t − 1 others derived; its masks are opened for one set of at least
/// `quorum` sites per round, and never for two; a published sum is accepted only with its tag.
///
/// A copy of a session shares no mutable state with it, but two copies that both go on would answer
/// a round twice: a driver keeps exactly one.
public struct SiteSession: Sendable {
  public let manifest: SignedManifest
  /// This site's position in the roster, from 1.
  public let index: UInt16
  let signingKey: SigningKey
  /// Regenerates noise that was taken off a sum; nil: this site takes part in rounds without layers
  /// only.
  let layerNoise: LayerNoise?

  /// Where the site stands. Changed only by `move`.
  public private(set) var state: SiteState = .unkeyed
  var memory: SiteMemory

  // The epoch.
  var members: [UInt16] = []
  var baseRound: UInt64 = 0
  /// The accepted result that EpochOpen states.
  var target: (round: UInt64, digest: Digest)
  var epochOpenMessage: [UInt8] = []
  var offerMessage: [UInt8] = []
  var agreementKey: KeyAgreementKey?
  var offersDigest: Digest = .zero
  var pairKeys: PairKeys?
  /// Who may be in the next round; nil before the epoch's first.
  var eligible: [UInt16]?
  /// Results of CatchUp that are checked but not yet attested.
  var held: [RoundOutcome] = []
  /// Secrets whose shares were sent in advance, and the round that they are for.
  var prefetched: (round: UInt64, secrets: DealtSecrets)?

  // The round.
  var round: SiteRound?
  /// The number of the round in progress or just left, which a fault burns.
  var currentRound: UInt64 = 0
  var expectation: RoundBinding?
  /// The sites that the expected query must be answered with.
  var companions: Set<UInt16> = []
  var answer: RingVector?
  var answerSeeds: SecretBytes?

  /// Takes up a study, from the beginning or from what the journal holds.
  ///
  /// - Parameter layerNoise: the sampler of noise, for studies with differential privacy.
  ///
  /// Throws `rosterInvalid` when the roster's entry for `index` does not hold this key, and a
  /// decoding fault when the journal is damaged.
  public init(
    manifest: SignedManifest, index: UInt16, signingKey: SigningKey,
    journal: SiteJournal = SiteJournal(), layerNoise: LayerNoise? = nil
  ) throws(SecureAggregationError) {
    guard index >= 1, manifest.key(of: index) == signingKey.verifyingKey else {
      throw SecureAggregationError(.rosterInvalid, naming: [index])
    }
    self.manifest = manifest
    self.index = index
    self.signingKey = signingKey
    self.layerNoise = layerNoise
    memory = try SiteMemory(manifest: manifest, journal: journal)
    target = (memory.acceptedRound, memory.acceptedDigest)
    state = memory.isHalted ? .halted : .unkeyed
  }

  /// After a restart: burns the round that was interrupted before its vector was out.
  public mutating func resume() -> [SiteAction] {
    guard let round = memory.interruptedRound else { return [] }
    memory.interruptedRound = nil
    let record = JournalRecord.Content.aborted(
      code: FaultCode.restarted.rawValue, named: [index])
    return [.journal(JournalRecord(round: round, record))]
  }

  /// The highest key epoch this site has seen.
  public var epoch: UInt32 { memory.epoch }
  /// The highest round this site has opened; 0 before the first.
  public var lastRound: UInt64 { memory.lastRound }
  /// The last accepted result, or round 0 and R_0.
  public var accepted: (round: UInt64, digest: Digest) {
    (memory.acceptedRound, memory.acceptedDigest)
  }

  /// Says which query the site's own program expects next. Replaces an earlier expectation and drops
  /// an answer to it. It holds until the query's result is accepted: a round that failed may be
  /// followed by another one for the same query, and `needAnswer` asks for the answer again.
  ///
  /// - Parameter companions: the sites without which the answer may not be opened, because an earlier
  ///   sum over exactly these would show what the missing ones hold. Into a round without one of
  ///   them, or of a site that is none of them, zeros go instead of the answer; and once the answer
  ///   itself has gone, no set without one of them is acknowledged (`siteMissing`). Empty for none.
  public mutating func expect(_ binding: RoundBinding, companions: Set<UInt16> = []) {
    expectation = binding
    self.companions = companions
    answer = nil
    answerSeeds = nil
  }

  /// Hands in the answer to the expected query: `vectorLength − 1` ring elements, each meant as a
  /// signed integer. It leaves, masked, once the round is locked.
  ///
  /// - Parameter layerSeeds: 32 bytes per layer of the binding, in their order: the seeds of the noise
  ///   that the session draws and adds. Fresh for every call, and nil without layers. Unmask reveals
  ///   those of the layers that come off; all are wiped when the round is left. Noise that never comes
  ///   off is in `vector` already.
  public mutating func answer(
    _ vector: RingVector, layerSeeds: SecretBytes? = nil
  ) -> [SiteAction] {
    answer = vector
    answerSeeds = layerSeeds
    guard state == .locked else { return [] }
    return guarded(evidence: []) { (session) throws(SecureAggregationError) in
      try session.commit()
    }
  }

  /// Hands in the answer as integers; one outside the ring makes the round fail as
  /// `answerInvalid`.
  public mutating func answer(
    _ values: [Int64], layerSeeds: SecretBytes? = nil
  ) -> [SiteAction] {
    let width = round?.open.ringWidth ?? expectation?.ringWidth ?? .bits64
    // A vector without elements fits no round.
    return answer(
      RingVector(signed: values, width: width) ?? RingVector(zeros: 0, width: width),
      layerSeeds: layerSeeds)
  }

  /// The driver's deadline for the present step has passed.
  public mutating func deadline() -> [SiteAction] {
    guard state.admits(.deadline) else { return [] }
    return leave(with: SecureAggregationError(.timeout, naming: [0]), evidence: [], on: .deadline)
  }

  /// The site itself ends the round or the setup: `refused` by policy, `stopped` by its operator.
  public mutating func stop(_ code: FaultCode) -> [SiteAction] {
    guard state.isActive || state.isSettingUp else { return [] }
    return leave(with: SecureAggregationError(code, naming: [index]), evidence: [])
  }

  /// Takes a message of the aggregator, with its payload if it has one.
  ///
  /// Throws when the message is refused: nothing has changed then and nothing is to be sent. A fault
  /// that ends the round or the setup is returned as `.aborted` or `.halted` instead.
  public mutating func receive(
    _ message: [UInt8], payload: [UInt8] = [], entropy: inout some EntropySource
  ) throws(SecureAggregationError) -> [SiteAction] {
    let envelope = try Envelope.opened(message, from: 0, manifest: manifest)
    let identity = Blake2b.hash(Labels.message, message)
    if state != .halted, let reply = memory.replies[identity] { return reply }
    try admit(envelope)
    let received = Received(
      envelope: envelope, message: message, identity: identity, payload: payload)
    do {
      return try handle(received, entropy: &entropy)
    } catch {
      return try fail(with: error, on: received)
    }
  }

  /// A message that passed steps 1–10 of §3.
  struct Received {
    let envelope: Envelope
    let message: [UInt8]
    let identity: Digest
    let payload: [UInt8]
  }

  private mutating func handle(
    _ received: Received, entropy: inout some EntropySource
  ) throws(SecureAggregationError) -> [SiteAction] {
    switch received.envelope.kind {
    case .epochOpen: try takeEpochOpen(received, entropy: &entropy)
    case .keySet: try takeKeySet(received)
    case .catchUp: try takeCatchUp(received)
    case .confirmSet: try takeConfirmSet(received)
    case .roundOpen: try takeRoundOpen(received, entropy: &entropy)
    case .lock1: try takeLock1(received)
    case .lock2: try takeLock2(received)
    case .ackSet: try takeAckSet(received, entropy: &entropy)
    case .result: try takeResult(received)
    case .abort: try takeAbort(received)
    case .keyOffer, .keyConfirm, .shares, .masked, .ack, .unmask:
      throw SecureAggregationError(.unexpectedMessage, naming: [0])
    }
  }

  /// Goes to another state, along the table only.
  mutating func move(on event: SiteState.Event, to next: SiteState) {
    precondition(
      state.targets(of: event).contains(next),
      "every transition of the code stands in SiteState.transitions")
    state = next
  }
}
