/// Finds the records of delimited text and their fields in bytes that lie in memory: RFC 4180
/// quoting, LF, CRLF or CR line ends; blank lines are skipped. It knows no file and keeps no bytes:
/// whoever has the bytes asks for one record after the other, and says when no more will follow.
///
/// A record is found by its own bytes alone, so that cutting a file elsewhere finds the same ones.
struct RecordWalk {
  /// The longest record: beyond it a quote was probably never closed.
  static let maximumRecordBytes = 1 << 20
  static let maximumColumns = 4096

  /// One field as a place in the bytes or, when doubled quotes had to be undone, in `rewritten`.
  struct Field {
    var start: Int
    var end: Int
    var isRewritten = false
  }

  enum Step {
    case record
    /// The bytes end before the record does. At the end of a file there is no further record.
    case incomplete
  }

  let file: String
  private let delimiter: UInt8
  /// 1 for the delimiter, a quote and the line ends.
  private let special: [UInt8]
  /// The fields of the record; the first `fieldCount` of them count.
  private(set) var fields: [Field]
  private(set) var fieldCount = 0
  /// The bytes of the fields that had doubled quotes.
  private(set) var rewritten: [UInt8] = []
  /// Line of the file on which the record begins.
  private(set) var line = 0
  /// Line on which the next record begins, from 1.
  private(set) var nextLine: Int
  /// The first byte behind the record.
  var position = 0
  /// Positions of the fields behind whose closing quote text follows, or that are never closed.
  private(set) var malformedFields: [Int] = []
  /// Where the file's last quote opens, when nothing closes it.
  private(set) var unclosedLine: Int?

  /// The record's quotes do not fit together.
  var isMalformed: Bool { !malformedFields.isEmpty }

  /// `firstLine` is the line of the file on which the bytes begin.
  init(file: String, delimiter: UInt8, firstLine: Int = 1) {
    self.file = file
    self.delimiter = delimiter
    nextLine = firstLine
    var special = [UInt8](repeating: 0, count: 256)
    for byte in [delimiter, 10, 13, 34] { special[Int(byte)] = 1 }
    self.special = special
    fields = [Field](repeating: Field(start: 0, end: 0), count: 64)
  }

  private enum Scan {
    /// `openQuote` is the line of a quote that is not closed, from 0 for the record's first.
    case record(end: Int, quoted: Bool, lines: Int, openQuote: Int?)
    case incomplete(openQuote: Int?)
    case tooManyFields
  }

