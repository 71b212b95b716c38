/// One point of a receiver operating characteristic curve.
public struct ROCPoint: Sendable, Codable, Equatable {
  /// Patients with at least this risk are flagged; 1 + nothing flagged is stated as nil.
  public let threshold: Double?
  /// Share of patients without the outcome who are flagged.
  public let falsePositiveRate: Double
  /// Share of patients with the outcome who are flagged.
  public let truePositiveRate: Double
}

/// One point of a precision-recall curve.
public struct PrecisionRecallPoint: Sendable, Codable, Equatable {
  /// Patients with at least this risk are flagged.
  public let threshold: Double
  /// Share of patients with the outcome who are flagged.
  public let recall: Double
  /// Share of flagged patients with the outcome.
  public let precision: Double
}

/// A group of patients with similar predicted risks.
public struct CalibrationBin: Sendable, Codable, Equatable {
  /// The lower end of the risks in the group, inclusive.
  public let lowerCut: Double
  /// The upper end, exclusive, or 1.
  public let upperCut: Double
  /// The mean predicted risk.
  public let meanPredicted: Double
  /// The share with the outcome, with its Wilson interval.
  public let observed: Proportion
}

extension RiskTable {
  /// The AUROC of the tabulated risks and the bound on its distance from the exact one; nil when
  /// one class is absent.
  public var binnedAUROC: BinnedAUROC? {
    BinnedAUROC(
      eventCounts: rows.map(\.eventCount), nonEventCounts: rows.map(\.nonEventCount))
  }

  /// ROC points from (0, 0) to (1, 1), at most `rowLimit` + 1; empty when one class is absent.
  public var roc: [ROCPoint] {
    let events = Double(eventCount)
    let nonEvents = Double(patientCount) - events
    guard events > 0, nonEvents > 0 else { return [] }
    var points = [ROCPoint(threshold: nil, falsePositiveRate: 0, truePositiveRate: 0)]
    var flaggedEvents = 0.0
    var flaggedOthers = 0.0
    for row in rows.reversed() {
      flaggedEvents += Double(row.eventCount)
      flaggedOthers += Double(row.nonEventCount)
      points.append(
        ROCPoint(
          threshold: row.lowerCut, falsePositiveRate: flaggedOthers / nonEvents,
          truePositiveRate: flaggedEvents / events))
    }
    return points
  }

  /// Precision-recall points in ascending order of recall; empty when one class is absent.
  public var precisionRecall: [PrecisionRecallPoint] {
    let events = Double(eventCount)
    guard events > 0, eventCount < patientCount else { return [] }
    var points: [PrecisionRecallPoint] = []
    var flaggedEvents = 0.0
    var flagged = 0.0
    for row in rows.reversed() {
      flaggedEvents += Double(row.eventCount)
      flagged += Double(row.patientCount)
      if flagged > 0 {
        points.append(
          PrecisionRecallPoint(
            threshold: row.lowerCut, recall: flaggedEvents / events,
            precision: flaggedEvents / flagged))
      }
    }
    return points
  }

  /// Net benefit at each cut between rows, exact there; empty without patients.
  public var decisionCurve: [NetBenefit] {
    let patients = patientCount
    let events = eventCount
    var flaggedEvents = events
    var flagged = patients
    return rows.dropLast().compactMap { row in
      flaggedEvents -= row.eventCount
      flagged -= row.patientCount
      return NetBenefit(
        threshold: row.upperCut, truePositiveCount: flaggedEvents,
        falsePositiveCount: flagged - flaggedEvents, eventCount: events, patientCount: patients)
    }
  }

  /// Observed against predicted risk in about `groups` groups of equal size, in ascending order.
  ///
  /// A group is closed when it holds at least n/groups patients; a last group with less than half
  /// of that joins the one before it. The values of a binned curve depend on this rule.
  public func calibrationCurve(groups: Int = 10) -> [CalibrationBin] {
    let patients = patientCount
    guard patients > 0, groups > 0 else { return [] }
    let target = Double(patients) / Double(groups)
    var merged: [Row] = []
    var open: Row?
    for row in rows {
      let grown = open.map { $0.joining(row) } ?? row
      if Double(grown.patientCount) >= target {
        merged.append(grown)
        open = nil
      } else {
        open = grown
      }
    }
    if let rest = open {
      if Double(rest.patientCount) < target / 2, let last = merged.popLast() {
        merged.append(last.joining(rest))
      } else {
        merged.append(rest)
      }
    }
    return merged.compactMap { row in
      guard let observed = Proportion(count: row.eventCount, total: row.patientCount) else {
        return nil
      }
      return CalibrationBin(
        lowerCut: row.lowerCut, upperCut: row.upperCut,
        meanPredicted: row.predictedSum / Double(row.patientCount), observed: observed)
    }
  }

  /// Expected calibration error: the mean over patients of |observed − predicted| of their group in
  /// `calibrationCurve(groups:)`; nil without patients. Secondary: it depends on the grouping rule.
  public func expectedCalibrationError(groups: Int = 10) -> Double? {
    let bins = calibrationCurve(groups: groups)
    let total = bins.reduce(0) { $0 + $1.observed.total }
    guard total > 0 else { return nil }
    let sum = bins.reduce(0.0) {
      $0 + Double($1.observed.total) * ($1.observed.value - $1.meanPredicted).magnitude
    }
    return sum / Double(total)
  }

  /// Patients between neighbouring cuts, `cuts.count + 1` numbers that add up to the total.
  ///
  /// Exact where a cut is a row boundary; inside a row, patients are taken as evenly spread, so each
  /// number is off by less than two rows' worth.
  public func patients(between cuts: [Double]) -> [Double] {
    var below = cuts.map { cut in
      rows.reduce(0.0) { sum, row in
        if row.upperCut <= cut { return sum + Double(row.patientCount) }
        if row.lowerCut >= cut { return sum }
        let share = (cut - row.lowerCut) / (row.upperCut - row.lowerCut)
        return sum + Double(row.patientCount) * share
      }
    }
    below.append(Double(patientCount))
    return below.indices.map { max(0, below[$0] - ($0 == 0 ? 0 : below[$0 - 1])) }
  }
}
