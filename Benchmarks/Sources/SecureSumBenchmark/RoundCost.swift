import BenchmarkSupport
import FixedPoint
import SecureAggregation

/// The processor time of one round in memory, step by step.
struct RoundCost {
  /// Seconds of each site's whole step: tag, masks, digest.
  var sites: [Double] = []
  /// Seconds in which the aggregator took and added all vectors.
  var adding = 0.0
  /// Seconds in which it took the masks off and published.
  var opening = 0.0
  /// Seconds in which it hashed all vectors, as it does while they arrive.
  var hashing = 0.0
  /// Seconds of each site's check of the published sum.
  var verifying: [Double] = []
  /// Bytes that the first site sent.
  var uploadByteCount = 0
  var participantCount = 0

  static func binding(length: Int) throws -> RoundBinding {
    guard
      let binding = RoundBinding(
        purpose: "benchmark", queryDigest: .zero, ringWidth: .bits32, answerLength: length - 1)
    else { throw Problem("--length is at least 2") }
    return binding
  }

  /// Runs a round of `siteCount` sites of which the last `silentCount` drop out after Shares.
  init(siteCount: Int, silentCount: Int, length: Int) throws {
    var rehearsal = try SecureSumRehearsal(siteCount: siteCount)
    var cost = (sites: [Double](), adding: 0.0, opening: 0.0, hashing: 0.0, verifying: [Double]())
    let report = try rehearsal.run(
      Self.binding(length: length), answer: RingVector(zeros: length - 1, width: .bits32),
      silentCount: silentCount
    ) { step, body in
      let seconds = try CPUClock.measure(body)
      switch step {
      case .begin: break
      case .mask: cost.sites.append(seconds)
      case .hash: cost.hashing += seconds
      case .add: cost.adding += seconds
      case .open: cost.opening += seconds
      case .verify: cost.verifying.append(seconds)
      }
    }
    sites = cost.sites
    adding = cost.adding
    opening = cost.opening
    hashing = cost.hashing
    verifying = cost.verifying
    uploadByteCount = report.uploadByteCounts[1] ?? 0
    participantCount = report.outcome.participants.count
    guard participantCount == siteCount - silentCount,
      report.outcome.total == RingVector(zeros: length - 1, width: .bits32)
    else { throw Problem("the sum that was opened is not the true one") }
  }
}
