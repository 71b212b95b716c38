/// Splits a delimited file into records and fields without making a `String` of any: ``RecordWalk``
/// over a window on the file. A byte order mark is passed over.
///
/// Memory is one buffer, which grows to the longest record, at most
/// ``RecordWalk/maximumRecordBytes``.
struct RecordScanner {
  private var buffer: RefillBuffer
  private var walk: RecordWalk

  var file: String { walk.file }
  /// Line of the file on which the record begins, from 1.
  var line: Int { walk.line }
  /// Fields of the record.
  var fieldCount: Int { walk.fieldCount }
  /// See ``RecordWalk``.
  var isMalformed: Bool { walk.isMalformed }
  var malformedFields: [Int] { walk.malformedFields }
  var unclosedLine: Int? { walk.unclosedLine }

  /// `name` is what messages call the file; its path when nil.
  init(path: String, name: String? = nil, delimiter: UInt8) throws(SiteDataError) {
    try self.init(
      try InputBytes(path: path, name: name), file: name ?? path, delimiter: delimiter)
  }

  /// Reads what `input` has; `file` names it in messages.
  init(_ input: InputBytes, file: String, delimiter: UInt8) throws(SiteDataError) {
    walk = RecordWalk(file: file, delimiter: delimiter)
    buffer = RefillBuffer(input)
    try buffer.refill()
    walk.position = try Self.markLength(buffer.bytes.prefix(min(3, buffer.limit)), file: file)
  }

  /// How long the byte order mark at a file's beginning is; 0 without one. Refuses UTF-16.
  static func markLength(
    _ start: ArraySlice<UInt8>, file: String
  ) throws(SiteDataError) -> Int {
    if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) {
      throw SiteDataError(
        .wrongEncoding, file: file, line: 1, message: "the file is in UTF-16",
        advice: "export it as UTF-8")
    }
    return start == [0xEF, 0xBB, 0xBF] ? 3 : 0
  }

  /// Moves to the next record; false at the end of the file.
  mutating func next() throws(SiteDataError) -> Bool {
    while true {
      let isAtEnd = buffer.isAtEnd
      let limit = buffer.limit
      let step = buffer.bytes.withUnsafeBufferPointer { bytes in
        Result { () throws(SiteDataError) in
          try walk.next(in: UnsafeBufferPointer(rebasing: bytes[..<limit]), isAtEnd: isAtEnd)
        }
      }
      if try step.get() == .record { return true }
      guard !isAtEnd else { return false }
      buffer.position = walk.position
      try buffer.refill()
      walk.position = 0
    }
  }

  /// The error for a quote that opens on a line and is never closed.
  func unclosed(line: Int) -> SiteDataError { walk.unclosed(line: line) }

  /// The bytes of a field; empty when there is no such field.
  func bytes(_ index: Int) -> [UInt8] {
    guard (0..<walk.fieldCount).contains(index) else { return [] }
    return buffer.bytes.withUnsafeBufferPointer { bytes in
      walk.withRecord(in: bytes) { Array($0[index]) }
    }
  }

  /// The text of a field; nil when it is not UTF-8 or there is no such field.
  func text(_ index: Int) -> String? {
    guard (0..<walk.fieldCount).contains(index) else { return nil }
    return String(validating: bytes(index), as: UTF8.self)
  }

  /// The texts of the record's fields; an empty text for one that is not UTF-8.
  var texts: [String] { (0..<walk.fieldCount).map { text($0) ?? "" } }
}
