import BenchmarkSupport
import Foundation
import PortableNumerics

/// Seeded rows in a file of 32-bit floats, row after row, the outcome last; test rows follow the
/// training rows.
struct TableFile: CustomStringConvertible {
  static let testRows = 100_000
  let path: String
  let rows: Int
  let features: Int

  init(path: String, rows: Int, features: Int) {
    self.path = path
    self.rows = rows
    self.features = features
  }

  /// Reads what `description` writes.
  init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 2)
    guard parts.count == 3, let rows = Int(parts[0]), let features = Int(parts[1]) else {
      return nil
    }
    self.init(path: String(parts[2]), rows: rows, features: features)
  }

  var description: String { "\(rows):\(features):\(path)" }

  /// Normal and skewed features; the log odds are linear in some, with steps and products of others.
  static func make(rows: Int, features: Int, missing: Double) throws -> TableFile {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "trees-\(ProcessInfo.processInfo.processIdentifier)-\(rows)x\(features)")
      .path
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw Problem("the rows could not be written") }
    defer { try? file.close() }
    var random = Xoshiro256StarStar(seed: 20_240_601)
    var weights = [Double](repeating: 0, count: features)
    for feature in stride(from: 0, to: features, by: 3) {
      weights[feature] = 0.6 / Double(1 + feature / 6)
    }
    var row = [Double](repeating: 0, count: features)
    var chunk: [Float] = []
    for index in 0..<(rows + testRows) {
      var margin = -1.5
      for feature in 0..<features {
        let normal = random.normalDouble()
        row[feature] = feature % 4 == 3 ? Portable.exp(normal) : normal
        margin += weights[feature] * normal
      }
      if row[1 % features] > 0.8 { margin += 0.7 }
      if row[2 % features] < -1 { margin -= 0.6 }
      margin += 0.4 * row[4 % features] * row[5 % features]
      for value in row {
        chunk.append(missing > 0 && random.uniformDouble() < missing ? .nan : Float(value))
      }
      chunk.append(random.uniformDouble() < Portable.sigmoid(margin) ? 1 : 0)
      if chunk.count > 1 << 20 || index == rows + testRows - 1 {
        try file.write(contentsOf: chunk.withUnsafeBytes { Data($0) })
        chunk.removeAll(keepingCapacity: true)
      }
    }
    return TableFile(path: path, rows: rows, features: features)
  }

  /// All values, mapped from the file.
  func mapped() throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
  }

  /// Rank statistic of predictions of the test rows; ties count a half.
  func auroc(predictions: String) throws -> Double {
    let values = try Data(contentsOf: URL(fileURLWithPath: predictions))
      .withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let outcomes = try mapped().withUnsafeBytes { raw in
      let all = raw.bindMemory(to: Float.self)
      return (0..<Self.testRows).map { all[(rows + $0) * (features + 1) + features] }
    }
    guard values.count == outcomes.count else { throw Problem("predictions are incomplete") }
    let order = values.indices.sorted { values[$0] < values[$1] }
    var below = 0.0
    var sum = 0.0
    var events = 0.0
    var start = 0
    while start < order.count {
      var end = start
      var tied = (events: 0.0, others: 0.0)
      while end < order.count, values[order[end]] == values[order[start]] {
        if outcomes[order[end]] == 1 { tied.events += 1 } else { tied.others += 1 }
        end += 1
      }
      sum += tied.events * (below + tied.others / 2)
      below += tied.others
      events += tied.events
      start = end
    }
    return sum / (events * below)
  }
}
