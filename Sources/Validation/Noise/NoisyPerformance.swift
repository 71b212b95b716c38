import PortableNumerics

/// Performance from a table of risks by outcome that was released with noise.
///
/// Every measure is a function of the noisy table alone. Standard errors come from a parametric
/// bootstrap of the release: patients are drawn again and the same noise is added again, so that the
/// intervals include both.
public struct NoisyPerformance: Sendable {
  /// Patients without the outcome per bin of risk, as released.
  public let nonEvents: [Double]
  /// Patients with the outcome per bin of risk, as released.
  public let events: [Double]
  /// Inner cut points of the risk, ascending.
  public let cuts: [Double]
  /// Variance of the noise of each cell, patients².
  public let noiseVariance: Double

  /// Draws of the bootstrap.
  static let replicates = 200

  /// A released table. Throws `lengthMismatch`; `outOfRange` for cuts that do not ascend within
  /// 0 … 1, or a variance below 0.
  public init(
    nonEvents: [Double], events: [Double], cuts: [Double], noiseVariance: Double
  ) throws(ValidationError) {
    guard nonEvents.count == events.count, events.count == cuts.count + 1 else {
      throw ValidationError(.lengthMismatch, "one count per bin and class", field: "events")
    }
    guard zip([0] + cuts, cuts + [1]).allSatisfy({ $0 <= $1 }), noiseVariance >= 0 else {
      throw ValidationError(.outOfRange, "cuts must ascend within 0 to 1", field: "cuts")
    }
    self.nonEvents = nonEvents
    self.events = events
    self.cuts = cuts
    self.noiseVariance = noiseVariance
  }

  /// Predicted risk that stands for a bin: the middle on the logit scale.
  var risks: [Double] {
    let inner = cuts.map { Portable.logit(min(max($0, 1e-6), 1 - 1e-6)) }
    guard let first = inner.first, let last = inner.last else { return [0.5] }
    let outer = [first - 1] + inner + [last + 1]
    return (0...cuts.count).map { Portable.sigmoid((outer[$0] + outer[$0 + 1]) / 2) }
  }

  /// Everything that one table says.
  private struct Measures {
    var auroc: Double?
    var logRatio: Double?
    var slope: Double?
    var large: Double?
    var brier: Double
  }

  private static func measures(
    events: [Double], nonEvents: [Double], _ risks: [Double]
  ) -> Measures {
    let positives = events.reduce(0, +)
    let negatives = nonEvents.reduce(0, +)
    var wins = 0.0
    var below = 0.0
    var expected = 0.0
    var loss = 0.0
    for bin in risks.indices {
      wins += events[bin] * (below + nonEvents[bin] / 2)
      below += nonEvents[bin]
      expected += risks[bin] * (events[bin] + nonEvents[bin])
      loss +=
        events[bin] * (1 - risks[bin]) * (1 - risks[bin])
        + nonEvents[bin] * risks[bin] * risks[bin]
    }
    let fit = GroupedLogistic(
      predictors: risks.map { Portable.logit($0) }, events: events, nonEvents: nonEvents)
    return Measures(
      auroc: positives > 0.5 && negatives > 0.5 ? wins / (positives * negatives) : nil,
      logRatio: positives > 0.5 && expected > 0 ? Portable.log(positives / expected) : nil,
      slope: fit?.slope, large: fit?.calibrationInTheLarge,
      brier: positives + negatives > 0 ? loss / (positives + negatives) : 0)
  }

  /// The performance with intervals that include the noise.
  ///
  /// - Parameters:
  ///   - threshold: the study's decision threshold.
  ///   - seed: of the bootstrap; the same everywhere.
  public func performance(threshold: Double, seed: UInt64) -> SitePerformance {
    let positives = NoisyCounts.projected(events)
    let negatives = NoisyCounts.projected(nonEvents)
    let wholeEvents = NoisyCounts.whole(positives)
    let wholeOthers = NoisyCounts.whole(negatives)
    let eventCount = wholeEvents.reduce(0, +)
    let patientCount = eventCount + wholeOthers.reduce(0, +)
    let risks = risks
    let found = Self.measures(events: positives, nonEvents: negatives, risks)
    let spread = bootstrap(positives, negatives, risks, seed: seed)
    let edges = [0] + cuts + [1]
    let rows = risks.indices.map { bin in
      RiskTable.Row(
        lowerCut: edges[bin], upperCut: edges[bin + 1],
        patientCount: wholeEvents[bin] + wholeOthers[bin], eventCount: wholeEvents[bin],
        predictedSum: risks[bin] * Double(wholeEvents[bin] + wholeOthers[bin]))
    }
    let expected = rows.reduce(0) { $0 + $1.predictedSum }
    let hasBoth = eventCount > 0 && eventCount < patientCount
    return SitePerformance(
      minimumCell: 1, suppressed: .none, patientCount: patientCount, eventCount: eventCount,
      threshold: threshold,
      observedExpected: found.logRatio.flatMap {
        ObservedExpectedRatio(
          observedCount: eventCount, expectedCount: expected,
          logEstimate: Estimate(value: $0, standardError: spread.logRatio))
      },
      discrimination: hasBoth
        ? found.auroc.flatMap { AUROC(value: $0, standardError: spread.auroc.map { min($0, 1) }) }
        : nil,
      averagePrecision: hasBoth
        ? AveragePrecision(eventCounts: wholeEvents, nonEventCounts: wholeOthers) : nil,
      brier: patientCount > 0
        ? BrierScore(
          value: min(max(found.brier, 0), 1), standardError: spread.brier.map { min($0, 1) },
          prevalence: Double(eventCount) / Double(patientCount)) : nil,
      recalibration: found.large.flatMap {
        Estimate(value: $0, standardError: spread.large)
      }.map {
        Recalibration(
          calibrationInTheLarge: $0,
          slope: found.slope.flatMap { Estimate(value: $0, standardError: spread.slope) },
          intercept: nil)
      },
      riskTable: patientCount > 0 ? RiskTable(unchecked: rows) : nil,
      countNoiseVariance: noiseVariance * Double(risks.count))
  }

  /// Standard deviations over draws of the release; nil where fewer than half the draws have a value.
  private struct Spread {
    var auroc: Double?
    var logRatio: Double?
    var slope: Double?
    var large: Double?
    var brier: Double?
  }

  private func bootstrap(
    _ positives: [Double], _ negatives: [Double], _ risks: [Double], seed: UInt64
  ) -> Spread {
    var generator = Xoshiro256StarStar(seed: seed)
    var draws: [Measures] = []
    func again(_ counts: [Double]) -> [Double] {
      NoisyCounts.projected(
        counts.map {
          $0 + generator.normalDouble() * ($0 + noiseVariance).squareRoot()
        })
    }
    for _ in 0..<Self.replicates {
      let events = again(positives)
      let nonEvents = again(negatives)
      draws.append(Self.measures(events: events, nonEvents: nonEvents, risks))
    }
    func deviation(_ values: [Double]) -> Double? {
      guard values.count >= Self.replicates / 2 else { return nil }
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(values.count - 1)).squareRoot()
    }
    return Spread(
      auroc: deviation(draws.compactMap(\.auroc)),
      logRatio: deviation(draws.compactMap(\.logRatio)),
      slope: deviation(draws.compactMap(\.slope)), large: deviation(draws.compactMap(\.large)),
      brier: deviation(draws.map(\.brier)))
  }
}
