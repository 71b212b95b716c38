import CanonicalBytes

extension SitePerformance {
  /// Version of the encoding without `values`; a change of layout changes it.
  static let formatVersion: UInt16 = 1
  /// Version with `values` at the end.
  static let formatVersionWithValues: UInt16 = 2

  /// The canonical encoding: what a hospital signs. Only independent numbers are written; intervals,
  /// rates and curves are computed from them again by the reader.
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Appends the canonical encoding.
  public func write(to writer: inout ByteWriter) {
    writer.integer(values == nil ? Self.formatVersion : Self.formatVersionWithValues)
    let code = Suppression.allCases.firstIndex(of: suppressed) ?? 0
    writer.integer(UInt8(code))
    writer.integer(Int64(minimumCell))
    writer.double(threshold)
    writer.optional(patientCount) { $0.integer(Int64($1)) }
    writer.optional(eventCount) { $0.integer(Int64($1)) }
    writer.optional(observedExpected) { $0.double($1.expectedCount ?? $1.ratio) }
    writer.optional(discrimination) { writer, auroc in
      writer.double(auroc.value)
      writer.optional(auroc.standardError) { $0.double($1) }
    }
    writer.optional(averagePrecision) { $0.double($1.value) }
    writer.optional(brier) { writer, brier in
      writer.double(brier.value)
      writer.optional(brier.standardError) { $0.double($1) }
    }
    writer.optional(thresholdPerformance) { writer, rule in
      writer.integer(Int64(rule.truePositiveCount))
      writer.integer(Int64(rule.falsePositiveCount))
    }
    writer.optional(recalibration) { writer, recalibration in
      writer.estimate(recalibration.calibrationInTheLarge)
      writer.optional(recalibration.slope) { $0.estimate($1) }
      writer.optional(recalibration.intercept) { $0.estimate($1) }
    }
    writer.optional(smoothCalibration) { $1.write(to: &$0) }
    writer.optional(riskTable) { $1.write(to: &$0) }
    values?.write(to: &writer)
  }

