import Cryptography
import FixedPoint

/// Remembers the signed messages of the present and the last round, and makes evidence of them when a
/// fault stops a round. Pure, like the sessions: a driver tells it what it received and sent.
///
/// It holds at most two versions of each message, so that a flooding peer cannot fill the memory, and
/// no vector.
public struct EvidenceKeeper: Sendable {
  private struct Slot: Hashable {
    let kind: UInt8
    let epoch: UInt32
    let round: UInt64
    let sender: UInt16
  }

  /// What makes an opened sum: kept longer than its round, for the differencing rule.
  private static let openingKinds: Set<UInt8> = [
    MessageKind.roundOpen.rawValue, MessageKind.lock2.rawValue, MessageKind.ackSet.rawValue,
  ]
  private static let openingLimit = 64

  private let manifest: SignedManifest
  /// Whose eyes these are; 0 is the aggregator.
  private let index: UInt16
  private var messages: [Slot: [[UInt8]]] = [:]
  private var prunedBelow: UInt64 = 0
  /// Rounds that were opened here, oldest first.
  private var openings: [(round: UInt64, messages: [[UInt8]])] = []
  /// At the aggregator: the message with the highest round of each site.
  private var highest: [UInt16: (round: UInt64, message: [UInt8])] = [:]

  public init(manifest: SignedManifest, index: UInt16) {
    self.manifest = manifest
    self.index = index
  }

  /// A message that was received; `refusal` is what the session threw, if it did. One whose
  /// signature the session did not get to is not kept.
  ///
  /// - Parameter round: the highest round opened, after the message was taken.
  public mutating func received(
    _ message: [UInt8], refusal: FaultCode? = nil, round: UInt64
  ) {
    switch refusal {
    case nil, .wrongEpoch, .wrongRound, .roundReplayed, .unexpectedMessage, .secondStatement,
      .roundLimit:
      note(message, round: round)
    default: break
    }
  }

  /// A message that was sent.
  public mutating func sent(_ message: [UInt8], round: UInt64) { note(message, round: round) }

  private mutating func note(_ message: [UInt8], round: UInt64) {
    guard let slot = Self.slot(of: message), slot.kind != MessageKind.catchUp.rawValue else {
      return
    }
    if slot.round == 0 {
      let latest = messages.keys.filter { $0.round == 0 }.map(\.epoch).max() ?? 0
      if slot.epoch > latest { messages = messages.filter { $0.key.round != 0 } }
      guard slot.epoch >= latest else { return }
    } else {
      let oldest = round > 0 ? round - 1 : 0
      guard slot.round >= oldest, slot.round <= round || slot.round == round &+ 1 else { return }
      if oldest > prunedBelow {
        messages = messages.filter { $0.key.round == 0 || $0.key.round >= oldest }
        prunedBelow = oldest
      }
    }
    var versions = messages[slot] ?? []
    guard versions.count < Self.versionLimit(slot), !versions.contains(message) else { return }
    versions.append(message)
    messages[slot] = versions
    if slot.sender != 0, slot.round > highest[slot.sender]?.round ?? 0,
      slot.kind != MessageKind.abort.rawValue
    {
      highest[slot.sender] = (slot.round, message)
    }
    if index != 0, slot.kind == MessageKind.ackSet.rawValue { keepOpening(slot) }
  }

  /// An aggregator sends everyone a Lock1 and, in fast mode, a Lock2 of their own.
  private static func versionLimit(_ slot: Slot) -> Int {
    slot.kind == MessageKind.lock1.rawValue || slot.kind == MessageKind.lock2.rawValue ? 3 : 2
  }

  private mutating func keepOpening(_ slot: Slot) {
    openings.removeAll { $0.round == slot.round }
    openings.append((slot.round, messages(ofRound: slot.round) { Self.openingKinds.contains($0) }))
    if openings.count > Self.openingLimit { openings.removeFirst() }
  }

  private func messages(
    ofRound round: UInt64, where isWanted: (UInt8) -> Bool = { _ in true }
  ) -> [[UInt8]] {
    messages.filter { $0.key.round == round && isWanted($0.key.kind) }
      .sorted { ($0.key.kind, $0.key.sender) < ($1.key.kind, $1.key.sender) }
      .flatMap(\.value)
  }

  /// Puts together what is at hand about a fault of a round (0: of setting up an epoch).
  ///
  /// - Parameters:
  ///   - last: the message at fault, with its payload.
  ///   - vectors: masked vectors of the keeper by their digest; added to the messages that announce
  ///     them.
  ///   - tagSeed: the seed under which a published sum was rejected, from a halted session.
  public func evidence(
    of fault: SecureAggregationError, round: UInt64, last: Exhibit? = nil,
    vectors: [Digest: RingVector] = [:], tagSeed: TagSeedStatement? = nil, key: SigningKey
  ) -> Evidence {
    let epochOpen = messages(ofRound: 0) { $0 == MessageKind.epochOpen.rawValue }
    var chosen = round == 0 ? messages(ofRound: 0) : epochOpen + messages(ofRound: round)
    if round > 1 {
      // A fast round's commitments are in the Unmask before it.
      chosen += messages(ofRound: round - 1) { $0 == MessageKind.unmask.rawValue }
    }
    if fault.code == .setChange { chosen += openings.flatMap(\.messages) }
    if index == 0 {
      chosen = chosen.filter { isRelevant($0, to: fault) }
      chosen += fault.named.compactMap { highest[$0]?.message }
    }
    if let last { chosen.append(last.message) }
    var seen: Set<[UInt8]> = []
    let exhibits = chosen.filter { seen.insert($0).inserted }.map { message in
      Exhibit(message: message, payload: payload(of: message, last: last, vectors: vectors))
    }
    return Evidence(
      keeper: index, fault: fault, manifest: manifest, exhibits: exhibits,
      tagSeeds: tagSeed.map { [$0] } ?? [], key: key)
  }

