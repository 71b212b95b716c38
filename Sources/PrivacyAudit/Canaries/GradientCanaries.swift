import PortableNumerics
import Study

/// White-box canaries at the level of what is released: each is a patient whose contribution to every
/// release has the largest norm that the proof allows, in a direction of its own.
///
/// A canary adds √(Δ²) to one coordinate of every release about its group, another canary's to
/// another, so that they do not hide one another and an attacker who knows everything else faces
/// exactly the noise (Nasr et al. 2023; Andrew et al. 2024). In a step with sampling a canary takes
/// part by its own coin, as a patient does.
struct GradientCanaries: Sendable {
  struct Canary: Sendable {
    var group: PatientGroup
    var site: String
    var isIn: Bool
    /// Coordinate in sums, in answers about the group, and in answers about everybody.
    var sumCoordinate: Int
    var groupCoordinate: Int
    var everybodyCoordinate: Int
  }

  let canaries: [Canary]
  private let coinSeed: UInt64

  /// How many canaries one run can carry.
  struct Capacity: Sendable, Hashable {
    var training: Int
    var holdout: Int

    /// The coordinates that a run's releases offer, at most 200 for each group.
    init(_ observations: [Observation], siteCount: Int) {
      var sum = 200
      var holdout = 200
      var everybody = 400
      for observation in observations {
        let length = observation.residual.count
        switch (observation.site, observation.noise.group) {
        case (nil, _): sum = min(sum, length)
        case (_, .everybody): everybody = min(everybody, siteCount * length)
        case (_, .holdout): holdout = min(holdout, siteCount * length)
        case (_, .training): sum = min(sum, siteCount * length)
        }
      }
      holdout = min(holdout, sum)
      if sum + holdout + 2 * siteCount > everybody {
        sum = max(0, min(sum, (everybody - 2 * siteCount) / 2))
        holdout = min(holdout, sum)
      }
      training = sum
      self.holdout = holdout
    }

    var count: Int { training + holdout }
  }

  /// Canaries of one run, dealt out to the sites, each in or out by a fair coin.
  ///
  /// - Parameter limit: fewer than the capacity where only so many are wanted.
  init(_ capacity: Capacity, limit: Int, sites: [String], seed: UInt64, run: Int) {
    var generator = Xoshiro256StarStar(seed: SplitMix64.seed(seed, 0xCA, UInt64(run)))
    coinSeed = generator.next()
    let training = min(capacity.training, limit)
    let holdout = min(capacity.holdout, limit - training)
    var inGroup: [String: Int] = [:]
    var atSite: [String: Int] = [:]
    canaries = (0..<(training + holdout)).map { index in
      let isTraining = index < training
      let position = isTraining ? index : index - training
      let site = sites[position % max(sites.count, 1)]
      let groupKey = "\(isTraining)\(site)"
      defer {
        inGroup[groupKey, default: 0] += 1
        atSite[site, default: 0] += 1
      }
      return Canary(
        group: isTraining ? .training : .holdout, site: site,
        isIn: generator.next() & 1 == 1, sumCoordinate: position,
        groupCoordinate: inGroup[groupKey] ?? 0, everybodyCoordinate: atSite[site] ?? 0)
    }
  }

  /// The coordinate a canary has in a release; nil when the release is not about it.
  func coordinate(_ canary: Canary, noise: NoiseRequirement, site: String?) -> Int? {
    guard site == nil || site == canary.site else { return nil }
    switch noise.group {
    case .everybody: return site == nil ? canary.sumCoordinate : canary.everybodyCoordinate
    case canary.group: return site == nil ? canary.sumCoordinate : canary.groupCoordinate
    case .training, .holdout: return nil
    }
  }

  /// What a canary adds, lattice units: the whole sensitivity.
  static func amplitude(_ noise: NoiseRequirement) -> Int64 {
    Int64(Double(noise.sensitivitySquared).squareRoot().rounded(.down))
  }

  /// Adds the canaries that are in.
  func add(
    to values: inout [Int64], release: Int, noise: NoiseRequirement, site: String?
  ) {
    let amplitude = Self.amplitude(noise)
    for (index, canary) in canaries.enumerated() where canary.isIn {
      guard let coordinate = coordinate(canary, noise: noise, site: site),
        values.indices.contains(coordinate), takesPart(index, release, noise.samplingRate)
      else { continue }
      values[coordinate] &+= amplitude
    }
  }

  private func takesPart(_ index: Int, _ release: Int, _ rate: Double) -> Bool {
    guard rate < 1 else { return true }
    var generator = SplitMix64(seed: SplitMix64.seed(coinSeed, UInt64(index), UInt64(release)))
    return generator.uniformDouble() < rate
  }

  /// The log likelihood ratio of "in" over "out" for each canary, from all releases together.
  func scores(_ observations: [Observation]) -> [CanaryScore] {
    var scores = canaries.map { CanaryScore(value: 0, isIn: $0.isIn) }
    for observation in observations {
      let amplitude = Double(Self.amplitude(observation.noise))
      for (index, canary) in canaries.enumerated() {
        guard
          let coordinate = coordinate(
            canary, noise: observation.noise, site: observation.site),
          observation.residual.indices.contains(coordinate)
        else { continue }
        scores[index].value += GaussianEvidence.logRatio(
          projection: Double(observation.residual[coordinate]) * amplitude,
          squaredNorm: amplitude * amplitude, variance: observation.variance,
          samplingRate: observation.noise.samplingRate)
      }
    }
    return scores
  }
}

/// Evidence of one Gaussian release.
enum GaussianEvidence {
  /// log((1 − q) + q · N(z; v, σ²)/N(z; 0, σ²)) for a contribution v that is in with probability q.
  ///
  /// - Parameters:
  ///   - projection: ⟨z, v⟩.
  ///   - squaredNorm: |v|².
  ///   - variance: σ².
  ///   - samplingRate: q in (0, 1].
  static func logRatio(
    projection: Double, squaredNorm: Double, variance: Double, samplingRate: Double
  ) -> Double {
    let exponent = (projection - squaredNorm / 2) / variance
    guard samplingRate < 1 else { return exponent }
    let out = Portable.log1p(-samplingRate)
    return out + Portable.softplus(exponent + Portable.log(samplingRate) - out)
  }
}