  /// Reads a whole message that holds nothing else.
  ///
  /// - Throws: `malformed`, `implausible`.
  public init(canonicalBytes bytes: [UInt8]) throws(ValidationError) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    try FieldReader(reader).finish()
  }

  /// Reads the encoding at the reader's position and checks that the numbers fit together: counts
  /// that are not negative, n ≥ events, the AUROC within the risk table's bound, totals of the table
  /// equal to the totals stated, and nothing present that the stated suppression holds back.
  ///
  /// - Throws: `malformed`, `implausible`.
  public init(from bytes: inout ByteReader) throws(ValidationError) {
    var reader = FieldReader(bytes)
    let version = try reader.version(Self.formatVersion, Self.formatVersionWithValues)
    let code = Int(
      try reader.read("suppressed") { (reader) throws(DecodingFault) in
        try reader.integer(UInt8.self)
      })
    guard Suppression.allCases.indices.contains(code) else {
      throw reader.implausible("not a suppression", "suppressed")
    }
    let suppressed = Suppression.allCases[code]
    let minimumCell = try reader.count("minimumCell")
    let threshold = try reader.number("threshold", in: 0...1)
    try reader.require(
      minimumCell >= 1 && threshold > 0 && threshold < 1, "out of range", "threshold")
    let patientCount = try reader.optionalCount("patientCount")
    let eventCount = try reader.optionalCount("eventCount")
    try SitePerformance.checkTotals(
      reader, suppressed: suppressed, minimumCell: minimumCell, patientCount: patientCount,
      eventCount: eventCount)

    let expected = try reader.optionalNumber("observedExpected", in: 0...1e18)
    var observedExpected: ObservedExpectedRatio?
    if let expected {
      if let eventCount, let patientCount {
        observedExpected = ObservedExpectedRatio(
          observedCount: eventCount, expectedCount: expected, patientCount: patientCount)
      } else if suppressed == .smallClass {
        observedExpected = ObservedExpectedRatio(withholdingCounts: expected)
        try reader.require(
          observedExpected?.ratio == expected, "not rounded", "observedExpected")
      }
      try reader.require(observedExpected != nil, "does not fit the totals", "observedExpected")
    }

    let measures = try Measures(
      &reader, threshold: threshold, patientCount: patientCount, eventCount: eventCount)
    let bothClasses = (eventCount ?? 0) > 0 && (eventCount ?? 0) < (patientCount ?? 0)
    try reader.require(
      measures.areAbsent || (suppressed == .none && bothClasses),
      "a measure is present that this hospital cannot have", "measures")
    if let table = measures.riskTable {
      try SitePerformance.checkTable(
        reader, table, minimumCell: minimumCell, eventCount: eventCount,
        patientCount: patientCount, expectedCount: observedExpected?.expectedCount,
        measures: measures, threshold: threshold)
    }
    let values =
      version == Self.formatVersionWithValues
      ? try ValuePerformance(&reader, minimumCell: minimumCell) : nil
    bytes = reader.bytes
    self.init(
      minimumCell: minimumCell, suppressed: suppressed, patientCount: patientCount,
      eventCount: eventCount, threshold: threshold, observedExpected: observedExpected,
      discrimination: measures.discrimination, averagePrecision: measures.averagePrecision,
      brier: measures.brier, thresholdPerformance: measures.thresholdPerformance,
      recalibration: measures.recalibration, smoothCalibration: measures.smoothCalibration,
      riskTable: measures.riskTable)
    if let values {
      try reader.require(
        mayRelease(rowCount: values.rowCount), "values that the suppression holds back", "values")
      self.values = values
    }
  }

  private static func checkTotals(
    _ reader: FieldReader, suppressed: Suppression, minimumCell: Int, patientCount: Int?,
    eventCount: Int?
  ) throws(ValidationError) {
    switch suppressed {
    case .smallSite:
      try reader.require(
        patientCount == nil && eventCount == nil, "held back but present", "patientCount")
    case .smallClass:
      guard let patientCount, eventCount == nil else {
        throw reader.implausible("does not fit the suppression", "eventCount")
      }
      try reader.require(
        patientCount >= minimumCell, "below the minimum cell", "patientCount")
    case .none:
      guard let patientCount, let eventCount, eventCount <= patientCount else {
        throw reader.implausible("more events than patients, or no totals", "eventCount")
      }
      let cells = [patientCount, eventCount, patientCount - eventCount]
      try reader.require(
        cells.allSatisfy { $0 == 0 || $0 >= minimumCell }, "below the minimum cell", "eventCount")
    }
  }

  private static func checkTable(
    _ reader: FieldReader, _ table: RiskTable, minimumCell: Int, eventCount: Int?,
    patientCount: Int?, expectedCount: Double?, measures: Measures, threshold: Double
  ) throws(ValidationError) {
    try reader.require(
      table.patientCount == patientCount && table.eventCount == eventCount,
      "totals differ from those stated", "riskTable")
    try reader.require(
      table.rows.allSatisfy { $0.patientCount == 0 || $0.patientCount >= minimumCell },
      "a row is below the minimum cell", "riskTable")
    let sum = table.rows.reduce(0) { $0 + $1.predictedSum }
    if let expectedCount {
      try reader.require(
        (sum - expectedCount).magnitude <= 1e-6 * max(1, expectedCount),
        "predicted risks do not add up to the expected events", "riskTable")
    }
    if let auroc = measures.discrimination, let binned = table.binnedAUROC {
      try reader.require(
        (auroc.value - binned.auroc.value).magnitude <= binned.bound + 1e-9,
        "not the AUROC of the risk table", "discrimination")
    }
    if let rule = measures.thresholdPerformance {
      let flagged = table.rows.filter { $0.lowerCut >= threshold }
      try reader.require(
        table.hasCut(at: threshold)
          && rule.truePositiveCount == flagged.reduce(0) { $0 + $1.eventCount }
          && rule.falsePositiveCount == flagged.reduce(0) { $0 + $1.nonEventCount },
        "counts at the threshold differ from the risk table", "thresholdPerformance")
    }
  }
}
