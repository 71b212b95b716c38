import Testing

@testable import Validation

/// The utility score of the PhysioNet/CinC Challenge 2019.
@Suite struct SepsisUtilityTests {
  private func bools(_ digits: [Int]) -> [Bool] { digits.map { $0 == 1 } }

  /// The example in the documentation of the challenge's evaluation code.
  @Test func theDocumentedExample() throws {
    var utility = SepsisUtility()
    try utility.add(labels: bools([0, 0, 0, 0, 1, 1]), alarms: bools([0, 0, 1, 1, 1, 1]))
    #expect(abs(utility.observed - 3.388_888_888_888_889) < 1e-12)
  }

  @Test func knownHours() throws {
    // Onset in hour 12: the first label is in hour 6. An alarm in hour 6 alone is worth 1, one in hour 0
    // nothing, and no alarm costs from hour 7 on.
    let labels = bools([0, 0, 0, 0, 0, 0, 1, 1, 1])
    func score(_ alarms: [Int]) throws -> Double {
      var utility = SepsisUtility()
      try utility.add(labels: labels, alarms: bools(alarms))
      return utility.observed
    }
    let nothing = try score([0, 0, 0, 0, 0, 0, 0, 0, 0])
    // Hours 7 and 8, five and four hours before the onset.
    #expect(abs(nothing - (10.0 / 9 - 4.0 / 3 + 8.0 / 9 - 4.0 / 3)) < 1e-12)
    #expect(abs(try score([0, 0, 0, 0, 0, 0, 1, 0, 0]) - nothing - 1) < 1e-12)
    #expect(abs(try score([1, 0, 0, 0, 0, 0, 0, 0, 0]) - nothing) < 1e-12)
    #expect(abs(try score([0, 0, 0, 1, 0, 0, 0, 0, 0]) - nothing - 0.5) < 1e-12)
  }

  /// Labels and alarms of two tables are brought together by patient and time, whatever their order.
  @Test func hoursMeetByPatientAndTime() throws {
    let labels = bools([0, 0, 0, 0, 1, 1])
    let alarms = bools([0, 0, 1, 1, 1, 1])
    var whole = HourlyAlarms()
    for hour in [5, 2, 0, 10, 1, 4, 3] where labels.indices.contains(hour) {
      try whole.addLabel(labels[hour], subject: "p", time: "\(hour * 3600)")
    }
    for hour in [3, 0, 5, 1, 4, 2] {
      try whole.addAlarm(alarms[hour], subject: "p", time: "\(hour * 3600)")
    }
    #expect(abs(try whole.utility().observed - 3.388_888_888_888_889) < 1e-12)
    #expect(whole.matchedCount == 6 && whole.unlabelledCount == 0 && whole.unpredictedCount == 0)

    // An hour without a prediction has no alarm; a prediction without a label is nothing.
    var partial = HourlyAlarms()
    for hour in labels.indices {
      try partial.addLabel(labels[hour], subject: "p", time: "2024-01-01T0\(hour)")
    }
    for hour in [2, 3, 4, 5] {
      try partial.addAlarm(true, subject: "p", time: "2024-01-01T0\(hour)")
    }
    try partial.addAlarm(true, subject: "p", time: "2024-01-01T06")
    try partial.addAlarm(true, subject: "q", time: "2024-01-01T02")
    #expect(try partial.utility() == whole.utility())
    #expect(
      partial.matchedCount == 4 && partial.unlabelledCount == 2 && partial.unpredictedCount == 2)
    #expect(throws: ValidationError.self) {
      try partial.addAlarm(true, subject: "p", time: "2024-01-01T02")
    }
    #expect(throws: ValidationError.self) {
      try partial.addLabel(true, subject: "p", time: "2024-01-01T02")
    }
  }

  @Test func theBestAlarmsScoreOneAndNoneScoresZeroAndPatientsAddUp() throws {
    let septic = bools([Int](repeating: 0, count: 20) + [Int](repeating: 1, count: 10))
    let well = bools([Int](repeating: 0, count: 8))
    var ideal = SepsisUtility()
    // From 12 hours before the onset in hour 26 to 3 after it.
    try ideal.add(labels: septic, alarms: septic.indices.map { (14...29).contains($0) })
    try ideal.add(labels: well, alarms: well)
    #expect(abs((ideal.normalised ?? 0) - 1) < 1e-12)
    var none = SepsisUtility()
    try none.add(labels: septic, alarms: septic.map { _ in false })
    #expect(none.normalised == 0)
    var alarms = SepsisUtility()
    try alarms.add(labels: well, alarms: well.map { _ in true })
    #expect(abs(alarms.observed + 0.4) < 1e-12 && alarms.normalised == nil)
    #expect(throws: ValidationError.self) { try alarms.add(labels: well, alarms: []) }
    #expect(alarms.patientCount == 1)
  }
}
