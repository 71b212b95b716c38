import CanonicalBytes
import Cryptography
import FixedPoint

/// What sites signed of their own secrets, sizes and history.
extension EvidenceReview {
  mutating func examineSites() {
    examineSizes()
    examineSecrets()
    examineLayerSeeds()
    examineShares()
    examineAttestations()
    examineHistory()
  }

  /// A masked vector announced with another size than the round has. The header does not say which
  /// RoundOpen it answers, so a false one could be the aggregator's.
  private mutating func examineSizes() {
    for masked in all(Masked.self) {
      for open in all(RoundOpen.self, like: masked.envelope)
      where open.body.vectorLength != masked.body.vectorLength
        || open.body.ringWidth != masked.body.ringWidth
      {
        find(
          Finding(
            .contradiction, by: [0, masked.sender], in: masked.envelope,
            "the vector of site \(masked.sender) was announced with \(masked.body.vectorLength)"
              + " numbers where the round has \(open.body.vectorLength)"))
      }
    }
  }

  /// What a site committed to for a round: in its Shares, or in the Unmask before a fast round that
  /// it took part in by its own signature.
  private func commitments(
    of site: UInt16, like envelope: Envelope
  ) -> (selfSecret: Digest, maskSecret: Digest)? {
    if let shares = all(Shares.self, like: envelope).first(where: { $0.sender == site }) {
      return (shares.body.selfCommitment, shares.body.maskCommitment)
    }
    let isFast = all(Masked.self, like: envelope).contains {
      $0.sender == site && !$0.body.checks.isEmpty
    }
    guard isFast, envelope.round > 0 else { return nil }
    let before = all(Unmask.self).first {
      $0.sender == site && $0.envelope.epoch == envelope.epoch
        && $0.envelope.round == envelope.round - 1
    }
    return before?.body.prefetch.map { ($0.selfCommitment, $0.maskCommitment) }
  }

  private mutating func examineSecrets() {
    for unmask in all(Unmask.self) {
      guard let committed = commitments(of: unmask.sender, like: unmask.envelope) else { continue }
      let commitment = unmask.body.selfSecret.bytes.withUnsafeBytes {
        Derivations.commitment(Labels.selfCommitment, to: $0)
      }
      if commitment != committed.selfSecret {
        find(
          Finding(
            .wrongSecret, by: [unmask.sender], in: unmask.envelope,
            "opened another secret than it had committed to"))
      }
    }
  }

  /// Revealed seeds of noise against what the site's own Masked committed to.
  private mutating func examineLayerSeeds() {
    for unmask in all(Unmask.self) where !unmask.body.layerSeeds.isEmpty {
      let seeds = unmask.body.layerSeeds
      guard
        let masked = all(Masked.self, like: unmask.envelope)
          .first(where: { $0.sender == unmask.sender })
      else { continue }
      for open in all(RoundOpen.self, like: unmask.envelope) {
        let transcript = transcript(of: open)
        // The layers that come off are the last ones: limits descend.
        let first = masked.body.commitments.count - seeds.count
        let fits =
          first >= 0
          && seeds.enumerated().allSatisfy { position, seed in
            seed.withUnsafeBytes {
              NoiseLayer.commitment(
                to: $0, layer: first + position, site: unmask.sender, round: transcript)
            } == masked.body.commitments[first + position]
          }
        guard !fits else { continue }
        // Neither message says which RoundOpen it belongs to: a false one could be the aggregator's.
        find(
          Finding(
            .wrongSecret, by: [0, unmask.sender], in: unmask.envelope,
            "site \(unmask.sender) revealed another seed of noise than it had committed to"))
      }
    }
  }

  /// Shares that do not lie on the polynomial of a secret that fits its commitment. Who gave and who
  /// passed on such a share cannot be told apart.
  private mutating func examineShares() {
    let unmasks = all(Unmask.self)
    let rounds = Set(unmasks.map { [UInt64($0.envelope.epoch), $0.envelope.round] })
    for round in rounds {
      let inRound = unmasks.filter {
        [UInt64($0.envelope.epoch), $0.envelope.round] == round
      }.sorted { $0.sender < $1.sender }
      guard Set(inRound.map(\.sender)).count == inRound.count,
        let envelope = inRound.first?.envelope
      else { continue }
      let owners = Set(
        inRound.flatMap { $0.body.selfShares.map(\.owner) + $0.body.maskShares.map(\.owner) })
      for owner in owners.sorted() {
        guard let committed = commitments(of: owner, like: envelope) else { continue }
        let lists: [(KeyPath<Unmask, [Unmask.OwnedShare]>, Digest, HashLabel)] = [
          (\.selfShares, committed.selfSecret, Labels.selfCommitment),
          (\.maskShares, committed.maskSecret, Labels.maskCommitment),
        ]
        for (list, commitment, label) in lists {
          let shares = inRound.compactMap { unmask in
            unmask.body[keyPath: list].first { $0.owner == owner }
              .map { Shamir.Share(point: unmask.sender, value: $0.share) }
          }
          var reconstruction = Reconstruction(threshold: manifest.manifest.threshold)
          let secret = try? reconstruction.secret(
            of: owner, from: shares, commitment: commitment, label: label, missing: [])
          guard secret != nil else { continue }
          for holder in reconstruction.wrongSigners {
            find(
              Finding(
                .wrongShare, by: [holder, owner], in: envelope,
                "site \(holder) opened a share of site \(owner)'s secret that is not one: it changed"
                  + " the share, or was given a wrong one"))
          }
        }
      }
    }
  }

  private mutating func examineAttestations() {
    var seen: [UInt16: [UInt64: Digest]] = [:]
    let stated: [(Envelope, Attestation)] =
      all(KeyOffer.self).map { ($0.envelope, $0.body.accepted) }
      + all(Shares.self).compactMap { entry in entry.body.attestation.map { (entry.envelope, $0) } }
      + all(Masked.self).compactMap { entry in entry.body.attestation.map { (entry.envelope, $0) } }
    for (envelope, attestation) in stated {
      let site = envelope.sender
      guard let key = manifest.key(of: site),
        attestation.isValid(manifest: manifest.digest, key: key)
      else {
        find(
          Finding(
            .malformed, by: [site], in: envelope,
            "sent an attestation that its key did not sign"))
        continue
      }
      if let digest = seen[site]?[attestation.round], digest != attestation.digest {
        find(
          Finding(
            .attestationConflict, by: [site], in: envelope,
            "attested two different results of round \(attestation.round)"))
      }
      seen[site, default: [:]][attestation.round] = attestation.digest
    }
  }

  /// A KeyOffer that knows of fewer rounds than the same site signed for in an earlier epoch.
  private mutating func examineHistory() {
    for offer in all(KeyOffer.self) {
      let beyond = signed.filter {
        $0.envelope.sender == offer.sender && !$0.envelope.kind.isSetup
          && $0.envelope.kind != .abort && $0.envelope.epoch < offer.envelope.epoch
          && $0.envelope.round > offer.body.lastRound
      }
      guard let last = beyond.map(\.envelope.round).max() else { continue }
      find(
        Finding(
          .journalWentBack, by: [offer.sender], in: offer.envelope,
          "knows of no round above \(offer.body.lastRound) after it signed for round \(last): an"
            + " older copy of its disk"))
    }
  }
}
