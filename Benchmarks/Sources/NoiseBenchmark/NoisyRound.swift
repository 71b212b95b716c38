import BenchmarkSupport
import Cryptography
import DifferentialPrivacy
import FixedPoint
import SecureAggregation

/// Processor time of one round with layers of noise and of the same round without, all parties
/// together, and of one site's steps in it (drawing and masking, checking the sum).
struct NoisyRound {
  let plain: Double
  let noisy: Double
  let plainSite: Double
  let noisySite: Double

  init(siteCount: Int, length: Int, repeats: Int) throws {
    let threshold = 2 * siteCount / 3 + 1
    let schedule = try NoiseSchedule(
      siteCount: siteCount, colluderCount: 1, threshold: threshold, variance: 1 << 30,
      vectorLength: length)
    let layers = schedule.layers.map {
      NoiseLayer(largestSurvivorCount: UInt16($0.largestSurvivorCount), variance: $0.variance)
    }
    var times: [Bool: [Double]] = [:]
    var siteTimes: [Bool: [Double]] = [:]
    for repetition in 0..<repeats {
      for isNoisy in [false, true] {
        var rehearsal = try SecureSumRehearsal(siteCount: siteCount) { seeds, variances, count in
          try DiscreteGaussian.sum(seeds: seeds, variances: variances, count: count)
        }
        var entropy = SeededEntropy(seed: UInt64(repetition))
        guard
          let binding = RoundBinding(
            purpose: "benchmark", queryDigest: .zero, ringWidth: .bits64, answerLength: length,
            layers: isNoisy ? layers : [])
        else { throw Problem("a vector of this length cannot be summed") }
        let zeros = [Int64](repeating: 0, count: length)
        func noisyAnswer(_ site: UInt16) throws -> (RingVector, layerSeeds: SecretBytes) {
          var values = zeros
          let seeds = try SecretBytes(random: 32 * layers.count, from: &entropy)
          try schedule.addBase(to: &values, seed: SecretBytes(random: 32, from: &entropy))
          guard let vector = RingVector(signed: values, width: .bits64) else {
            throw Problem("noise does not fit the ring")
          }
          return (vector, seeds)
        }
        var siteTime = 0.0
        times[isNoisy, default: []].append(
          try CPUClock.measure {
            _ = try rehearsal.run(
              binding, answer: RingVector(zeros: length, width: .bits64),
              noisy: isNoisy ? noisyAnswer : nil
            ) { step, body in
              switch step {
              case .mask, .verify: siteTime += try CPUClock.measure(body)
              default: try body()
              }
            }
          })
        siteTimes[isNoisy, default: []].append(siteTime / Double(siteCount))
      }
    }
    plain = times[false, default: []].median
    noisy = times[true, default: []].median
    plainSite = siteTimes[false, default: []].median
    noisySite = siteTimes[true, default: []].median
  }
}