  /// Moves to the next record of `bytes`. `isAtEnd`: nothing follows them.
  @inline(__always)
  mutating func next(
    in bytes: UnsafeBufferPointer<UInt8>, isAtEnd: Bool
  ) throws(SiteDataError) -> Step {
    while true {
      // No further than a record may reach: what is said about a longer one is then the same
      // however many bytes of it are here.
      let limit = min(bytes.count, position + Self.maximumRecordBytes + 2)
      switch scan(bytes, limit, isAtEnd: isAtEnd && limit == bytes.count) {
      case .record(let end, let quoted, let lines, let openQuote):
        line = nextLine
        guard end - position <= Self.maximumRecordBytes else { throw tooLong(openQuote) }
        unclosedLine = openQuote.map { nextLine + $0 }
        nextLine += lines
        position = end
        if fieldCount == 1, fields[0].start == fields[0].end, !quoted { continue }
        if !malformedFields.isEmpty { malformedFields.removeAll(keepingCapacity: true) }
        if quoted { unquote(bytes) }
        return .record
      case .incomplete(let openQuote):
        guard limit - position <= Self.maximumRecordBytes else { throw tooLong(openQuote) }
        return .incomplete
      case .tooManyFields:
        line = nextLine
        throw tooLarge("a record has more than \(Self.maximumColumns) columns")
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

  /// Finds the fields of the record at `position`. An unclosed quote at the end of the file makes a
  /// record that is malformed.
  @inline(__always)
  private mutating func scan(
    _ bytes: UnsafeBufferPointer<UInt8>, _ limit: Int, isAtEnd: Bool
  ) -> Scan {
    let delimiter = delimiter
    let start = position
    var count = 0
    defer { fieldCount = count }
    guard start < limit else { return .incomplete(openQuote: nil) }
    var at = start
    var fieldStart = start
    var isQuoted = false
    var lines = 1
    while at < limit {
      let byte = bytes[at]
      guard special[Int(byte)] != 0 else {
        at += 1
        continue
      }
      if byte == delimiter {
        guard add(fieldStart, at, &count) else { return .tooManyFields }
        fieldStart = at + 1
      } else if byte == 10 {
        guard add(fieldStart, at, &count) else { return .tooManyFields }
        return .record(end: at + 1, quoted: isQuoted, lines: lines, openQuote: nil)
      } else if byte == 13 {
        if at + 1 == limit, !isAtEnd { return .incomplete(openQuote: nil) }
        guard add(fieldStart, at, &count) else { return .tooManyFields }
        let isPair = at + 1 < limit && bytes[at + 1] == 10
        return .record(
          end: at + (isPair ? 2 : 1), quoted: isQuoted, lines: lines, openQuote: nil)
      } else if at == fieldStart {
        isQuoted = true
        let openQuote = lines - 1
        at += 1
        while true {
          guard at < limit else {
            guard isAtEnd else { return .incomplete(openQuote: openQuote) }
            guard add(fieldStart, limit, &count) else { return .tooManyFields }
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
    guard add(fieldStart, limit, &count) else { return .tooManyFields }
    return .record(end: limit, quoted: isQuoted, lines: lines, openQuote: nil)
  }

  /// Notes a field; false when there are too many.
  @inline(__always)
  private mutating func add(_ start: Int, _ end: Int, _ count: inout Int) -> Bool {
    if count == fields.count {
      guard count < Self.maximumColumns else { return false }
      fields += fields
    }
    fields[count] = Field(start: start, end: end)
    count += 1
    return true
  }

  /// Takes the quotes off. The bytes themselves stay as they are: they may be walked again.
  private mutating func unquote(_ bytes: UnsafeBufferPointer<UInt8>) {
    rewritten.removeAll(keepingCapacity: true)
    for index in 0..<fieldCount {
      let field = fields[index]
      guard field.start < field.end, bytes[field.start] == 34 else { continue }
      var from = field.start + 1
      var hasDoubled = false
      while from < field.end {
        if bytes[from] == 34 {
          guard from + 1 < field.end, bytes[from + 1] == 34 else { break }
          hasDoubled = true
          from += 1
        }
        from += 1
      }
      let isWhole = from < field.end && !bytes[(from + 1)..<field.end].contains { $0 != 32 }
      if !isWhole { malformedFields.append(index) }
      guard hasDoubled else {
        fields[index] = Field(start: field.start + 1, end: min(from, field.end))
        continue
      }
      let start = rewritten.count
      var at = field.start + 1
      while at < from {
        rewritten.append(bytes[at])
        at += bytes[at] == 34 ? 2 : 1
      }
      fields[index] = Field(start: start, end: rewritten.count, isRewritten: true)
    }
  }

  /// The record that the walk stands at.
  struct Record {
    fileprivate let fields: UnsafeBufferPointer<Field>
    fileprivate let bytes: UnsafeBufferPointer<UInt8>
    fileprivate let rewritten: UnsafeBufferPointer<UInt8>

    /// The bytes of a field, which must be there.
    @inline(__always)
    subscript(_ index: Int) -> UnsafeBufferPointer<UInt8> {
      let field = fields[index]
      return UnsafeBufferPointer(
        rebasing: (field.isRewritten ? rewritten : bytes)[field.start..<field.end])
    }

    /// Whether a field lies in the walked bytes themselves, and so outlives the record.
    @inline(__always)
    func isPlain(_ index: Int) -> Bool { !fields[index].isRewritten }
  }

  /// Runs `body` with the record that was found last; `bytes` are those in which it was found.
  @inline(__always)
  func withRecord<Result>(
    in bytes: UnsafeBufferPointer<UInt8>, _ body: (Record) -> Result
  ) -> Result {
    fields.withUnsafeBufferPointer { fields in
      rewritten.withUnsafeBufferPointer { rewritten in
        body(Record(fields: fields, bytes: bytes, rewritten: rewritten))
      }
    }
  }
}
