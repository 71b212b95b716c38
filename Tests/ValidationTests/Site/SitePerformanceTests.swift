import CanonicalBytes
import Testing

@testable import Validation

@Suite struct SitePerformanceTests {
  static func reference(minimumCell: Int = 10) throws -> SitePerformance {
    let cohort = SeededCohort.reference
    return try HoldoutEvaluation.evaluate(
      probabilities: cohort.first, outcome: cohort.outcomes, threshold: 0.3,
      minimumCell: minimumCell)
  }

  @Test func holdsEveryMeasure() throws {
    let site = try Self.reference()
    #expect(site.patientCount == 400)
    #expect(site.eventCount == 132)
    #expect(close(site.discrimination?.value, 0.719159882406151))
    #expect(close(site.averagePrecision?.value, 0.5596176247940023))
    #expect(close(site.brier?.value, 0.20315681060680327))
    #expect(site.thresholdPerformance?.truePositiveCount == 89)
    #expect(close(site.recalibration?.slope?.value, 0.40603316299846887, 1e-9))
    #expect(site.smoothCalibration != nil)
    #expect(site.suppressed == .none)
    #expect(site.roc.first?.falsePositiveRate == 0)
    #expect(site.roc.last?.truePositiveRate == 1)
    #expect(site.roc.count <= RiskTable.rowLimit + 1)
    #expect(site.calibrationCurve.count >= 6 && site.calibrationCurve.count <= 11)
    let error = try #require(site.expectedCalibrationError)
    #expect(error > 0.05 && error < 0.2)
    let benefit = site.decisionCurve.first { $0.threshold == 0.3 }
    #expect(close(benefit?.model, 0.11857142857142858))
  }

  @Test(arguments: [1, 5, 10, 20, 50])
  func everyRowHoldsTheMinimumCell(minimumCell: Int) throws {
    let site = try Self.reference(minimumCell: minimumCell)
    let table = try #require(site.riskTable)
    #expect(table.rows.allSatisfy { $0.patientCount >= minimumCell })
    #expect(table.rows.count <= 64)
    #expect(table.patientCount == 400)
    #expect(table.hasCut(at: 0.3))
    let binned = try #require(table.binnedAUROC)
    let exact = try #require(site.discrimination?.value)
    #expect((binned.auroc.value - exact).magnitude <= binned.bound)
  }

  @Test func orderOfPatientsDoesNotChangeABit() throws {
    let cohort = SeededCohort.reference
    let turned = try HoldoutEvaluation.evaluate(
      probabilities: cohort.first.reversed(), outcome: cohort.outcomes.reversed(),
      threshold: 0.3, minimumCell: 10)
    #expect(turned.canonicalBytes == (try Self.reference()).canonicalBytes)
  }

  @Test func oneClassHasCountAndRatioOnly() throws {
    for outcome in [true, false] {
      let site = try HoldoutEvaluation.evaluate(
        probabilities: [Double](repeating: 0.25, count: 40),
        outcome: [Bool](repeating: outcome, count: 40), threshold: 0.5, minimumCell: 10)
      #expect(site.patientCount == 40)
      #expect(site.observedExpected?.ratio == (outcome ? 4 : 0))
      #expect(site.discrimination == nil && site.brier == nil && site.riskTable == nil)
      #expect(site.suppressed == .none)
      #expect(try SitePerformance(canonicalBytes: site.canonicalBytes) == site)
    }
  }

  @Test func smallClassesAndSitesAreHeldBack() throws {
    let risks = (0..<40).map { Double($0) / 50 + 0.1 }
    let small = try HoldoutEvaluation.evaluate(
      probabilities: risks, outcome: (0..<40).map { $0 >= 36 }, threshold: 0.5, minimumCell: 10)
    #expect(small.suppressed == .smallClass)
    #expect(small.patientCount == 40)
    #expect(small.eventCount == nil)
    #expect(small.observedExpected?.ratio == 0.2)
    #expect(small.observedExpected?.observedCount == nil)
    #expect(small.discrimination == nil && small.riskTable == nil)
    let tiny = try HoldoutEvaluation.evaluate(
      probabilities: [0.2, 0.4], outcome: [true, false], threshold: 0.5, minimumCell: 10)
    #expect(tiny.suppressed == .smallSite)
    #expect(tiny.patientCount == nil && tiny.observedExpected == nil)
    let empty = try HoldoutEvaluation.evaluate(
      probabilities: [], outcome: [], threshold: 0.5, minimumCell: 10)
    #expect(empty.patientCount == 0)
    for site in [small, tiny, empty] {
      #expect(try SitePerformance(canonicalBytes: site.canonicalBytes) == site)
    }
  }

  @Test func aThresholdWithFewAboveItHasNoTable() throws {
    var risks = (0..<60).map { Double($0) / 100 + 0.005 }
    risks.append(0.9)
    let site = try HoldoutEvaluation.evaluate(
      probabilities: risks, outcome: risks.indices.map { $0.isMultiple(of: 3) }, threshold: 0.8,
      minimumCell: 10)
    #expect(site.discrimination != nil)
    #expect(site.thresholdPerformance == nil)
    #expect(site.riskTable?.hasCut(at: 0.8) == false)
    #expect(try SitePerformance(canonicalBytes: site.canonicalBytes) == site)
  }

