/// The utility of hourly alarms for sepsis as the PhysioNet/CinC Challenge 2019 scores them (Reyna et al.,
/// Crit Care Med 2020;48:210-217; constants of the challenge's own evaluation code).
///
/// An alarm is worth most 6 hours before the onset; from 12 hours before it is worth something, until 3
/// hours after it a missed one costs. Labels begin 6 hours before the onset. The three sums add over
/// patients and hospitals.
public struct SepsisUtility: Sendable, Hashable {
  /// Utility of the alarms as they were.
  public private(set) var observed = 0.0
  /// Utility of alarms exactly when they are worth something.
  public private(set) var best = 0.0
  /// Utility without any alarm.
  public private(set) var inaction = 0.0
  public private(set) var patientCount = 0

  private static let early = -12
  private static let optimal = -6
  private static let late = 3
  private static let falseAlarm = -0.05

  public init() {}

  /// Adds a patient: consecutive hours from the first, in order.
  ///
  /// - Parameters:
  ///   - labels: whether the hour is labelled; in the challenge from 6 hours before the onset on.
  ///   - alarms: whether there was an alarm in the hour; as many.
  /// - Throws: `lengthMismatch` when they are not as many.
  public mutating func add(labels: [Bool], alarms: [Bool]) throws(ValidationError) {
    guard labels.count == alarms.count else {
      throw ValidationError(
        .lengthMismatch, "labels and alarms are not of the same hours", field: "alarms")
    }
    let first = labels.firstIndex(of: true)
    let onset = first.map { $0 - Self.optimal }
    let ideal = labels.indices.map { hour in
      onset.map { max(0, $0 + Self.early) <= hour && hour <= $0 + Self.late } ?? false
    }
    observed += Self.sum(alarms, onset: onset)
    best += Self.sum(ideal, onset: onset)
    inaction += Self.sum(labels.map { _ in false }, onset: onset)
    patientCount += 1
  }

  /// 1 for the best alarms, 0 for none; nil where no patient can gain anything.
  public var normalised: Double? {
    best > inaction ? (observed - inaction) / (best - inaction) : nil
  }

  private static func sum(_ alarms: [Bool], onset: Int?) -> Double {
    var sum = 0.0
    for (hour, alarm) in alarms.enumerated() {
      guard let onset else {
        sum += alarm ? falseAlarm : 0
        continue
      }
      let distance = hour - onset
      guard distance <= late else { break }
      let d = Double(distance)
      if alarm {
        sum += distance <= optimal ? max(d / 6 + 2, falseAlarm) : -d / 9 + 1.0 / 3
      } else if distance > optimal {
        sum += -(2.0 / 9) * d - 4.0 / 3
      }
    }
    return sum
  }
}
