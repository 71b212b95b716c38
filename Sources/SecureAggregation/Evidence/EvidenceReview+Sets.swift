import CanonicalBytes
import Cryptography

/// What the aggregator's messages say of keys, sets and statements, and whether it may say so.
extension EvidenceReview {
  // MARK: - Keys

  mutating func examineKeys() {
    for set in all(KeySet.self) {
      let opens = all(EpochOpen.self, like: set.envelope)
      examine(
        set.body.offers, kind: .keyOffer, in: set.envelope,
        members: opens.map(\.body.members))
      var owners: [[UInt8]: UInt16] = [:]
      for message in set.body.offers {
        guard let envelope = try? Envelope(parsing: message, naming: []),
          let offer = try? KeyOffer(envelope.body)
        else { continue }
        if let owner = owners[offer.agreementKey], owner != envelope.sender {
          find(
            Finding(
              .keyReplaced, by: [owner, envelope.sender], in: set.envelope,
              "two sites offered one and the same key"))
        }
        owners[offer.agreementKey] = envelope.sender
      }
    }
    for set in all(ConfirmSet.self) {
      examine(
        set.body.confirmations, kind: .keyConfirm, in: set.envelope,
        members: all(EpochOpen.self, like: set.envelope).map(\.body.members))
      let digests = Set(
        set.body.confirmations.compactMap { message in
          (try? Envelope(parsing: message, naming: [])).flatMap { try? KeyConfirm($0.body) }?
            .offersDigest
        })
      if digests.count > 1 {
        find(
          Finding(
            .contradiction, by: [0], in: set.envelope,
            "declared keys agreed that the sites confirmed differently"))
      }
    }
  }

  /// What a KeySet or ConfirmSet passes on: each message signed by its member, for this epoch.
  private mutating func examine(
    _ messages: [[UInt8]], kind: MessageKind, in envelope: Envelope, members: [[UInt16]]
  ) {
    var senders: [UInt16] = []
    for message in messages {
      guard let inner = try? Envelope(parsing: message, naming: []), inner.kind == kind,
        inner.manifest == manifest.digest, inner.epoch == envelope.epoch, inner.round == 0,
        inner.sender != 0, let key = manifest.key(of: inner.sender),
        inner.isSigned(by: key, message: message), Self.decodingFault(of: inner) == nil
      else {
        find(
          Finding(
            .keyReplaced, by: [0], in: envelope,
            "passed on as a site's \(kind) what no site of the roster signed for this epoch"))
        continue
      }
      senders.append(inner.sender)
    }
    let isOrdered = zip(senders, senders.dropFirst()).allSatisfy { $0 < $1 }
    if senders.count == messages.count,
      !isOrdered || members.contains(where: { $0 != senders })
    {
      find(
        Finding(
          .ruleBroken, by: [0], in: envelope,
          "passed on the \(kind)s of other sites than the epoch has"))
    }
  }

  // MARK: - Sets

  mutating func examineSets() {
    let limits = manifest.manifest
    let everyone = Set(limits.everyone)
    func fewer(_ members: [UInt16], in envelope: Envelope) -> Finding? {
      guard members.count < limits.quorum else { return nil }
      return Finding(
        .tooFew, by: [0], in: envelope,
        "sent a \(envelope.kind) for \(members.count) sites where the manifest demands"
          + " \(limits.quorum)")
    }
    func broken(_ envelope: Envelope, _ detail: String) -> Finding {
      Finding(.ruleBroken, by: [0], in: envelope, detail)
    }
    for open in all(EpochOpen.self) {
      let members = open.body.members
      let isFirst = open.envelope.epoch == limits.firstEpoch
      if !everyone.isSuperset(of: members) {
        find(broken(open.envelope, "named a member that is not in the roster"))
      }
      if isFirst && members != limits.everyone || open.envelope.epoch < limits.firstEpoch {
        find(broken(open.envelope, "opened a first epoch without the whole roster"))
      }
      fewer(members, in: open.envelope).map { find($0) }
    }
    for open in all(RoundOpen.self) {
      let members = open.body.members
      let round = open.envelope.round
      let epochs = all(EpochOpen.self).filter { $0.envelope.epoch == open.envelope.epoch }
      let allowed = epochs.map { Set($0.body.members) } + [everyone]
      if !allowed.allSatisfy({ $0.isSuperset(of: members) }) {
        find(broken(open.envelope, "opened a round for a site that is not a member"))
      }
      let isInRange =
        round > 0 && round <= limits.roundLimit && open.body.vectorLength >= 2
        && open.body.vectorLength <= limits.maximumVectorLength
        && epochs.allSatisfy {
          round > $0.body.baseRound
            && round - $0.body.baseRound <= UInt64(limits.epochRoundLimit)
        }
      if !isInRange {
        find(broken(open.envelope, "opened a round with a number or length beyond the limits"))
      }
      fewer(members, in: open.envelope).map { find($0) }
    }
    for lock in all(Lock1.self) {
      let opens = all(RoundOpen.self, like: lock.envelope)
      let members = Set(lock.body.members)
      if opens.contains(where: { !members.isSubset(of: $0.body.members) })
        || !members.isSubset(of: everyone)
      {
        find(broken(lock.envelope, "locked a site into the round that was not in it"))
      }
      if lock.body.recipients.count != 1
        || !lock.body.parcels.allSatisfy({ members.contains($0.sender) })
      {
        find(broken(lock.envelope, "passed on the shares of other sites than it locked"))
      }
      fewer(lock.body.members, in: lock.envelope).map { find($0) }
    }
    for lock in all(Lock2.self) {
      let locks = all(Lock1.self, like: lock.envelope)
      let members = Set(lock.body.members)
      if locks.contains(where: { !members.isSubset(of: $0.body.members) })
        || !members.isSubset(of: everyone)
      {
        find(
          broken(lock.envelope, "stated a vector of a site that was not locked into the round"))
      }
      if lock.body.vectorDigests.count != lock.body.members.count {
        find(broken(lock.envelope, "stated more or fewer vectors than sites"))
      }
      for open in all(RoundOpen.self, like: lock.envelope)
      where lock.body.commitments.count != members.count * open.body.layers.count {
        find(broken(lock.envelope, "stated other seeds of noise than the round has"))
      }
      fewer(lock.body.members, in: lock.envelope).map { find($0) }
    }
    examineDifferencing()
  }

