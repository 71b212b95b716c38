/// Splits a delimited file into records and fields without making a `String` of any: RFC 4180
/// quoting, LF, CRLF or CR line ends, a byte order mark; blank lines are skipped.
///
/// Memory is one buffer, which grows to the longest record, at most ``maximumRecordBytes``.
struct RecordScanner {
  static let maximumRecordBytes = 1 << 20
  static let maximumColumns = 4096

  /// One field as a place in the buffer.
  struct Field {
    var start: Int
    var end: Int
  }

  let file: String
  private let delimiter: UInt8
  private let input: InputBytes
  private var buffer: [UInt8]
  private var position = 0
  private var limit = 0
  private var isAtEnd = false
  private(set) var fields: [Field] = []
  /// Line of the file on which the record begins, from 1.
  private(set) var line = 0
  private var nextLine = 1
  /// The record's quotes do not fit together.
  private(set) var isMalformed = false

  init(path: String, delimiter: UInt8) throws(SiteDataError) {
    input = try InputBytes(path: path)
    file = path
    self.delimiter = delimiter
    buffer = [UInt8](repeating: 0, count: 1 << 18)
    fields.reserveCapacity(64)
    try refill()
    if limit >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF { position = 3 }
    if limit >= 2, buffer[0] == 0xFF && buffer[1] == 0xFE || buffer[0] == 0xFE && buffer[1] == 0xFF
    {
      throw SiteDataError(
        .wrongEncoding, file: path, line: 1, message: "the file is in UTF-16",
        advice: "export it as UTF-8")
    }
  }

  /// Moves what is left to the front and reads more behind it.
  private mutating func refill() throws(SiteDataError) {
    guard !isAtEnd else { return }
    let rest = limit - position
    if position > 0 {
      let from = position
      buffer.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        base.copyMemory(from: base + from, byteCount: rest)
      }
    } else if limit == buffer.count {
      buffer += [UInt8](repeating: 0, count: buffer.count)
    }
    position = 0
    limit = rest
    let space = limit..<buffer.count
    var failure: SiteDataError?
    let count = buffer.withUnsafeMutableBytes { bytes in
      do {
        return try input.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[space]))
      } catch {
        failure = error as? SiteDataError
        return 0
      }
    }
    if let failure { throw failure }
    if count == 0 { isAtEnd = true }
    limit += count
  }

  private enum Scan { case record(end: Int, quoted: Bool, lines: Int), incomplete(inQuote: Bool) }

  /// Moves to the next record; false at the end of the file.
  mutating func next() throws(SiteDataError) -> Bool {
    while true {
      switch scan() {
      case .record(let end, let quoted, let lines):
        line = nextLine
        nextLine += lines
        position = end
        if fields.count > Self.maximumColumns {
          throw tooLarge("a record has more than \(Self.maximumColumns) columns")
        }
        let isBlank = fields.count == 1 && fields[0].start == fields[0].end && !quoted
        if isBlank { continue }
        isMalformed = false
        if quoted { unquote() }
        return true
      case .incomplete(let inQuote):
        guard isAtEnd else {
          guard limit - position <= Self.maximumRecordBytes else {
            if inQuote { throw unclosed() }
            throw tooLarge("a record is longer than \(Self.maximumRecordBytes) bytes")
          }
          try refill()
          continue
        }
        return false
      }
    }
  }

  private func tooLarge(_ message: String) -> SiteDataError {
    SiteDataError(
      .recordTooLarge, file: file, line: nextLine, message: message,
      advice: "check the line ends and the delimiter")
  }

  private func unclosed() -> SiteDataError {
    SiteDataError(
      .unclosedQuote, file: file, line: nextLine,
      message: "a quoted field in the record that begins here never ends",
      advice: "close the quote, or double a quote inside the field")
  }

  /// Finds the fields of the record at `position`. An unclosed quote at the end of the file makes a
  /// record that is malformed.
  private mutating func scan() -> Scan {
    fields.removeAll(keepingCapacity: true)
    let delimiter = delimiter
    let limit = limit
    let start = position
    let isAtEnd = isAtEnd
    var found = fields
    fields = []
    defer { fields = found }
    return buffer.withUnsafeBufferPointer { bytes -> Scan in
      var at = start
      var fieldStart = start
      var isQuoted = false
      var lines = 1
      guard at < limit else { return .incomplete(inQuote: false) }
      while at < limit {
        let byte = bytes[at]
        if byte == delimiter {
          found.append(Field(start: fieldStart, end: at))
          if found.count > Self.maximumColumns {
            return .record(end: at, quoted: isQuoted, lines: lines)
          }
          fieldStart = at + 1
        } else if byte == 10 {
          found.append(Field(start: fieldStart, end: at))
          return .record(end: at + 1, quoted: isQuoted, lines: lines)
        } else if byte == 13 {
          if at + 1 == limit, !isAtEnd { return .incomplete(inQuote: false) }
          found.append(Field(start: fieldStart, end: at))
          let isPair = at + 1 < limit && bytes[at + 1] == 10
          return .record(end: at + (isPair ? 2 : 1), quoted: isQuoted, lines: lines)
        } else if byte == 34, at == fieldStart {
          isQuoted = true
          at += 1
          while true {
            guard at < limit else {
              if isAtEnd {
                found.append(Field(start: fieldStart, end: limit))
                return .record(end: limit, quoted: true, lines: lines)
              }
              return .incomplete(inQuote: true)
            }
            if bytes[at] == 34 {
              if at + 1 == limit, !isAtEnd { return .incomplete(inQuote: true) }
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
      guard isAtEnd else { return .incomplete(inQuote: false) }
      found.append(Field(start: fieldStart, end: limit))
      return .record(end: limit, quoted: isQuoted, lines: lines)
    }
  }

  /// Takes the quotes off, in place.
  private mutating func unquote() {
    for index in fields.indices {
      let field = fields[index]
      guard field.start < field.end, buffer[field.start] == 34 else { continue }
      var to = field.start
      var from = field.start + 1
      var isClosed = false
      while from < field.end {
        if buffer[from] == 34 {
          if from + 1 < field.end, buffer[from + 1] == 34 {
            from += 1
          } else {
            isClosed = true
            if buffer[(from + 1)..<field.end].contains(where: { $0 != 32 }) { isMalformed = true }
            break
          }
        }
        buffer[to] = buffer[from]
        to += 1
        from += 1
      }
      if !isClosed { isMalformed = true }
      fields[index].end = to
    }
  }

  /// Runs `body` with the buffer in which the fields of the current record lie.
  @inline(__always)
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    buffer.withUnsafeBufferPointer { body($0) }
  }

  /// The text of a field; nil when it is not UTF-8 or there is no such field.
  func text(_ index: Int) -> String? {
    guard fields.indices.contains(index) else { return nil }
    return String(validating: buffer[fields[index].start..<fields[index].end], as: UTF8.self)
  }
}
