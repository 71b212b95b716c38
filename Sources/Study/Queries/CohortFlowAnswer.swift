import CanonicalBytes
import Cohort
import Cryptography

/// How one site's records became its cohort: the flow under the small-cell rule, and a fingerprint of
/// the data.
public struct CohortFlowAnswer: Sendable, Hashable {
  /// What is left after each step of `StudyPlan.flowSteps`; nil where a step is held back.
  public var counts: [Int64?]
  /// A hash of the cohort under a secret of the site: it tells nobody anything about the data, and with
  /// it the site can show later which data it answered from. 32 bytes.
  public var data: [UInt8]

  public init(counts: [Int64?], data: [UInt8]) {
    self.counts = counts
    self.data = data
  }

  /// The counts of a flow that may be shown: what is left at the end, if it is nobody or at least
  /// `minimumCell`, and, backwards from there, every step that differs from the shown ones after it by
  /// nothing or by at least as many.
  ///
  /// Going backwards matters: the size of the cohort is known from other answers, so it is the
  /// differences from it that have to be large enough.
  ///
  /// - Parameters:
  ///   - counts: rows after each step.
  ///   - leavers: patients whose rows each step took out.
  ///   - patientCount: patients after the last step.
  static func shown(
    _ counts: [Int64], leavers: [Int], patientCount: Int, minimumCell: Int
  ) -> [Int64?] {
    let cell = max(minimumCell, 1)
    var shown = [Int64?](repeating: nil, count: counts.count)
    var known: Int64 = 0
    // At least so many patients are between this step and what is known.
    var patients = patientCount
    for step in counts.indices.reversed() {
      let difference = (counts[step] - known).magnitude
      if difference == 0 || (difference >= UInt64(cell) && patients >= cell) {
        shown[step] = counts[step]
        known = counts[step]
        patients = 0
      }
      patients = max(patients, leavers[step])
    }
    return shown
  }

  func write(to writer: inout ByteWriter) {
    writer.array(counts) { $0.optional($1) { $0.integer($1) } }
    writer.raw(data)
  }

  init(_ reader: inout ByteReader) throws(DecodingFault) {
    counts = try reader.array(minimumBytes: 1) { (r) throws(DecodingFault) in
      try r.optional { (r) throws(DecodingFault) in try r.integer(Int64.self) }
    }
    data = try reader.raw(Digest.byteCount)
  }
}

extension StudyPlan {
  /// The steps from records to the rows of the cohort, in words; none for a study over tables.
  public var flowSteps: [String] {
    guard let records else { return [] }
    var steps = records.flowSteps + cohort.include.map(\.reason)
    if cohort.rowsPerPatient != .all {
      steps.append("\(cohort.rowsPerPatient.rawValue) row per patient")
    }
    return steps
  }
}

extension LocalAnswers {
  /// What was left after each step of this site's flow.
  func flowCounts() throws -> [Int64] {
    let counts = cohort.flow.map { Int64($0.remainingCount) }
    guard counts.count == plan.flowSteps.count else {
      throw StudyError(.invalidPlan, "the table's flow is not that of the study's records")
    }
    return counts
  }

  /// This site's flow under the small-cell rule. The noise key is itself a keyed hash of the data, made
  /// from a signature that only the site can give.
  func cohortFlow(minimumCell: Int) throws -> CohortFlowAnswer {
    CohortFlowAnswer(
      counts: CohortFlowAnswer.shown(
        try flowCounts(), leavers: cohort.flow.map(\.excludedPatientCount),
        patientCount: cohort.patientCount, minimumCell: minimumCell),
      data: Blake2b.hash("wardround.datafp", noiseKey ?? []).bytes)
  }
}
