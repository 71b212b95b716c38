import ArgumentParser
import Foundation

/// The rows of a benchmark, as a table for people or JSON for scripts.
public struct Report: Sendable {
  /// One measured figure.
  public enum Value: Sendable {
    case text(String)
    case count(Int)
    /// Printed in milliseconds.
    case seconds(Double)
    case ratio(Double)
    case missing

    fileprivate var cell: String {
      switch self {
      case .text(let text): text
      case .count(let count): String(count)
      case .seconds(let seconds):
        String(format: seconds < 0.01 ? "%.2f ms" : "%.1f ms", seconds * 1000)
      case .ratio(let ratio): String(format: ratio < 2 ? "%.4g" : "%.2f", ratio)
      case .missing: "–"
      }
    }

    fileprivate var json: Any {
      switch self {
      case .text(let text): text
      case .count(let count): count
      case .seconds(let value), .ratio(let value): value
      case .missing: NSNull()
      }
    }
  }

  /// A figure's name in JSON and, where it is shown in the table, its heading.
  public struct Column: Sendable {
    let key: String
    let heading: String?

    public init(_ key: String, _ heading: String? = nil) {
      self.key = key
      self.heading = heading
    }
  }

  public let benchmark: String
  public let columns: [Column]
  public private(set) var rows: [[String: Value]] = []

  public init(_ benchmark: String, columns: [Column]) {
    self.benchmark = benchmark
    self.columns = columns
  }

  public mutating func add(_ row: [String: Value]) { rows.append(row) }

  /// Prints the rows, and the thresholds that were crossed; throws exit status 1 when there are any.
  public func end(json: Bool, notes: [String], violations: [Thresholds.Violation]) throws {
    if json {
      let object: [String: Any] = [
        "benchmark": benchmark,
        "rows": rows.map { $0.mapValues(\.json) },
        "violations": violations.map(\.description),
      ]
      let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys]
      let data = (try? JSONSerialization.data(withJSONObject: object, options: options)) ?? Data()
      print(String(decoding: data, as: UTF8.self))
    } else {
      print(table)
      for note in notes { print(note) }
      for violation in violations { print("THRESHOLD CROSSED: \(violation)") }
    }
    if !violations.isEmpty { throw ExitCode.failure }
  }

  private var table: String {
    let shown = columns.filter { $0.heading != nil }
    let cells =
      [shown.map { $0.heading ?? "" }]
      + rows.map { row in shown.map { (row[$0.key] ?? .missing).cell } }
    let widths = shown.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { line in
      line.enumerated().map { column, text in
        String(repeating: " ", count: widths[column] - text.count) + text
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
