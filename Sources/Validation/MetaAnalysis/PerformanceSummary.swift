import PortableNumerics

/// A random-effects summary of one performance measure over hospitals, on the scale people read.
///
/// AUROC is pooled on the logit scale, O:E on the log scale, calibration in the large and the
/// calibration slope as they are (Debray 2017; Snell 2018).
public struct PerformanceSummary: Sendable, Codable, Equatable {
  /// The measures that are pooled.
  public enum Measure: String, Sendable, Codable, CaseIterable {
    /// AUROC, within hospitals.
    case auroc
    /// Observed over expected events.
    case observedExpectedRatio = "observed-expected-ratio"
    /// Calibration in the large.
    case calibrationInTheLarge = "calibration-in-the-large"
    /// Calibration slope.
    case calibrationSlope = "calibration-slope"
  }

  /// The measure.
  public let measure: Measure
  /// The summary on the analysis scale: hospitals, weights, omissions, heterogeneity.
  public let analysis: MetaAnalysis
  /// The mean on the measure's own scale.
  public let mean: Double
  /// Its 95 % interval; nil for one hospital.
  public let interval: Interval?
  /// The 95 % prediction interval for a new hospital; nil with fewer than three.
  public let predictionInterval: Interval?

  /// Summarises a measure over hospitals; nil when no hospital has it with a standard error.
  public init?(
    _ measure: Measure, sites: [(site: String, performance: SitePerformance)],
    estimator: MetaAnalysis.HeterogeneityEstimator = .restrictedMaximumLikelihood,
    method: MetaAnalysis.IntervalMethod = .hartungKnapp
  ) {
    let inputs = sites.map { entry in
      (site: entry.site, estimate: measure.estimate(entry.performance))
    }
    guard let analysis = MetaAnalysis(inputs, estimator: estimator, method: method) else {
      return nil
    }
    self.measure = measure
    self.analysis = analysis
    mean = measure.display(analysis.mean.value)
    interval = analysis.interval.flatMap(measure.display)
    predictionInterval = analysis.predictionInterval.flatMap(measure.display)
  }
}

extension PerformanceSummary.Measure {
  /// The measure of one hospital on the analysis scale.
  public func estimate(_ performance: SitePerformance) -> Estimate? {
    switch self {
    case .auroc: return performance.discrimination?.logitEstimate
    case .observedExpectedRatio: return performance.observedExpected?.logEstimate
    case .calibrationInTheLarge: return performance.recalibration?.calibrationInTheLarge
    case .calibrationSlope: return performance.recalibration?.slope
    }
  }

  /// From the analysis scale to the scale people read.
  public func display(_ value: Double) -> Double {
    switch self {
    case .auroc: return Portable.sigmoid(value)
    case .observedExpectedRatio: return Portable.exp(value)
    case .calibrationInTheLarge, .calibrationSlope: return value
    }
  }

  /// The same for both ends of an interval; nil when an end overflows.
  func display(_ interval: Interval) -> Interval? {
    Interval(lower: display(interval.lower), upper: display(interval.upper))
  }
}
