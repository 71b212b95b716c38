import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// What the drivers of both roles do to keep evidence, and the two ways to misbehave: another message
/// under way, rightly signed, and the checks on what remains of it.
extension Federation {
  func lastRound(of party: UInt16) -> UInt64 {
    party == 0 ? aggregator.highestRound : sites[party]?.lastRound ?? 0
  }

  mutating func note(_ packet: Packet, refusal: FaultCode? = nil) {
    let round = lastRound(of: packet.to)
    keepers[packet.to]?.received(packet.message, refusal: refusal, round: round)
  }

  /// A site keeps evidence of what ended its round, unless the aggregator itself ended it.
  mutating func keep(_ actions: [SiteAction], of index: UInt16, from packet: Packet) {
    guard let key = keys[index] else { return }
    if let piece = keepers[index]?.evidence(ofComplaint: packet.message, key: key) {
      evidence[index, default: []].append(piece)
      return
    }
    let faults = EvidenceKeeper.notableFaults(
      in: actions, after: packet.message, lastRound: lastRound(of: index))
    for found in faults {
      guard
        let piece = keepers[index]?.evidence(
          of: found.fault, round: found.round,
          last: Exhibit(message: packet.message, payload: packet.payload),
          vectors: journals[index]?.vectors ?? [:], tagSeed: sites[index]?.haltedTagSeed, key: key)
      else { continue }
      evidence[index, default: []].append(piece)
    }
  }

  /// The aggregator keeps evidence of sites that it leaves out or blames.
  mutating func keep(_ actions: [AggregatorAction], from packet: Packet) {
    guard let key = keys[0] else { return }
    if let piece = keepers[0]?.evidence(ofOffer: packet.message, key: key) {
      evidence[0, default: []].append(piece)
    }
    for found in EvidenceKeeper.notableFaults(in: actions, after: packet.message) {
      guard
        let piece = keepers[0]?.evidence(
          of: found.fault, round: found.round, last: Exhibit(message: packet.message), key: key)
      else { continue }
      evidence[0, default: []].append(piece)
    }
  }

  /// All pieces that some parties kept.
  func pieces(of parties: UInt16...) -> [Evidence] { parties.flatMap { evidence[$0] ?? [] } }

  /// What a site can show of the present round without a fault of its own: its keeper's content.
  func shown(by index: UInt16) throws -> Evidence {
    try #require(keepers[index]).evidence(
      of: SecureAggregationError(.stopped),
      round: sites[index]?.state == .unkeyed ? 0 : lastRound(of: index),
      key: try #require(keys[index]))
  }

  // MARK: Misbehaviour

  /// The message of a packet with another body, rightly signed by its sender.
  func forged<Body: MessageBody>(
    _ packet: Packet, _ type: Body.Type, _ change: (Body) -> Body
  ) throws -> Packet {
    try forged(packet) { change(try Body($0)).bytes }
  }

  func forged(_ packet: Packet, _ change: ([UInt8]) throws -> [UInt8]) throws -> Packet {
    let envelope = try Envelope(parsing: packet.message, naming: [])
    let message = Envelope.sealed(
      envelope.kind, manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      sender: envelope.sender, body: try change(envelope.body),
      key: try #require(keys[envelope.sender]))
    return .init(from: packet.from, to: packet.to, message: message, payload: packet.payload)
  }

  /// From now on messages of a kind from one party (and to one, when named) are changed under way.
  mutating func misbehave<Body: MessageBody>(
    _ type: Body.Type, from sender: UInt16, to receiver: UInt16? = nil,
    _ change: @escaping @Sendable (Body) -> Body
  ) {
    let honest = self
    tamper = { packet in
      guard packet.from == sender, packet.kind == Body.kind,
        receiver == nil || packet.to == receiver
      else { return nil }
      return try? honest.forged(packet, type, change)
    }
  }

  /// Opens a round and runs it until the aggregator is about to send a kind.
  mutating func run(
    until kind: MessageKind, _ binding: RoundBinding, length: Int = 5
  ) throws {
    try open(binding, answers: answers(length: length))
    while let next = network.first, !(next.from == 0 && next.kind == kind) { deliverNext() }
  }
}

/// Checks that the pieces prove an offence, that they survive being written to a file, and that a
/// changed file proves nothing, whether or not its keeper signs the change.
func expectProof(
  of offence: Offence, by accused: [UInt16], in pieces: [Evidence], of federation: Federation,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let bytes = EvidenceFile(pieces).bytes
  let read = try EvidenceFile(bytes)
  #expect(read.pieces == pieces, sourceLocation: sourceLocation)
  let review = try EvidenceReview(read.pieces, layerNoise: discreteGaussianNoise)
  #expect(
    review.findings.contains { $0.offence == offence && $0.accused == accused },
    "found: \(review.findings); \(review.remarks)", sourceLocation: sourceLocation)
  #expect(review.ignoredCount == 0, sourceLocation: sourceLocation)
  // A changed byte anywhere: at 60 places evenly over the file and in its last signature.
  let step = max(1, bytes.count / 60)
  for position in Array(stride(from: 0, to: bytes.count, by: step)) + [bytes.count - 1] {
    var changed = bytes
    changed[position] ^= 1
    #expect(
      throws: SecureAggregationError.self, "byte \(position)", sourceLocation: sourceLocation
    ) { try EvidenceFile(changed) }
  }
  // The keeper itself changes what others said, and signs.
  let forged = try pieces.map { piece in
    Evidence(
      keeper: piece.keeper, fault: SecureAggregationError(.sumRejected, naming: [0]),
      manifest: piece.manifest,
      exhibits: piece.exhibits.map { exhibit in
        var message = exhibit.message
        message[Envelope.headerByteCount] ^= 1
        return Exhibit(message: message, payload: exhibit.payload)
      }, tagSeeds: piece.tagSeeds, key: try #require(federation.keys[piece.keeper]))
  }
  let again = try EvidenceReview(
    try EvidenceFile(EvidenceFile(forged).bytes).pieces, layerNoise: discreteGaussianNoise)
  #expect(!again.provesMisbehaviour, "\(again.findings)", sourceLocation: sourceLocation)
  #expect(again.messageCount == 0, sourceLocation: sourceLocation)
}
