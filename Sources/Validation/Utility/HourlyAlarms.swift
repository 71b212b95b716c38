/// Labels and alarms of patients' hours, each from a table of its own, brought together by patient and time.
///
/// The hours of a patient are those with a label: an hour without a prediction counts as one without an alarm,
/// and a prediction of an hour without a label counts for nothing. Both are counted.
public struct HourlyAlarms: Sendable {
  private struct Hour: Sendable {
    let time: String
    let isLabelled: Bool
    var alarm: Bool?
  }

  private struct Patient: Sendable {
    var hours: [Hour] = []
    var positions: [String: Int] = [:]
  }

  private var patients: [String: Patient] = [:]
  private var order: [String] = []
  /// Hours that have both a label and a prediction.
  public private(set) var matchedCount = 0
  /// Predictions of hours without a label.
  public private(set) var unlabelledCount = 0
  private var hourCount = 0

  public init() {}

  /// Hours with a label and no prediction, when all of both are added.
  public var unpredictedCount: Int { hourCount - matchedCount }

  /// Adds an hour's label.
  ///
  /// - Parameter time: as the alarms name it; the hours of a patient are in the order of these as numbers where
  ///   all are numbers, else of their texts, as dates of one form are.
  /// - Throws: `implausible` when the patient has this hour already.
  public mutating func addLabel(
    _ isLabelled: Bool, subject: String, time: String
  ) throws(ValidationError) {
    if patients[subject] == nil { order.append(subject) }
    let hour = Hour(time: time, isLabelled: isLabelled)
    let position = patients[subject]?.hours.count ?? 0
    let known = patients[subject, default: Patient()].positions.updateValue(position, forKey: time)
    guard known == nil else {
      throw ValidationError(.implausible, "a patient has two labels of one time", field: "labels")
    }
    patients[subject, default: Patient()].hours.append(hour)
    hourCount += 1
  }

  /// Adds an hour's alarm, after all labels.
  ///
  /// - Throws: `implausible` when the patient has an alarm of this hour already.
  public mutating func addAlarm(
    _ isAlarm: Bool, subject: String, time: String
  ) throws(ValidationError) {
    guard let position = patients[subject]?.positions[time] else {
      unlabelledCount += 1
      return
    }
    guard patients[subject]?.hours[position].alarm == nil else {
      throw ValidationError(
        .implausible, "a patient has two predictions of one time", field: "alarms")
    }
    patients[subject]?.hours[position].alarm = isAlarm
    matchedCount += 1
  }

  /// The utility over all patients with a label.
  public func utility() throws(ValidationError) -> SepsisUtility {
    var utility = SepsisUtility()
    for subject in order {
      let hours = Self.sorted(patients[subject]?.hours ?? [])
      try utility.add(
        labels: hours.map(\.isLabelled), alarms: hours.map { $0.alarm ?? false })
    }
    return utility
  }

  private static func sorted(_ hours: [Hour]) -> [Hour] {
    let numbers = hours.compactMap { Double($0.time) }
    guard numbers.count == hours.count, numbers.allSatisfy(\.isFinite) else {
      return hours.sorted { $0.time < $1.time }
    }
    return zip(numbers, hours).sorted { $0.0 < $1.0 }.map(\.1)
  }
}
