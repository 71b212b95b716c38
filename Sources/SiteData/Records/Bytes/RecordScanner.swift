/// Splits a delimited file into records and fields without making a `String` of any: RFC 4180
/// quoting, LF, CRLF or CR line ends, a byte order mark; blank lines are skipped. Every delimited
/// file is read through it.
///
/// Memory is one buffer, which grows to the longest record, at most ``maximumRecordBytes``.
struct RecordScanner {
  /// The longest record: beyond it a quote was probably never closed.
  static let maximumRecordBytes = 1 << 20
  static let maximumColumns = 4096

  /// One field as a place in the buffer.
  struct Field {
    var start: Int
    var end: Int
  }

  let file: String
  private let delimiter: UInt8
  private var buffer: RefillBuffer
  private(set) var fields: [Field] = []
  /// Line of the file on which the record begins, from 1.
  private(set) var line = 0
  private var nextLine = 1
  /// Positions of the fields behind whose closing quote text follows, or that are never closed.
  private(set) var malformedFields: [Int] = []
  /// Where the file's last quote opens, when nothing closes it.
  private(set) var unclosedLine: Int?

  /// The record's quotes do not fit together.
  var isMalformed: Bool { !malformedFields.isEmpty }

  /// `name` is what messages call the file; its path when nil.
  init(path: String, name: String? = nil, delimiter: UInt8) throws(SiteDataError) {
    try self.init(
      try InputBytes(path: path, name: name), file: name ?? path, delimiter: delimiter)
  }

