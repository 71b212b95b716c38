import CanonicalBytes

extension SitePerformance {
  /// The measures of a message after their own range checks, before they are compared with each
  /// other.
  struct Measures {
    let discrimination: AUROC?
    let averagePrecision: AveragePrecision?
    let brier: BrierScore?
    let thresholdPerformance: ThresholdPerformance?
    let recalibration: Recalibration?
    let smoothCalibration: SmoothCalibration?
    let riskTable: RiskTable?

    /// Whether the message holds no measure at all.
    var areAbsent: Bool {
      discrimination == nil && averagePrecision == nil && brier == nil
        && thresholdPerformance == nil && recalibration == nil && smoothCalibration == nil
        && riskTable == nil
    }

    init(
      _ reader: inout FieldReader, threshold: Double, patientCount: Int?, eventCount: Int?
    ) throws(ValidationError) {
      let patients = patientCount ?? 0
      let events = eventCount ?? 0
      if try reader.isPresent("discrimination") {
        let value = try reader.number("discrimination", in: 0...1)
        let error = try reader.optionalNumber("discrimination", in: 0...1)
        discrimination = AUROC(value: value, standardError: error)
      } else {
        discrimination = nil
      }
      if try reader.isPresent("averagePrecision") {
        let value = try reader.number("averagePrecision", in: 0...1)
        averagePrecision = AveragePrecision(
          value: value, eventTotal: Double(events), patientTotal: Double(patients))
        try reader.require(averagePrecision != nil, "cannot be", "averagePrecision")
      } else {
        averagePrecision = nil
      }
      if try reader.isPresent("brier") {
        let value = try reader.number("brier", in: 0...1)
        let error = try reader.optionalNumber("brier", in: 0...1)
        let prevalence = patients > 0 ? Double(events) / Double(patients) : 0
        brier = BrierScore(value: value, standardError: error, prevalence: prevalence)
      } else {
        brier = nil
      }
      if try reader.isPresent("thresholdPerformance") {
        let hits = try reader.count("thresholdPerformance")
        let alarms = try reader.count("thresholdPerformance")
        try reader.require(
          hits <= events && alarms <= patients - events, "more flagged than there are",
          "thresholdPerformance")
        thresholdPerformance = ThresholdPerformance(
          threshold: threshold, truePositiveCount: hits, falsePositiveCount: alarms,
          falseNegativeCount: events - hits, trueNegativeCount: patients - events - alarms)
      } else {
        thresholdPerformance = nil
      }
      if try reader.isPresent("recalibration") {
        let large = try reader.estimate("calibrationInTheLarge")
        let slope = try reader.isPresent("slope") ? try reader.estimate("slope") : nil
        let intercept = try reader.isPresent("intercept") ? try reader.estimate("intercept") : nil
        recalibration = Recalibration(
          calibrationInTheLarge: large, slope: slope, intercept: intercept)
      } else {
        recalibration = nil
      }
      if try reader.isPresent("smoothCalibration") {
        smoothCalibration = try SmoothCalibration(&reader)
      } else {
        smoothCalibration = nil
      }
      if try reader.isPresent("riskTable") {
        riskTable = try RiskTable(&reader)
      } else {
        riskTable = nil
      }
    }
  }
}

extension SmoothCalibration {
  /// The most points a curve has on the wire.
  private static let pointLimit = 40

  func write(to writer: inout ByteWriter) {
    writer.double(integratedCalibrationIndex)
    writer.double(medianError)
    writer.double(ninetiethPercentileError)
    writer.array(curve) { writer, point in
      writer.double(point.predicted)
      writer.double(point.observed)
      writer.double(point.interval.lower)
      writer.double(point.interval.upper)
    }
  }

  init(_ reader: inout FieldReader) throws(ValidationError) {
    let index = try reader.number("integratedCalibrationIndex", in: 0...1)
    let median = try reader.number("medianError", in: 0...1)
    let ninetieth = try reader.number("ninetiethPercentileError", in: 0...1)
    let count = try reader.length(
      "smoothCalibration", limit: SmoothCalibration.pointLimit, minimumBytes: 32)
    var points: [Point] = []
    for _ in 0..<count {
      let point = Point(
        predicted: try reader.number("predicted", in: 0...1),
        observed: try reader.number("observed", in: 0...1),
        lower: try reader.number("lower", in: 0...1),
        upper: try reader.number("upper", in: 0...1))
      guard let point else { throw reader.implausible("not a point", "smoothCalibration") }
      points.append(point)
    }
    let result = SmoothCalibration(
      index: index, median: median, ninetieth: ninetieth, curve: points)
    guard let result else {
      throw reader.implausible("not a calibration curve", "smoothCalibration")
    }
    self = result
  }
}

extension RiskTable {
  func write(to writer: inout ByteWriter) {
    writer.array(rows) { writer, row in
      writer.double(row.upperCut)
      writer.integer(Int64(row.patientCount))
      writer.integer(Int64(row.eventCount))
      writer.double(row.predictedSum)
    }
  }

  init(_ reader: inout FieldReader) throws(ValidationError) {
    let count = try reader.length("riskTable", limit: RiskTable.rowLimit, minimumBytes: 32)
    var rows: [Row] = []
    for _ in 0..<count {
      let lower = rows.last?.upperCut ?? 0
      let upper = try reader.number("upperCut", in: 0...1)
      let patients = try reader.count("patientCount")
      let events = try reader.count("eventCount")
      let sum = try reader.number("predictedSum", in: 0...1e18)
      let slack = 1e-9 * Double(patients)
      try reader.require(upper > lower, "cuts must ascend", "upperCut")
      try reader.require(events <= patients, "more events than patients", "eventCount")
      try reader.require(
        sum >= Double(patients) * lower - slack && sum <= Double(patients) * upper + slack,
        "predicted risks outside the row", "predictedSum")
      rows.append(
        Row(
          lowerCut: lower, upperCut: upper, patientCount: patients, eventCount: events,
          predictedSum: sum))
    }
    try reader.require(rows.last?.upperCut == 1, "the rows must cover [0, 1]", "riskTable")
    self.init(unchecked: rows)
  }
}
