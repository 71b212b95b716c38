import CanonicalBytes
import Cryptography
import FixedPoint

/// What pieces of evidence of one study prove together, found from the signatures alone.
///
/// Assumes: the reader has compared the manifest's digest, or the keys in it, with what it knows from
/// elsewhere; anybody can make up a study of their own. Guarantees: a party is accused alone only by
/// its own signatures, and a party that follows the protocol is never accused alone. Where signatures
/// of two parties contradict one another the finding names both.
public struct EvidenceReview: Sendable {
  public let manifest: SignedManifest
  /// Who kept the pieces.
  public let keepers: [UInt16]
  /// How many different messages were validly signed by members of the study.
  public private(set) var messageCount = 0
  /// How many were not, and count for nothing.
  public private(set) var ignoredCount = 0
  /// What is proven; no order of weight.
  public private(set) var findings: [Finding] = []
  /// What could not be decided, in words.
  public private(set) var remarks: [String] = []

  /// Whether anything is proven.
  public var provesMisbehaviour: Bool { !findings.isEmpty }

  /// A message whose signature was checked.
  struct Signed {
    let envelope: Envelope
    let message: [UInt8]
    let payload: [UInt8]
  }

  /// A message with its body.
  struct Decoded<Body> {
    let envelope: Envelope
    let body: Body
    let payload: [UInt8]
    var sender: UInt16 { envelope.sender }
  }

  private(set) var signed: [Signed] = []
  let tagSeeds: [(witness: UInt16, statement: TagSeedStatement)]
  let layerNoise: LayerNoise?

  /// Examines pieces that belong to one manifest.
  ///
  /// - Parameter layerNoise: the sampler of noise, without which sums that noise was taken off are not
  ///   added up again.
  ///
  /// Throws `truncated` without a piece, and `wrongManifest` for pieces of two studies.
  public init(
    _ pieces: [Evidence], layerNoise: LayerNoise?
  ) throws(SecureAggregationError) {
    self.layerNoise = layerNoise
    guard let first = pieces.first else { throw SecureAggregationError(.truncated) }
    guard pieces.allSatisfy({ $0.manifest.digest == first.manifest.digest }) else {
      throw SecureAggregationError(.wrongManifest)
    }
    manifest = first.manifest
    keepers = Set(pieces.map(\.keeper)).sorted()
    tagSeeds = pieces.flatMap { piece in piece.tagSeeds.map { (piece.keeper, $0) } }
    var positions: [[UInt8]: Int] = [:]
    for exhibit in pieces.flatMap(\.exhibits) { take(exhibit, positions: &positions) }
    for entry in signed where entry.envelope.kind == .keySet || entry.envelope.kind == .confirmSet {
      for message in Self.inner(of: entry.envelope) {
        take(Exhibit(message: message), positions: &positions, isInner: true)
      }
    }
    messageCount = signed.count
    examineForms()
    examineSlots()
    examineKeys()
    examineSets()
    examineStatements()
    examineSites()
    examineSums()
    findings = Array(Set(findings)).sorted {
      ($0.round, $0.offence.rawValue, $0.detail) < ($1.round, $1.offence.rawValue, $1.detail)
    }
  }

  /// Keeps a message when its signature is a member's.
  private mutating func take(
    _ exhibit: Exhibit, positions: inout [[UInt8]: Int], isInner: Bool = false
  ) {
    if let position = positions[exhibit.message] {
      if signed[position].payload.isEmpty {
        signed[position] = Signed(
          envelope: signed[position].envelope, message: exhibit.message, payload: exhibit.payload)
      }
      return
    }
    guard let envelope = try? Envelope(parsing: exhibit.message, naming: []),
      envelope.manifest == manifest.digest, let key = manifest.key(of: envelope.sender),
      envelope.isSigned(by: key, message: exhibit.message)
    else {
      // What is wrong inside a KeySet is the aggregator's doing: see examineKeys.
      if !isInner { ignoredCount += 1 }
      return
    }
    positions[exhibit.message] = signed.count
    signed.append(
      Signed(envelope: envelope, message: exhibit.message, payload: exhibit.payload))
  }

  /// The messages of sites inside a KeySet or ConfirmSet.
  static func inner(of envelope: Envelope) -> [[UInt8]] {
    switch envelope.kind {
    case .keySet: (try? KeySet(envelope.body))?.offers ?? []
    case .confirmSet: (try? ConfirmSet(envelope.body))?.confirmations ?? []
    default: []
    }
  }

  mutating func find(_ finding: Finding) { findings.append(finding) }

  mutating func remark(_ text: String) {
    if !remarks.contains(text) { remarks.append(text) }
  }

  /// All messages of a kind that decode.
  func all<Body: MessageBody>(_ type: Body.Type) -> [Decoded<Body>] {
    signed.compactMap { entry in
      guard entry.envelope.kind == Body.kind, let body = try? Body(entry.envelope.body) else {
        return nil
      }
      return Decoded(envelope: entry.envelope, body: body, payload: entry.payload)
    }
  }

