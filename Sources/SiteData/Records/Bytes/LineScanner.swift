/// The lines of a file, without making a `String` of any. A byte order mark is passed over.
struct LineScanner {
  static let maximumLineBytes = 1 << 26

  let file: String
  private var buffer: RefillBuffer
  private(set) var line = 0
  private(set) var range = 0..<0

  /// `name` is what messages call the file; its path when nil.
  init(path: String, name: String? = nil) throws(SiteDataError) {
    file = name ?? path
    buffer = RefillBuffer(try InputBytes(path: path, name: name))
  }

  /// How far the file is read, in bytes as they lie on the disk.
  var offset: Int { buffer.offset }

  /// Moves to the next line; with `whole` the rest of the file is one line. False at the end.
  mutating func next(whole: Bool = false) throws(SiteDataError) -> Bool {
    var searched = buffer.position
    while true {
      if !whole {
        let limit = buffer.limit
        let found = buffer.bytes.withUnsafeBufferPointer { bytes -> Int? in
          var at = searched
          while at < limit {
            if bytes[at] == 10 { return at }
            at += 1
          }
          return nil
        }
        if let found {
          take(to: found, next: found + 1)
          return true
        }
      }
      if buffer.isAtEnd {
        guard buffer.position < buffer.limit else { return false }
        take(to: buffer.limit, next: buffer.limit)
        return true
      }
      guard buffer.restCount <= Self.maximumLineBytes else {
        throw SiteDataError(
          .recordTooLarge, file: file, line: line + 1,
          message: "a line is longer than \(Self.maximumLineBytes) bytes",
          advice: "export one resource per line")
      }
      searched = buffer.restCount
      try buffer.refill()
    }
  }

  private mutating func take(to end: Int, next: Int) {
    line += 1
    let start = buffer.position
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let isMarked = line == 1 && end - start >= 3 && buffer.bytes[start..<(start + 3)] == mark[...]
    range = (isMarked ? start + 3 : start)..<end
    buffer.position = next
  }

  func withLine<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    buffer.bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
  }
}