  /// What was refused, as evidence, when that alone proves something; nil otherwise: a late or
  /// repeated message is no offence.
  public func evidence(
    ofRefusal fault: SecureAggregationError, _ message: [UInt8], key: SigningKey
  ) -> Evidence? {
    guard fault.code == .secondStatement || fault.code == .roundReplayed,
      let slot = Self.slot(of: message)
    else { return nil }
    let evidence = evidence(
      of: fault, round: slot.round, last: Exhibit(message: message), key: key)
    guard let review = try? EvidenceReview([evidence], layerNoise: nil), review.provesMisbehaviour
    else {
      return nil
    }
    return evidence
  }

  /// At a site: what it holds of a round that another site complains of, by the aggregator's Abort;
  /// nil for every other message. It proves nothing alone, but beside the other site's evidence it may
  /// show that the two were told different things.
  public func evidence(ofComplaint message: [UInt8], key: SigningKey) -> Evidence? {
    guard let envelope = try? Envelope(parsing: message, naming: []), envelope.kind == .abort,
      envelope.sender == 0, envelope.round > 0, let abort = try? AbortMessage(envelope.body),
      let code = FaultCode(rawValue: abort.code)
    else { return nil }
    switch code {
    case .sumRejected, .resultMismatch, .seedMismatch, .queryMismatch, .secondStatement,
      .setInvalid, .setChange, .shareUnreadable, .chainMismatch, .ackInvalid:
      return evidence(
        of: SecureAggregationError(code, naming: abort.named), round: envelope.round,
        last: Exhibit(message: message), key: key)
    default: return nil
    }
  }

  /// At the aggregator: evidence of a site whose KeyOffer has forgotten rounds that it signed for, so
  /// that its disk must have been put back; nil for every other message. The round goes on: the site
  /// catches up, and no number is used twice.
  public func evidence(ofOffer message: [UInt8], key: SigningKey) -> Evidence? {
    guard let slot = Self.slot(of: message), slot.kind == MessageKind.keyOffer.rawValue,
      let envelope = try? Envelope(parsing: message, naming: []),
      let offer = try? KeyOffer(envelope.body), let last = highest[slot.sender],
      last.round > offer.lastRound
    else { return nil }
    return evidence(
      of: SecureAggregationError(.chainMismatch, naming: [slot.sender]), round: 0,
      last: Exhibit(message: message), key: key)
  }

  /// At the aggregator: its own messages, those of the sites at fault, and for a wrong share those of
  /// everybody who holds another one.
  private func isRelevant(_ message: [UInt8], to fault: SecureAggregationError) -> Bool {
    guard let slot = Self.slot(of: message) else { return false }
    switch fault.code {
    case .shareCorrupt, .unrecoverable, .keysUnconfirmed: return true
    default: return slot.sender == 0 || fault.named.contains(slot.sender)
    }
  }

  /// Payloads beyond this size are not kept with evidence.
  static let payloadLimit = 64 << 20

  private func payload(
    of message: [UInt8], last: Exhibit?, vectors: [Digest: RingVector]
  ) -> [UInt8] {
    if let last, last.message == message {
      return last.payload.count <= Self.payloadLimit ? last.payload : []
    }
    guard !vectors.isEmpty, let envelope = try? Envelope(parsing: message, naming: []),
      envelope.kind == .masked, let masked = try? Masked(envelope.body),
      let bytes = vectors[masked.vectorDigest]?.bytes, bytes.count <= Self.payloadLimit
    else { return [] }
    return bytes
  }

  /// Kind, epoch, round and sender, read at their fixed places; nil for a message too short.
  private static func slot(of message: [UInt8]) -> Slot? {
    guard message.count >= Envelope.smallestByteCount else { return nil }
    func integer<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
      message.withUnsafeBytes {
        T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type))
      }
    }
    return Slot(
      kind: message[6], epoch: integer(39, UInt32.self), round: integer(43, UInt64.self),
      sender: integer(51, UInt16.self))
  }
}

extension SiteSession {
  /// The seed of the tag of the round in which a false sum halted this site, as a statement for its
  /// evidence; nil in every other state.
  public var haltedTagSeed: TagSeedStatement? {
    guard state == .halted, let pending = memory.pending else { return nil }
    return TagSeedStatement(
      transcript: pending.transcript, shareMembers: pending.shareMembers,
      seed: pending.alphaSeed.revealed())
  }
}
