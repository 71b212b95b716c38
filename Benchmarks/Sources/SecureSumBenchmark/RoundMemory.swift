import BenchmarkSupport
import FixedPoint
import Foundation
import SecureAggregation

/// The memory that one round takes at the aggregator, measured in a process of its own whose
/// allocator gives back what is freed.
enum RoundMemory {
  /// The most bytes held at any time beyond those held before the round. The payload under way is
  /// counted as one whole vector.
  static func peak(siteCount: Int, silentCount: Int, length: Int) throws -> Int {
    var rehearsal = try SecureSumRehearsal(siteCount: siteCount)
    // Only what the aggregator's own steps add counts: the sites are in this process as well.
    var held = 0
    var peak = 0
    _ = try rehearsal.run(
      RoundCost.binding(length: length), answer: RingVector(zeros: length - 1, width: .bits32),
      silentCount: silentCount
    ) { step, body in
      switch step {
      case .mask, .verify: return try body()
      case .begin, .hash, .add, .open: break
      }
      let before = ResidentMemory.current()
      ResidentMemory.resetPeak()
      try body()
      peak = max(peak, held + max(ResidentMemory.peak() - before, 0))
      held += ResidentMemory.current() - before
    }
    return peak + length * RingWidth.bits32.byteCount
  }

  /// The same, measured by a child process.
  static func measuredByChild(siteCount: Int, silentCount: Int, length: Int) throws -> Int {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    child.arguments = [
      "--memory-of", "\(siteCount)", "--dropouts", "\(silentCount)", "--length", "\(length)",
    ]
    child.environment = ResidentMemory.followingEnvironment
    let output = Pipe()
    child.standardOutput = output
    try child.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    guard child.terminationStatus == 0,
      let byteCount = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else { throw Problem("the memory of a round could not be measured") }
    return byteCount
  }
}
