import Cryptography
import DifferentialPrivacy
import FixedPoint
import SecureAggregation
import Store
import Study

/// This site's part of the noise of a study under differential privacy.
enum SiteNoise {
  /// The secret from which the randomness of noisy site answers is derived: the same after a restart,
  /// so that an answer given twice is one answer, and another one for other data, so that the same noise
  /// never covers two answers that differ. A signature under a label that nothing else is signed under
  /// is a secret of the key's holder; it is hashed and never leaves.
  static func key(
    _ signingKey: SigningKey, plan: StudyPlan, fingerprint: Digest
  ) -> [UInt8] {
    let statement = Array("wardround site noise key".utf8) + plan.digest.bytes
    return Blake2b.hash(
      "wardround.noisek", signingKey.signature(for: statement).bytes, fingerprint.bytes
    ).bytes
  }
}

extension SiteRun {
  /// Hands the session the answer with the base share of the noise, and the seeds of the layers that it
  /// adds, drawn anew for every round: the same noise in two sums over different sites would cancel in
  /// their difference. What the site made from a noisy number alone gets no more.
  func answer(_ asked: Asked) throws -> [SiteAction] {
    guard let noise = asked.noise, !asked.query.isNoisedAtEachSite else {
      return session.answer(asked.values)
    }
    let schedule = try noise.schedule(
      for: plan, manifest: setup.manifest.manifest, length: asked.values.count)
    var noisy = asked.values
    let seeds = try SecretBytes(
      random: NoiseLayer.seedByteCount * schedule.layers.count, from: &entropy)
    try schedule.addBase(
      to: &noisy, seed: SecretBytes(random: NoiseLayer.seedByteCount, from: &entropy))
    return session.answer(noisy, layerSeeds: schedule.layers.isEmpty ? nil : seeds)
  }

  /// What the vectors cost that the records let out.
  func charges(for records: [JournalRecord]) -> [LedgerCharge] {
    records.compactMap { record in
      guard case .committed = record.content else { return nil }
      return asked?.charge(study: plan.id, round: record.round)
    }
  }
}

extension SiteRun.Asked {
  /// The charge of one round; nil for a sum without noise.
  func charge(study: String, round: UInt64) -> LedgerCharge? {
    noise.map {
      LedgerCharge($0, study: study, query: digest.bytes, round: round, purpose: purpose)
    }
  }
}
