import Foundation
import SiteData

/// The progress of a reading of records on standard error: one line that is written over on a terminal, a
/// line every ten seconds elsewhere, nothing when it is to be quiet.
final class ReadingDisplay {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let isQuiet: Bool
  private let start = ContinuousClock.now
  private var shown = ContinuousClock.now
  private var isLineOpen = false
  private var rate = ReadingRate()

  init(quiet: Bool = false) { isQuiet = quiet }

  /// Shows how far the reading is, unless it did so just before.
  func show(_ progress: ReadingProgress) {
    guard !isQuiet else { return }
    let now = ContinuousClock.now
    guard now - shown > (isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
    shown = now
    let line = rate.line(progress, seconds: (now - start).inSeconds)
    write(isTerminal ? "\r\u{1B}[K\(line)" : "reading: \(line)\n")
    isLineOpen = isTerminal
  }

  /// Ends the line, before anything else is written.
  func finish() {
    if isLineOpen { write("\r\u{1B}[K") }
    isLineOpen = false
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
