/// What a party did that the protocol never does, as signed messages show it.
public enum Offence: String, Sendable, CaseIterable {
  /// Two different signed messages where the protocol allows one.
  case equivocation
  /// A round number opened in two epochs.
  case roundReopened = "round-reopened"
  /// Signed bytes that are no message of their kind.
  case malformed
  /// A signed message of a kind that is for the other role.
  case foreignKind = "foreign-kind"
  /// A set of sites, a number or a length that breaks the rules of the manifest or of the round.
  case ruleBroken = "rule-broken"
  /// A round with fewer sites than the manifest demands.
  case tooFew = "too-few"
  /// A key that is not the one its owner signed, or is another's.
  case keyReplaced = "key-replaced"
  /// Acknowledgements that are forged, of strangers, or fewer than the threshold.
  case falseAcknowledgement = "false-acknowledgement"
  /// A statement that contradicts its sender's own messages of the round.
  case contradiction
  /// One question, opened for one set of sites, put again for a set that is too near.
  case differencing
  /// A published sum that is not the sum of what was sent.
  case falseSum = "false-sum"
  /// A revealed secret that does not fit its owner's commitment.
  case wrongSecret = "wrong-secret"
  /// A revealed share that does not lie on the polynomial of the others.
  case wrongShare = "wrong-share"
  /// Two attestations of one round with different results.
  case attestationConflict = "attestation-conflict"
  /// A site that forgot rounds it had signed for: its disk was put back.
  case journalWentBack = "journal-went-back"
}

/// One thing that signed messages prove.
public struct Finding: Sendable, Hashable {
  public let offence: Offence
  /// Who did it, ascending, 0 for the aggregator. With more than one: at least one of them did.
  public let accused: [UInt16]
  public let epoch: UInt32
  /// 0 when it belongs to setting up an epoch.
  public let round: UInt64
  /// What exactly, in words, without names.
  public let detail: String

  init(
    _ offence: Offence, by accused: some Sequence<UInt16>, epoch: UInt32, round: UInt64,
    _ detail: String
  ) {
    self.offence = offence
    self.accused = Set(accused).sorted()
    self.epoch = epoch
    self.round = round
    self.detail = detail
  }

  init(
    _ offence: Offence, by accused: some Sequence<UInt16>, in envelope: Envelope,
    _ detail: String
  ) {
    self.init(
      offence, by: accused, epoch: envelope.epoch, round: envelope.round, detail)
  }

  /// A sentence for people: who, when, what.
  public func sentence(name: (UInt16) -> String) -> String {
    let names = accused.map(name)
    let who = names.count == 1 ? names[0] : "At least one of " + names.joined(separator: ", ")
    let place = round == 0 ? "while keys of epoch \(epoch) were agreed" : "in round \(round)"
    return "\(who), \(place): \(detail) (\(offence.rawValue))."
  }
}

extension Manifest {
  /// A party in words: the site's name, or the aggregator's.
  public func name(_ index: UInt16) -> String {
    if index == 0 { return "The aggregator \(aggregatorName)" }
    let position = Int(index) - 1
    return position < roster.count
      ? "Site \(index), \(roster[position].siteName) (\(roster[position].legalEntity))"
      : "Site \(index)"
  }
}
