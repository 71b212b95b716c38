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

  /// How the noise of a sum is shared out over the study's sites.
  static func schedule(
    _ noise: NoiseRequirement, manifest: Manifest, plan: StudyPlan, vectorLength: Int
  ) throws -> NoiseSchedule {
    try NoiseSchedule(
      siteCount: manifest.roster.count,
      colluderCount: min(plan.privacy.maximumColluders, Int(manifest.threshold) - 1),
      threshold: Int(manifest.threshold), variance: noise.variance, vectorLength: vectorLength)
  }
}

extension SiteRun {
  /// The answer with this site's share of the noise, drawn anew for every round: the same noise in two
  /// sums over different sites would cancel in their difference.
  func noisy(_ values: [Int64], digest: Digest) throws -> [Int64] {
    guard let cost, cost.digest == digest else { return values }
    let schedule = try SiteNoise.schedule(
      cost.noise, manifest: setup.manifest.manifest, plan: plan, vectorLength: values.count)
    var noisy = values
    try schedule.addNoise(
      to: &noisy, baseSeed: try SecretBytes(random: 32, from: &entropy),
      layerSeeds: try SecretBytes(random: 32 * schedule.layers.count, from: &entropy))
    return noisy
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
