import Dispatch
import Records
import Synchronization

extension FeatureExtraction {
  /// Rows that one thread writes as text at a time.
  private static let rowsPerPart = 2048

  /// Hands out the table as CSV, part after part: the bytes of `FeatureTable.csv`. `threads` turn
  /// numbers into text; memory is their parts.
  public func forEachPart<Failure: Error>(
    threads: Int = 1, _ body: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    try body(Array(table.header.utf8))
    let width = min(max(threads, 1), DelimitedSource.maximumThreads)
    var row = 0
    while row < table.rowCount {
      let first = row
      let parts = min(width, (table.rowCount - first - 1) / Self.rowsPerPart + 1)
      let texts = Mutex([[UInt8]](repeating: [], count: parts))
      DispatchQueue.concurrentPerform(iterations: parts) { part in
        let start = first + part * Self.rowsPerPart
        var bytes: [UInt8] = []
        for row in start..<min(start + Self.rowsPerPart, table.rowCount) {
          table.append(row, isElapsed: isElapsed, to: &bytes)
        }
        texts.withLock { $0[part] = bytes }
      }
      for text in texts.withLock({ $0 }) { try body(text) }
      row += parts * Self.rowsPerPart
    }
  }
}
