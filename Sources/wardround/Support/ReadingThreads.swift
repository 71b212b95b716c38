import ArgumentParser
import SiteData

/// The option `--threads` of the commands that read records.
enum ReadingThreads {
  /// The number asked for, or the machine's.
  static func checked(_ threads: Int?) throws -> Int {
    guard let threads else { return RecordsDescription.defaultThreads }
    guard (1...DelimitedSource.maximumThreads).contains(threads) else {
      throw ValidationError("--threads is 1 to \(DelimitedSource.maximumThreads)")
    }
    return threads
  }
}
