import BenchmarkSupport
import Foundation

/// What one run of a learner took.
struct Figures: Codable {
  /// Seconds of processor time and of wall time of training.
  var cpu: Double
  var wall: Double
  /// Seconds of processor time of making the bins.
  var binning: Double
  /// Bytes above the raw rows.
  var memory: Double

  /// The lesser of each.
  func least(_ other: Figures) -> Figures {
    Figures(
      cpu: min(cpu, other.cpu), wall: min(wall, other.wall), binning: min(binning, other.binning),
      memory: min(memory, other.memory))
  }

  /// Runs a program that prints figures as its last line.
  static func from(_ program: String, _ arguments: [String]) throws -> Figures {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0,
      let line = String(decoding: data, as: UTF8.self).split(separator: "\n").last,
      let figures = try? JSONDecoder().decode(Figures.self, from: Data(line.utf8))
    else { throw Problem("a run failed: \(arguments.prefix(3).joined(separator: " "))") }
    return figures
  }
}
