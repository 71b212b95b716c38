import Testing

@testable import Validation

@Suite struct AUROCTests {
  @Test func nineWorkedByHand() throws {
    let nine = SeededCohort.nine
    let auroc = try #require(try AUROC.evaluate(scores: nine.scores, outcomes: nine.outcomes))
    #expect(auroc.value == 0.875)
    #expect(close(auroc.standardError, 0.136931, 1e-6))
  }

  /// Reference: scikit-learn 1.9.1 roc_auc_score; DeLong by the definition (numpy, all pairs).
  @Test func agreesWithPythonOnTiedScores() throws {
    let cohort = SeededCohort.reference
    let comparison = try #require(
      try AUROCComparison.evaluate(
        first: cohort.first, second: cohort.second, outcomes: cohort.outcomes))
    #expect(cohort.outcomes.filter { $0 }.count == 132)
    #expect(close(comparison.first.value, 0.719159882406151))
    #expect(close(comparison.first.standardError, 0.027756897361275686))
    #expect(close(comparison.first.logitInterval?.lower, 0.6617130176683083))
    #expect(close(comparison.first.logitInterval?.upper, 0.7702386041444249))
    #expect(close(comparison.second.value, 0.704828132066938))
    #expect(close(comparison.second.standardError, 0.028359757903240038))
    #expect(close(comparison.z, 0.6180139322735158, 1e-9))
    #expect(close(comparison.pValue, 0.5365661547310887, 1e-9))
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func equalsTheShareOfPairsWon(seed: UInt64) throws {
    let cohort = SeededCohort(count: 60, seed: seed)
    var won = 0.0
    var pairs = 0.0
    for i in 0..<60 where cohort.outcomes[i] {
      for j in 0..<60 where !cohort.outcomes[j] {
        pairs += 1
        if cohort.second[i] > cohort.second[j] { won += 1 }
        if cohort.second[i] == cohort.second[j] { won += 0.5 }
      }
    }
    let auroc = try AUROC.evaluate(scores: cohort.second, outcomes: cohort.outcomes)
    #expect(close(auroc?.value, won / pairs), "seed \(seed)")
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func invariantUnderMonotoneTransformAndOrder(seed: UInt64) throws {
    let cohort = SeededCohort(count: 80, seed: seed)
    let plain = try AUROC.evaluate(scores: cohort.first, outcomes: cohort.outcomes)
    let bent = try AUROC.evaluate(
      scores: cohort.first.map { $0 * $0 * $0 - 7 }, outcomes: cohort.outcomes)
    let turned = try AUROC.evaluate(
      scores: cohort.first.reversed(), outcomes: cohort.outcomes.reversed())
    #expect(plain == bent, "seed \(seed)")
    #expect(plain == turned, "seed \(seed)")
  }

  @Test(arguments: [21, 22, 23] as [UInt64])
  func turningScoresOrOutcomesGivesTheComplement(seed: UInt64) throws {
    let cohort = SeededCohort(count: 80, seed: seed)
    let plain = try #require(
      try AUROC.evaluate(scores: cohort.second, outcomes: cohort.outcomes))
    let negated = try #require(
      try AUROC.evaluate(scores: cohort.second.map { -$0 }, outcomes: cohort.outcomes))
    let swapped = try #require(
      try AUROC.evaluate(scores: cohort.second, outcomes: cohort.outcomes.map { !$0 }))
    #expect(close(negated.value, 1 - plain.value), "seed \(seed)")
    #expect(close(swapped.value, 1 - plain.value), "seed \(seed)")
    #expect(close(negated.standardError, plain.standardError ?? -1), "seed \(seed)")
  }

  @Test func degenerateInputsGiveNilOrAHalf() throws {
    #expect(try AUROC.evaluate(scores: [], outcomes: []) == nil)
    #expect(try AUROC.evaluate(scores: [0.1, 0.2], outcomes: [true, true]) == nil)
    let tied = try AUROC.evaluate(
      scores: [0.5, 0.5, 0.5, 0.5], outcomes: [true, false, true, false])
    #expect(tied?.value == 0.5)
    #expect(tied?.standardError == 0)
    #expect(tied?.interval == nil)
    let single = try AUROC.evaluate(scores: [0.1, 0.2, 0.3], outcomes: [false, false, true])
    #expect(single?.value == 1)
    #expect(single?.standardError == nil)
    #expect(single?.logitEstimate == nil)
  }

  @Test func nonFiniteScoresAndRaggedColumnsAreRefused() {
    #expect(throws: ValidationError(.outOfRange, "", field: "")) {
      try AUROC.evaluate(scores: [.nan, 0.2], outcomes: [true, false])
    }
    #expect(throws: ValidationError(.outOfRange, "", field: "")) {
      try AveragePrecision.evaluate(scores: [.infinity, 0.2], outcomes: [true, false])
    }
    #expect(throws: ValidationError(.lengthMismatch, "", field: "")) {
      try AUROC.evaluate(scores: [0.2], outcomes: [true, false])
    }
  }

  @Test func identicalModelsDoNotDiffer() throws {
    let cohort = SeededCohort.reference
    let comparison = try #require(
      try AUROCComparison.evaluate(
        first: cohort.first, second: cohort.first, outcomes: cohort.outcomes))
    #expect(comparison.difference.value == 0)
    #expect(comparison.difference.standardError == 0)
    #expect(comparison.z == nil)
  }

  @Test(arguments: [2, 4, 8, 16, 64])
  func binnedValueStaysWithinItsBound(bins: Int) throws {
    let cohort = SeededCohort.reference
    var events = [Int](repeating: 0, count: bins)
    var others = events
    for (score, outcome) in zip(cohort.first, cohort.outcomes) {
      let bin = min(bins - 1, Int(score * Double(bins)))
      if outcome { events[bin] += 1 } else { others[bin] += 1 }
    }
    let binned = try #require(BinnedAUROC(eventCounts: events, nonEventCounts: others))
    let exact = try #require(
      try AUROC.evaluate(scores: cohort.first, outcomes: cohort.outcomes))
    #expect((binned.auroc.value - exact.value).magnitude <= binned.bound)
  }

  @Test func histogramsThatCannotBeAreNil() {
    #expect(BinnedAUROC(eventCounts: [1, -1], nonEventCounts: [1, 1]) == nil)
    #expect(BinnedAUROC(eventCounts: [1], nonEventCounts: [1, 1]) == nil)
    #expect(BinnedAUROC(eventCounts: [], nonEventCounts: []) == nil)
    #expect(AveragePrecision(eventCounts: [1, -1], nonEventCounts: [1, 1]) == nil)
  }

  @Test func comparisonsRoundTripAndRefuseWhatCannotBe() throws {
    let cohort = SeededCohort.reference
    let comparison = try #require(
      try AUROCComparison.evaluate(
        first: cohort.first, second: cohort.second, outcomes: cohort.outcomes))
    let bytes = comparison.canonicalBytes
    #expect(try AUROCComparison(canonicalBytes: bytes) == comparison)
    #expect(throws: ValidationError(.malformed, "", field: "")) {
      try AUROCComparison(canonicalBytes: Array(bytes.dropLast()))
    }
    var negative = bytes
    negative[9] = 0xBF  // the first AUROC with its sign turned
    #expect(throws: ValidationError(.implausible, "", field: "")) {
      try AUROCComparison(canonicalBytes: negative)
    }
    var uniform = SeededUniform(seed: 79)
    for _ in 0..<2000 {
      var altered = bytes
      altered[uniform.integer(below: altered.count)] = UInt8(uniform.integer(below: 256))
      if let decoded = try? AUROCComparison(canonicalBytes: altered) {
        #expect(decoded.canonicalBytes == altered)
      }
    }
  }
}