  /// Reads what `input` has; `file` names it in messages.
  init(_ input: InputBytes, file: String, delimiter: UInt8) throws(SiteDataError) {
    self.file = file
    self.delimiter = delimiter
    buffer = RefillBuffer(input)
    fields.reserveCapacity(64)
    try buffer.refill()
    let start = buffer.bytes.prefix(min(3, buffer.limit))
    if start == [0xEF, 0xBB, 0xBF] { buffer.position = 3 }
    if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) {
      throw SiteDataError(
        .wrongEncoding, file: file, line: 1, message: "the file is in UTF-16",
        advice: "export it as UTF-8")
    }
  }

  /// `openQuote` is the line of a quote that is not closed, from 0 for the record's first.
  private enum Scan {
    case record(end: Int, quoted: Bool, lines: Int, openQuote: Int?)
    case incomplete(openQuote: Int?)
  }

  /// Moves to the next record; false at the end of the file.
  mutating func next() throws(SiteDataError) -> Bool {
    while true {
      switch scan() {
      case .record(let end, let quoted, let lines, let openQuote):
        line = nextLine
        guard fields.count <= Self.maximumColumns else {
          throw tooLarge("a record has more than \(Self.maximumColumns) columns")
        }
        guard end - buffer.position <= Self.maximumRecordBytes else { throw tooLong(openQuote) }
        unclosedLine = openQuote.map { nextLine + $0 }
        nextLine += lines
        buffer.position = end
        let isBlank = fields.count == 1 && fields[0].start == fields[0].end && !quoted
        if isBlank { continue }
        malformedFields.removeAll(keepingCapacity: true)
        if quoted { unquote() }
        return true
      case .incomplete(let openQuote):
        guard !buffer.isAtEnd else { return false }
        guard buffer.restCount <= Self.maximumRecordBytes else { throw tooLong(openQuote) }
        try buffer.refill()
      }
    }
  }

  private func tooLong(_ openQuote: Int?) -> SiteDataError {
    if let openQuote { return unclosed(line: nextLine + openQuote) }
    return tooLarge("a record is longer than \(Self.maximumRecordBytes) bytes")
  }

  private func tooLarge(_ message: String) -> SiteDataError {
    SiteDataError(
      .recordTooLarge, file: file, line: nextLine, message: message,
      advice: "check the line ends and the delimiter")
  }

  /// The error for a quote that opens on a line and is never closed.
  func unclosed(line: Int) -> SiteDataError {
    SiteDataError(
      .unclosedQuote, file: file, line: line,
      message: "a quoted field that begins here never ends",
      advice: "close the quote, or double a quote inside the field")
  }

  /// Finds the fields of the record at the buffer's position. An unclosed quote at the end of the
  /// file makes a record that is malformed.
  private mutating func scan() -> Scan {
    fields.removeAll(keepingCapacity: true)
    let delimiter = delimiter
    let limit = buffer.limit
    let start = buffer.position
    let isAtEnd = buffer.isAtEnd
    var found = fields
    fields = []
    defer { fields = found }
    return buffer.bytes.withUnsafeBufferPointer { bytes -> Scan in
      var at = start
      var fieldStart = start
      var isQuoted = false
      var lines = 1
      guard at < limit else { return .incomplete(openQuote: nil) }
      while at < limit {
        let byte = bytes[at]
        if byte == delimiter {
          found.append(Field(start: fieldStart, end: at))
          if found.count > Self.maximumColumns {
            return .record(end: at, quoted: isQuoted, lines: lines, openQuote: nil)
          }
          fieldStart = at + 1
        } else if byte == 10 {
          found.append(Field(start: fieldStart, end: at))
          return .record(end: at + 1, quoted: isQuoted, lines: lines, openQuote: nil)
        } else if byte == 13 {
          if at + 1 == limit, !isAtEnd { return .incomplete(openQuote: nil) }
          found.append(Field(start: fieldStart, end: at))
          let isPair = at + 1 < limit && bytes[at + 1] == 10
          return .record(
            end: at + (isPair ? 2 : 1), quoted: isQuoted, lines: lines, openQuote: nil)
        } else if byte == 34, at == fieldStart {
          isQuoted = true
          let openQuote = lines - 1
          at += 1
          while true {
            guard at < limit else {
              guard isAtEnd else { return .incomplete(openQuote: openQuote) }
              found.append(Field(start: fieldStart, end: limit))
              return .record(end: limit, quoted: true, lines: lines, openQuote: openQuote)
            }
            if bytes[at] == 34 {
              if at + 1 == limit, !isAtEnd { return .incomplete(openQuote: openQuote) }
              if at + 1 < limit, bytes[at + 1] == 34 {
                at += 2
                continue
              }
              break
            }
            if bytes[at] == 10 { lines += 1 }
            at += 1
          }
        }
        at += 1
      }
      guard isAtEnd else { return .incomplete(openQuote: nil) }
      found.append(Field(start: fieldStart, end: limit))
      return .record(end: limit, quoted: isQuoted, lines: lines, openQuote: nil)
    }
  }

  /// Takes the quotes off, in place.
  private mutating func unquote() {
    for index in fields.indices {
      let field = fields[index]
      guard field.start < field.end, buffer.bytes[field.start] == 34 else { continue }
      var to = field.start
      var from = field.start + 1
      var isWhole = false
      while from < field.end {
        if buffer.bytes[from] == 34 {
          if from + 1 < field.end, buffer.bytes[from + 1] == 34 {
            from += 1
          } else {
            isWhole = !buffer.bytes[(from + 1)..<field.end].contains { $0 != 32 }
            break
          }
        }
        buffer.bytes[to] = buffer.bytes[from]
        to += 1
        from += 1
      }
      if !isWhole { malformedFields.append(index) }
      fields[index].end = to
    }
  }

  /// Runs `body` with the buffer in which the fields of the current record lie.
  @inline(__always)
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    buffer.bytes.withUnsafeBufferPointer { body($0) }
  }

  /// The bytes of a field; empty when there is no such field.
  func bytes(_ index: Int) -> ArraySlice<UInt8> {
    guard fields.indices.contains(index) else { return [] }
    return buffer.bytes[fields[index].start..<fields[index].end]
  }

  /// The text of a field; nil when it is not UTF-8 or there is no such field.
  func text(_ index: Int) -> String? {
    guard fields.indices.contains(index) else { return nil }
    return String(validating: bytes(index), as: UTF8.self)
  }
}
