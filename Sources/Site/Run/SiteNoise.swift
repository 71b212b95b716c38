import Cryptography
import DifferentialPrivacy
import FixedPoint
import SecureAggregation
import Store
import Study

/// This site's part of the noise of a study under differential privacy.
enum SiteNoise {
  /// The secret from which the randomness of noisy site answers is derived: the same after a restart,
  /// so that an answer given twice is one answer. A signature under a label that nothing else is
  /// signed under is a secret of the key's holder; it is hashed and never leaves.
  static func key(_ signingKey: SigningKey, plan: StudyPlan) -> [UInt8] {
    let statement = Array("wardround site noise key".utf8) + plan.digest.bytes
    return Blake2b.hash("wardround.noisek", signingKey.signature(for: statement).bytes).bytes
  }
}

extension SiteRun {
  /// Hands the session the answer with the base share of the noise, and the seeds of the layers that it
  /// adds, drawn anew for every round: the
  /// same noise in two sums over different sites would cancel in their difference.
  func answer(_ values: [Int64], digest: Digest) throws -> [SiteAction] {
    guard let cost, cost.digest == digest else { return session.answer(values) }
    let schedule = try cost.noise.schedule(
      for: plan, manifest: setup.manifest.manifest, length: values.count)
    var noisy = values
    let seeds = try SecretBytes(
      random: NoiseLayer.seedByteCount * schedule.layers.count, from: &entropy)
    try schedule.addBase(
      to: &noisy, seed: SecretBytes(random: NoiseLayer.seedByteCount, from: &entropy))
    return session.answer(noisy, layerSeeds: schedule.layers.isEmpty ? nil : seeds)
  }

  /// What the records open and therefore cost.
  func charges(for records: [JournalRecord]) -> [LedgerCharge] {
    guard let cost else { return [] }
    return records.compactMap { record in
      guard case .released(_, let query, _, _, _) = record.content, query == cost.digest else {
        return nil
      }
      return LedgerCharge(
        cost.noise, study: plan.id, query: query.bytes, round: record.round,
        purpose: cost.purpose)
    }
  }

  /// What a published sum cost.
  func charge(of outcome: RoundOutcome) -> LedgerCharge? {
    guard let cost, cost.digest == outcome.binding.queryDigest else { return nil }
    return LedgerCharge(
      cost.noise, study: plan.id, query: cost.digest.bytes, round: outcome.round,
      purpose: cost.purpose)
  }
}
