import Foundation
import Study
import Synchronization

/// What a person sees while a command runs: a progress bar with the time left on a terminal, plain
/// lines elsewhere. Everything goes to standard error; standard output is for results.
final class ProgressDisplay: Sendable {
  private struct State {
    var lastStage = ""
    var lastLine = ""
    let start = ContinuousClock.now
  }

  private let state = Mutex(State())
  private let isTerminal: Bool
  private let isQuiet: Bool

  init(quiet: Bool = false) {
    isTerminal = isatty(STDERR_FILENO) == 1
    isQuiet = quiet
  }

  /// Shows how far the study is.
  func show(_ progress: StageProgress) {
    guard !isQuiet else { return }
    state.withLock { state in
      if isTerminal {
        let line = bar(progress, elapsed: ContinuousClock.now - state.start)
        write("\r\u{1B}[K\(line)")
        state.lastLine = line
      } else if state.lastStage != progress.stage {
        write("\(progress.stage): \(progress.detail)\n")
      }
      state.lastStage = progress.stage
    }
  }

  /// A line of its own.
  func say(_ text: String) {
    guard !isQuiet else { return }
    state.withLock { state in
      write(isTerminal && !state.lastLine.isEmpty ? "\r\u{1B}[K\(text)\n" : "\(text)\n")
      state.lastLine = ""
    }
  }

  /// Ends the bar's line.
  func finish() {
    guard !isQuiet else { return }
    state.withLock { state in
      if isTerminal, !state.lastLine.isEmpty { write("\r\u{1B}[K") }
      state.lastLine = ""
    }
  }

  private func bar(_ progress: StageProgress, elapsed: Duration) -> String {
    let width = 28
    let filled = Int((Double(width) * min(max(progress.fraction, 0), 1)).rounded())
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let seconds = elapsed.inSeconds
    var left = ""
    if progress.fraction > 0.02, progress.fraction < 1 {
      let remaining = seconds * (1 - progress.fraction) / progress.fraction
      left = String(format: "  %.0f s left", remaining.rounded(.up))
    }
    let percent = String(format: "%3.0f %%", 100 * progress.fraction)
    return "\(bar) \(percent)  \(progress.stage): \(progress.detail)\(left)"
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
