import ArgumentParser
import Cohort
import Foundation
import SiteData
import struct Validation.SepsisUtility

/// `wardround model utility`
struct ModelUtility: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "utility",
    abstract: "The PhysioNet 2019 utility of hourly alarms for sepsis.",
    discussion: """
      Takes what `model predict` wrote for hourly rows and a CSV with the same subjects and index times in \
      the same order and a column of labels, as `site features` writes it. Labels begin 6 hours before the \
      onset, as in the challenge. 1 is the score of the best alarms, 0 that of none. The threshold of the \
      alarms is a choice: make it on training patients (`--threshold`), not on these.
      """)

  @Argument(help: "Predictions: subject, index_time, risk, flagged.")
  var predictions: String
  @Option(help: "A CSV with subject, index_time and the labels.")
  var labels: String
  @Option(help: "Its column with the labels, 1 or 0.")
  var label = "sepsis"
  @Option(help: "Risk from which there is an alarm; the model's own flags when absent.")
  var threshold: Double?
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Result: Encodable {
    var patients: Int
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
      var utility = SepsisUtility()
      var subject: String?
      var hours: (labels: [Bool], alarms: [Bool]) = ([], [])
      while let row = try alarms.next() {
        guard let own = try truth.next(), own.prefix(2) == row.prefix(2) else {
          throw ValidationError(
            "row \(alarms.rowCount) of `\(predictions)` and `\(labels)` are not of the same subject and"
              + " time; make both from the same records")
        }
        guard let value = CellText.number(row[2]), let labelled = CellText.number(own[2]) else {
          throw ValidationError(
            "row \(alarms.rowCount): the flag, risk or label is not a number; check --label")
        }
        if subject != row[0], subject != nil {
          try utility.add(labels: hours.labels, alarms: hours.alarms)
          hours = ([], [])
        }
        subject = row[0]
        hours.alarms.append(value >= threshold ?? 1)
        hours.labels.append(labelled >= 1)
      }
      guard try truth.next() == nil else {
        throw ValidationError("`\(labels)` has more rows than `\(predictions)`")
      }
      if subject != nil { try utility.add(labels: hours.labels, alarms: hours.alarms) }
      let result = Result(
        patients: utility.patientCount, observed: utility.observed, best: utility.best,
        inaction: utility.inaction, normalised: utility.normalised)
      if json { return try Output.json(result) }
      print("patients  \(result.patients)")
      print("utility   \(result.normalised.map { "\($0)" } ?? "–") (1 the best alarms, 0 none)")
      print("sums      observed \(result.observed), best \(result.best), none \(result.inaction)")
    }
  }

  /// Chosen columns of a CSV, row by row.
  private struct Rows {
    private var reader: CSVReader
    private let positions: [Int]
    private let path: String
    private(set) var rowCount = 0

    init(_ path: String, _ names: [String]) throws {
      self.path = path
      reader = try CSVReader(path: path, delimiter: UInt8(ascii: ","), encoding: .utf8)
      let header = try reader.next()?.fields.map { CellText.trim($0) } ?? []
      positions = try names.map { name in
        guard let position = header.firstIndex(of: name) else {
          throw ValidationError("`\(path)` has no column `\(name)`")
        }
        return position
      }
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
