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

/// Draws the noise of revealed seeds again.
let revealedNoise: LayerNoise = { seeds, count in
  try DiscreteGaussian.sum(
    of: seeds.map { (bytes: $0.bytes, variance: $0.variance) }, count: count)
}

extension SiteRun {
  /// The layers of noise that may come off the sum of a query, as every party derives them.
  func noiseLayers(of query: SumQuery, length: Int) throws -> [NoiseLayer] {
    guard let noise = query.noise else { return [] }
    return try schedule(noise, length: length).layers.map {
      NoiseLayer(
        largestSurvivorCount: UInt16($0.largestSurvivorCount), variance: $0.variance)
    }
  }

  private func schedule(_ noise: NoiseRequirement, length: Int) throws -> NoiseSchedule {
    let manifest = setup.manifest.manifest
    return try noise.schedule(
      for: plan, siteCount: manifest.siteCount, threshold: manifest.threshold,
      vectorLength: length)
  }

  /// Hands the session the answer with this site's share of the noise, drawn anew for every round: the
  /// same noise in two sums over different sites would cancel in their difference.
  func answer(_ values: [Int64], digest: Digest) throws -> [SiteAction] {
    guard let cost, cost.digest == digest else { return session.answer(values) }
    let schedule = try schedule(cost.noise, length: values.count)
    var noisy = values
    let seeds = try SecretBytes(
      random: NoiseLayer.seedByteCount * schedule.layers.count, from: &entropy)
    try schedule.addNoise(
      to: &noisy, baseSeed: SecretBytes(random: NoiseLayer.seedByteCount, from: &entropy),
      layerSeeds: seeds)
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