  /// The same question for two sets that are too near, the first of which could be opened.
  private mutating func examineDifferencing() {
    let floor = manifest.manifest.differencingFloor
    let opens = all(RoundOpen.self)
    for earlier in opens {
      let couldOpen = all(AckSet.self, like: earlier.envelope).contains {
        Self.validCount($0.body.acknowledgements, of: $0.body.statement, manifest: manifest)
          >= manifest.manifest.threshold
      }
      guard couldOpen else { continue }
      let sets = all(Lock2.self, like: earlier.envelope).map { Set($0.body.members) }
      for later in opens
      where later.envelope.round > earlier.envelope.round
        && later.body.queryDigest == earlier.body.queryDigest
      {
        for lock in all(Lock2.self, like: later.envelope) {
          let distances = sets.map { $0.symmetricDifference(lock.body.members).count }
          guard let near = distances.first(where: { $0 > 0 && $0 < floor }) else { continue }
          find(
            Finding(
              .differencing, by: [0], in: lock.envelope,
              "asked for the answer of round \(earlier.envelope.round) again, over sites that differ"
                + " by \(near) where the manifest demands \(floor)"))
        }
      }
    }
  }

  /// How many signatures in a list are their sites', over a statement.
  static func validCount(
    _ entries: [SignatureEntry], of statement: Digest, manifest: SignedManifest
  ) -> Int {
    entries.count { entry in
      guard entry.index != 0, let key = manifest.key(of: entry.index) else { return false }
      return key.isValid(entry.signature, for: statement.bytes)
    }
  }

  // MARK: - Statements

  /// What a round's statement is, by the aggregator's own RoundOpen, Lock1 and Lock2.
  private func statements(like envelope: Envelope) -> Set<Digest> {
    var found: Set<Digest> = []
    for open in all(RoundOpen.self, like: envelope) {
      for lock1 in all(Lock1.self, like: envelope) {
        for lock2 in all(Lock2.self, like: envelope) {
          found.insert(
            RoundDigests.statement(
              round: transcript(of: open), shareSet: RoundDigests.set(lock1.body.members),
              set: RoundDigests.set(lock2.body.members),
              list: RoundDigests.list(lock2.body.members, lock2.body.vectorDigests),
              layers: open.body.layers.isEmpty
                ? nil : NoiseLayer.digest(of: lock2.body.commitments)))
        }
      }
    }
    return found
  }

  mutating func examineStatements() {
    let threshold = manifest.manifest.threshold
    for set in all(AckSet.self) {
      let entries = set.body.acknowledgements
      let valid = Self.validCount(entries, of: set.body.statement, manifest: manifest)
      if valid < entries.count || valid < threshold {
        find(
          Finding(
            .falseAcknowledgement, by: [0], in: set.envelope,
            "asked sites to open their masks with \(valid) valid of \(entries.count)"
              + " acknowledgements where \(threshold) are needed"))
      }
      let own = statements(like: set.envelope)
      if !own.isEmpty, !own.contains(set.body.statement) {
        find(
          Finding(
            .contradiction, by: [0], in: set.envelope,
            "asked for the opening of another statement than it had put to the site"))
      }
    }
    for ack in all(Ack.self) {
      let key = manifest.key(of: ack.sender)
      if key?.isValid(ack.body.signature, for: ack.body.statement.bytes) != true {
        find(
          Finding(
            .falseAcknowledgement, by: [ack.sender], in: ack.envelope,
            "sent an acknowledgement that its key did not sign"))
      }
      let own = statements(like: ack.envelope)
      if !own.isEmpty, !own.contains(ack.body.statement) {
        find(
          Finding(
            .contradiction, by: [0, ack.sender], in: ack.envelope,
            "the acknowledgement is of another statement than the aggregator's"))
      }
    }
    for lock in all(Lock2.self) {
      for masked in all(Masked.self, like: lock.envelope) {
        guard let position = lock.body.members.firstIndex(of: masked.sender),
          position < lock.body.vectorDigests.count,
          lock.body.vectorDigests[position] != masked.body.vectorDigest
        else { continue }
        find(
          Finding(
            .contradiction, by: [0, masked.sender], in: lock.envelope,
            "the aggregator stated another vector of site \(masked.sender) than that site signed"))
      }
      for masked in all(Masked.self, like: lock.envelope) {
        let layerCount = masked.body.commitments.count
        guard let position = lock.body.members.firstIndex(of: masked.sender), layerCount > 0,
          !lock.body.commitments.dropFirst(position * layerCount).prefix(layerCount)
            .elementsEqual(masked.body.commitments)
        else { continue }
        find(
          Finding(
            .contradiction, by: [0, masked.sender], in: lock.envelope,
            "the aggregator stated other seeds of noise of site \(masked.sender) than that site"
              + " signed"))
      }
    }
  }
}
