import Foundation
import Reports
import Study
import Synchronization

/// The one JSON object that `demo` and `simulate` end in.
struct StudyOutcomeJSON: Encodable {
  var study: String
  var report: String
  var reportJSON: String
  var model: String
  var transcript: String
  var secondsTotal: Double
  var secondsPerStage: [String: Double]
  var result: String
  var sites: [Site]
  var findings: [String]

  struct Site: Encodable {
    var site: String
    /// Path of the file with its rows.
    var file: String?
    /// What the site is called in the site column, when all share one file.
    var word: String?
    var patients: Int?
    var holdoutPatients: Int?
    var events: Int?
    var auroc: Double?
    var aurocLower: Double?
    var aurocUpper: Double?
    var ownModelAUROC: Double?
    var brier: Double?
    var observedExpected: Double?
    var calibrationSlope: Double?
    var accuracy: Double?
  }

  /// - Parameter sources: where each site's rows come from.
  init(
    _ result: StudyResult, folder: String, sources: [StudyInput.Source], stages: StageClock
  ) {
    study = result.study.id
    report = "\(folder)/report.html"
    reportJSON = "\(folder)/report.json"
    model = "\(folder)/model.json"
    transcript = "\(folder)/study.transcript"
    secondsTotal = stages.total
    secondsPerStage = stages.seconds
    self.result = result.digest.hex
    let primary = result.performance.first?.sites ?? [:]
    sites = result.sites.map { facts in
      let performance = primary[facts.name]
      let source = sources.first { $0.site == facts.name }
      // The interval of the printed table and the report: on the logit scale, so within 0 and 1.
      let interval = performance?.discrimination?.logitInterval
      return Site(
        site: facts.name, file: source?.file, word: source?.word, patients: facts.patientCount,
        holdoutPatients: performance?.patientCount, events: performance?.eventCount,
        auroc: performance?.discrimination?.value,
        aurocLower: interval?.lower, aurocUpper: interval?.upper,
        ownModelAUROC: result.ownModels[facts.name]?.discrimination?.value,
        brier: performance?.brier?.value,
        observedExpected: performance?.observedExpected?.ratio,
        calibrationSlope: performance?.recalibration?.slope?.value,
        accuracy: performance?.thresholdPerformance?.accuracy?.value)
    }
    findings = result.drift.findings.map(\.sentence)
  }
}

/// Measures how long each stage of a study takes, from its progress.
final class StageClock: Sendable {
  private struct State {
    var stage = ""
    var since = ContinuousClock.now
    let start = ContinuousClock.now
    var seconds: [String: Double] = [:]
  }

  private let state = Mutex(State())

  /// A stage has been entered.
  func enter(_ stage: String) {
    state.withLock { state in
      guard stage != state.stage else { return }
      let now = ContinuousClock.now
      if !state.stage.isEmpty {
        state.seconds[state.stage, default: 0] += (now - state.since).inSeconds
      }
      state.stage = stage
      state.since = now
    }
  }

  /// Seconds per stage so far.
  var seconds: [String: Double] { state.withLock { $0.seconds } }
  /// Seconds since the clock was made.
  var total: Double { state.withLock { (ContinuousClock.now - $0.start).inSeconds } }
}

extension Duration {
  /// In seconds, as a fraction.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