  /// Those of the round that an envelope belongs to.
  func all<Body: MessageBody>(_ type: Body.Type, like envelope: Envelope) -> [Decoded<Body>] {
    all(type).filter {
      $0.envelope.epoch == envelope.epoch && $0.envelope.round == envelope.round
    }
  }

  /// T_r of a RoundOpen.
  func transcript(of open: Decoded<RoundOpen>) -> Digest {
    RoundOpen.binding(
      manifest: manifest.digest, epoch: open.envelope.epoch, round: open.envelope.round,
      body: open.envelope.body)
  }

  // MARK: - One message, two messages

  /// Bodies that do not decode, and kinds that are the other role's.
  private mutating func examineForms() {
    for entry in signed {
      let envelope = entry.envelope
      let isAggregator = envelope.sender == 0
      let fits =
        switch envelope.kind.direction {
        case .fromAggregator: isAggregator
        case .fromSite: !isAggregator
        case .either: true
        }
      guard fits else {
        find(
          Finding(
            .foreignKind, by: [envelope.sender], in: envelope,
            "signed a \(envelope.kind), which is for the other role to send"))
        continue
      }
      if let fault = Self.decodingFault(of: envelope) {
        find(
          Finding(
            .malformed, by: [envelope.sender], in: envelope,
            "signed bytes that are no \(envelope.kind) (\(fault.code.rawValue))"))
      } else if entry.message.count > Envelope.byteLimit {
        find(
          Finding(
            .malformed, by: [envelope.sender], in: envelope,
            "signed a \(envelope.kind) beyond the size limit"))
      }
    }
  }

  static func decodingFault(of envelope: Envelope) -> DecodingFault? {
    func check<Body: MessageBody>(_ type: Body.Type) -> DecodingFault? {
      do throws(DecodingFault) {
        _ = try Body(envelope.body)
        return nil
      } catch {
        return error
      }
    }
    return switch envelope.kind {
    case .epochOpen: check(EpochOpen.self)
    case .keyOffer: check(KeyOffer.self)
    case .keySet: check(KeySet.self)
    case .keyConfirm: check(KeyConfirm.self)
    case .confirmSet: check(ConfirmSet.self)
    case .catchUp: check(CatchUp.self)
    case .roundOpen: check(RoundOpen.self)
    case .shares: check(Shares.self)
    case .lock1: check(Lock1.self)
    case .masked: check(Masked.self)
    case .lock2: check(Lock2.self)
    case .ack: check(Ack.self)
    case .ackSet: check(AckSet.self)
    case .unmask: check(Unmask.self)
    case .result: check(ResultMessage.self)
    case .abort: check(AbortMessage.self)
    }
  }

  /// Two different messages of one party in one slot.
  private mutating func examineSlots() {
    for (position, entry) in signed.enumerated() {
      let first = entry.envelope
      for other in signed[(position + 1)...] where other.envelope.sender == first.sender {
        let second = other.envelope
        guard first.kind == second.kind, first.round == second.round,
          first.body != second.body || first.epoch != second.epoch
        else { continue }
        if first.epoch == second.epoch, Self.excludes(first, second) {
          find(
            Finding(
              .equivocation, by: [first.sender], in: first,
              "signed two different versions of its \(first.kind)"))
        } else if first.epoch != second.epoch, first.kind == .roundOpen {
          find(
            Finding(
              .roundReopened, by: [first.sender], in: second,
              "opened the same round number in epochs \(min(first.epoch, second.epoch)) and"
                + " \(max(first.epoch, second.epoch))"))
        }
      }
    }
  }

  /// Whether no party that follows the protocol signs both, their epochs and rounds being the same.
  private static func excludes(_ first: Envelope, _ second: Envelope) -> Bool {
    switch first.kind {
    case .abort, .catchUp: return false
    case .lock1:
      // Everyone's Lock1 has the same members and its own parcels.
      guard let one = try? Lock1(first.body), let other = try? Lock1(second.body) else {
        return false
      }
      return one.members != other.members || one.recipients == other.recipients
    case .lock2:
      // In fast mode everyone's Lock2 has its own checks.
      guard let one = try? Lock2(first.body), let other = try? Lock2(second.body) else {
        return false
      }
      return one.members != other.members || one.vectorDigests != other.vectorDigests
        || one.commitments != other.commitments || one.recipients == other.recipients
    default: return true
    }
  }
}

extension Lock1 {
  /// The site that it is for: a member without a parcel.
  var recipients: [UInt16] {
    members.filter { member in !parcels.contains { $0.sender == member } }
  }
}

extension Lock2 {
  /// In fast mode the site that it is for.
  var recipients: [UInt16] { members.filter { member in !checks.contains { $0.peer == member } } }
}