  @Test func aThresholdNobodyReachesIsFine() throws {
    let risks = (0..<60).map { Double($0) / 100 + 0.005 }
    let site = try HoldoutEvaluation.evaluate(
      probabilities: risks, outcome: risks.indices.map { $0.isMultiple(of: 3) }, threshold: 0.8051,
      minimumCell: 10)
    #expect(site.thresholdPerformance?.sensitivity?.value == 0)
    #expect(site.thresholdPerformance?.positivePredictiveValue == nil)
    #expect(try SitePerformance(canonicalBytes: site.canonicalBytes) == site)
  }

  @Test func constantRisksAreTotal() throws {
    let site = try HoldoutEvaluation.evaluate(
      probabilities: [Double](repeating: 0, count: 40),
      outcome: (0..<40).map { $0.isMultiple(of: 2) }, threshold: 0.5, minimumCell: 10)
    #expect(site.discrimination?.value == 0.5)
    #expect(site.observedExpected == nil)
    #expect(site.recalibration?.slope == nil)
    #expect(try SitePerformance(canonicalBytes: site.canonicalBytes) == site)
  }

  @Test(arguments: [31, 32, 33, 34, 35, 36] as [UInt64])
  func roundTripsBitForBit(seed: UInt64) throws {
    let cohort = SeededCohort(count: 20 + Int(seed) * 7, seed: seed)
    let site = try HoldoutEvaluation.evaluate(
      probabilities: cohort.second, outcome: cohort.outcomes, threshold: 0.25, minimumCell: 5)
    let decoded = try SitePerformance(canonicalBytes: site.canonicalBytes)
    #expect(decoded == site, "seed \(seed)")
    #expect(decoded.canonicalBytes == site.canonicalBytes, "seed \(seed)")
  }

  @Test func bytesThatNoHospitalCanHaveAreRefused() throws {
    let bytes = try Self.reference().canonicalBytes
    // Layout: version 2, suppression 1, minimum cell 8, threshold 8, presence 1, patients at 20,
    // presence 1, events at 29.
    func refused(_ change: (inout [UInt8]) -> Void) -> ValidationError.Code? {
      var altered = bytes
      change(&altered)
      do {
        _ = try SitePerformance(canonicalBytes: altered)
        return nil
      } catch {
        return error.code
      }
    }
    #expect(refused { $0[27] = 0xFF } == .implausible)  // a negative number of patients
    #expect(refused { $0[36] = 0x80 } == .implausible)  // a negative number of events
    #expect(refused { $0[30] = 0x7F } == .implausible)  // more events than patients
    #expect(refused { $0[20] &+= 1 } == .implausible)  // not the total of the risk table
    #expect(refused { $0[2] = 9 } == .implausible)  // no such suppression
    #expect(refused { $0[2] = 2 } == .implausible)  // held back but present
    #expect(refused { $0[0] = 9 } == .malformed)  // no such version
    #expect(refused { $0.append(0) } == .malformed)
    #expect(refused { $0.removeLast() } == .malformed)
    #expect(refused { $0.removeAll() } == .malformed)
    #expect(refused { _ in } == nil)
  }

  @Test func randomBytesNeverTrap() throws {
    let bytes = try Self.reference().canonicalBytes
    var uniform = SeededUniform(seed: 77)
    var survivors = 0
    for _ in 0..<3000 {
      var altered = bytes
      for _ in 0...uniform.integer(below: 3) {
        altered[uniform.integer(below: altered.count)] = UInt8(uniform.integer(below: 256))
      }
      if uniform.integer(below: 4) == 0 {
        altered.removeLast(uniform.integer(below: altered.count))
      }
      if let decoded = try? SitePerformance(canonicalBytes: altered) {
        survivors += 1
        #expect(decoded.canonicalBytes == altered)
      }
    }
    #expect(survivors < 3000)
  }

  /// Rows of the table hold enough patients, not only enough predictions; and with one row each
  /// nothing is different.
  @Test func rowsOfTheTableHoldEnoughPatients() throws {
    var uniform = SeededUniform(seed: 91)
    for _ in 0..<40 {
      let count = 200 + uniform.integer(below: 400)
      let risks = (0..<count).map { _ in Double(uniform.integer(below: 1000)) / 1000 }
      let outcome = risks.map { Double(uniform.integer(below: 1000)) / 1000 < $0 }
      let patients = risks.map { risk in
        risk < 0.3 ? 0 : Int32(1 + uniform.integer(below: 60))
      }
      let table = try RiskTable(
        probabilities: risks, outcomes: outcome, patients: patients, threshold: 0.3,
        minimumCell: 10)
      for row in table.rows {
        let owners = zip(risks, patients).filter {
          $0.0 >= row.lowerCut && ($0.0 < row.upperCut || row.upperCut == 1)
        }.map(\.1)
        #expect(Set(owners).count >= 10)
      }
      #expect(!table.hasCut(at: 0.3), "one patient is on its left")
      let site = try HoldoutEvaluation.evaluate(
        probabilities: risks, outcome: outcome, patients: patients.map { $0 % 9 }, threshold: 0.5,
        minimumCell: 10)
      #expect(site.suppressed == .smallSite)
      let own = patients.indices.map { Int32($0) }
      #expect(
        try HoldoutEvaluation.evaluate(
          probabilities: risks, outcome: outcome, patients: own, threshold: 0.5, minimumCell: 10)
          == HoldoutEvaluation.evaluate(
            probabilities: risks, outcome: outcome, threshold: 0.5, minimumCell: 10))
    }
  }
}
