import ArgumentParser
import Cohort
import Foundation
import SiteData
import struct Validation.HourlyAlarms

/// `wardround model utility`
struct ModelUtility: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "utility",
    abstract: "The PhysioNet 2019 utility of hourly alarms for sepsis.",
    discussion: """
      Takes what `model predict --records` wrote for hourly rows, and a CSV with subject, index_time and a \
      column of labels, as `site features --for-prediction` writes it with a feature `label: true`. The rows \
      are brought together by subject and time. The labels are those of the hour itself and begin 6 hours \
      before the onset, as in the challenge; a study's outcome is not that, since it lies after the \
      prediction. An hour with a label and no prediction counts as one without an alarm, a prediction without \
      a label not at all; both are counted. 1 is the score of the best alarms, 0 that of none. The \
      threshold of the alarms is a choice: make it on training patients (`--threshold`), not on these.
      """)

  @Argument(help: "Predictions: subject, index_time, risk, flagged.")
  var predictions: String
  @Option(help: "A CSV with subject, index_time and the labels.")
  var labels: String
  @Option(help: "Its column with the labels, 1 or 0.")
  var label = "sepsis_label"
  @Option(help: "Risk from which there is an alarm; the model's own flags when absent.")
  var threshold: Double?
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Result: Encodable {
    var patients: Int
    var hours: Int
    var withoutPrediction: Int
    var withoutLabel: Int
    var observed: Double
    var best: Double
    var inaction: Double
    var normalised: Double?
  }

  func run() async throws {
    try await CommandFailure.reporting {
      var alarms = try Rows(
        predictions, ["subject", "index_time", threshold == nil ? "flagged" : "risk"])
      var truth = try Rows(labels, ["subject", "index_time", label])
      if truth.isOutcome(label) {
        ServiceLog.note(
          "`\(label)` in `\(labels)` is a study's outcome, which lies after the hour; the challenge scores the"
            + " label of the hour itself, and this number is not its utility")
      }
      var hours = HourlyAlarms()
      while let row = try truth.next() {
        guard let labelled = CellText.number(row[2]) else {
          throw ValidationError(
            "row \(truth.rowCount) of `\(labels)`: the label is not a number; check --label")
        }
        do {
          try hours.addLabel(labelled >= 1, subject: row[0], time: row[1])
        } catch {
          throw ValidationError(
            "row \(truth.rowCount) of `\(labels)`: a patient has two labels of one time")
        }
      }
      while let row = try alarms.next() {
        guard let value = CellText.number(row[2]) else {
          throw ValidationError(
            "row \(alarms.rowCount) of `\(predictions)`: the flag or risk is not a number")
        }
        do {
          try hours.addAlarm(value >= threshold ?? 1, subject: row[0], time: row[1])
        } catch {
          throw ValidationError(
            "row \(alarms.rowCount) of `\(predictions)`: a patient has two predictions of one time")
        }
      }
      guard hours.matchedCount > 0 else {
        throw ValidationError(
          "no row of `\(predictions)` is of a subject and time of `\(labels)`; make both from the same records"
        )
      }
      let utility = try hours.utility()
      let result = Result(
        patients: utility.patientCount, hours: hours.matchedCount,
        withoutPrediction: hours.unpredictedCount, withoutLabel: hours.unlabelledCount,
        observed: utility.observed, best: utility.best, inaction: utility.inaction,
        normalised: utility.normalised)
      if json { return try Output.json(result) }
      print("patients  \(result.patients)")
      print("hours     \(result.hours) with a label and a prediction")
      if result.withoutPrediction > 0 {
        print(
          "          \(result.withoutPrediction) with a label and no prediction: no alarm there")
      }
      if result.withoutLabel > 0 {
        print("          \(result.withoutLabel) with a prediction and no label: left out")
      }
      print("utility   \(result.normalised.map { "\($0)" } ?? "–") (1 the best alarms, 0 none)")
      print("sums      observed \(result.observed), best \(result.best), none \(result.inaction)")
    }
  }

  /// Chosen columns of a CSV, row by row.
  private struct Rows {
    private var reader: CSVReader
    private let positions: [Int]
    private let path: String
    private let header: [String]
    private(set) var rowCount = 0

    init(_ path: String, _ names: [String]) throws {
      self.path = path
      reader = try CSVReader(path: path, delimiter: UInt8(ascii: ","), encoding: .utf8)
      header = try reader.next()?.fields.map { CellText.trim($0) } ?? []
      positions = try names.map { [header] name in
        guard let position = header.firstIndex(of: name) else {
          throw ValidationError(
            "`\(path)` has no column `\(name)`; it has \(header.prefix(40).joined(separator: ", "))"
          )
        }
        return position
      }
    }

    /// Whether a column is the outcome of a recipe, which has two more columns beside it.
    func isOutcome(_ name: String) -> Bool {
      header.contains("\(name)_hours") && header.contains("\(name)_censored")
    }

    mutating func next() throws -> [String]? {
      guard let record = try reader.next() else { return nil }
      rowCount += 1
      return try positions.map { position in
        guard record.faults.isEmpty, record.fields.indices.contains(position) else {
          throw ValidationError("row \(rowCount) of `\(path)` is not well formed")
        }
        return CellText.trim(record.fields[position])
      }
    }
  }
}
