import Foundation

/// Reads the records of a CSV file one at a time: RFC 4180 quoting, LF, CRLF or CR line ends, a
/// byte order mark, quoted line ends; blank lines are skipped.
///
/// Memory is bounded by one chunk and one record, whatever the file. A field at fault does not stop
/// the reading: its record says what is wrong, so that a check can list every problem. Only what
/// makes the rest unreadable throws.
public struct CSVReader: Sendable {
  /// The longest record in bytes: beyond it a quote was probably never closed.
  public static let maximumRecordBytes = 1 << 20
  /// The most columns.
  public static let maximumColumns = 4096

  private enum State { case fieldStart, unquoted, quoted, afterQuote }

  /// The file's name as the user gave it.
  public let file: String
  private let delimiter: UInt8
  private let encoding: TextEncoding
  private var source: ByteSource
  private var buffer: [UInt8] = []
  private var position = 0
  private var line = 1
  private var skipLineFeed = false
  private var isFinished = false

  /// Opens a file. `delimiter` is one ASCII character other than a quote or a line end.
  public init(
    path: String, delimiter: UInt8 = UInt8(ascii: ","), encoding: TextEncoding = .utf8
  ) throws(SiteDataError) {
    try self.init(
      source: try ByteSource(path: path), file: path, delimiter: delimiter, encoding: encoding)
  }

  /// Reads bytes in memory.
  public init(
    bytes: [UInt8], file: String, delimiter: UInt8 = UInt8(ascii: ","),
    encoding: TextEncoding = .utf8
  ) throws(SiteDataError) {
    try self.init(
      source: ByteSource(bytes: bytes), file: file, delimiter: delimiter, encoding: encoding)
  }

  private init(
    source: ByteSource, file: String, delimiter: UInt8, encoding: TextEncoding
  ) throws(SiteDataError) {
    self.source = source
    self.file = file
    self.delimiter = delimiter
    self.encoding = encoding
    try fill()
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    if buffer.starts(with: [0xFF, 0xFE]) || buffer.starts(with: [0xFE, 0xFF]) {
      throw SiteDataError(
        .wrongEncoding, file: file, line: 1, message: "the file is in UTF-16",
        advice: "export it as UTF-8")
    }
  }

  private mutating func fill() throws(SiteDataError) {
    buffer = try source.next(file: file)
    position = 0
  }

  /// The next record, or nil at the end of the file.
  public mutating func next() throws(SiteDataError) -> CSVRecord? {
    while let record = try nextLine() {
      if record.fields != [""] || record.wasQuoted { return record.record }
    }
    return nil
  }

  private struct Line {
    let record: CSVRecord
    let wasQuoted: Bool
    var fields: [String] { record.fields }
  }

  private mutating func nextLine() throws(SiteDataError) -> Line? {
    guard !isFinished else { return nil }
    var state = State.fieldStart
    var field: [UInt8] = []
    var record = CSVRecord(fields: [], line: line, faults: [])
    var recordBytes = 0
    var wasQuoted = false
    var quoteLine = line
    while true {
      if position == buffer.count {
        try fill()
        if buffer.isEmpty {
          isFinished = true
          if state == .quoted { throw unclosed(quoteLine) }
          if recordBytes == 0 { return nil }
          try end(&field, &record)
          return Line(record: record, wasQuoted: wasQuoted)
        }
      }
      let byte = buffer[position]
      position += 1
      if skipLineFeed {
        skipLineFeed = false
        if byte == UInt8(ascii: "\n") {
          continue
        }
      }
      recordBytes += 1
      guard recordBytes <= Self.maximumRecordBytes else {
        if state == .quoted { throw unclosed(quoteLine) }
        throw SiteDataError(
          .recordTooLarge, file: file, line: record.line,
          message: "a record is longer than \(Self.maximumRecordBytes) bytes",
          advice: "check the line ends and the delimiter")
      }
      if state == .quoted {
        if byte == UInt8(ascii: "\"") {
          state = .afterQuote
        } else {
          if byte == UInt8(ascii: "\n") { line += 1 }
          field.append(byte)
        }
        continue
      }
      switch byte {
      case delimiter:
        try end(&field, &record)
        state = .fieldStart
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        skipLineFeed = byte == UInt8(ascii: "\r")
        line += 1
        try end(&field, &record)
        return Line(record: record, wasQuoted: wasQuoted)
      case UInt8(ascii: "\"") where state == .fieldStart:
        state = .quoted
        wasQuoted = true
        quoteLine = line
      case UInt8(ascii: "\"") where state == .afterQuote:
        field.append(byte)
        state = .quoted
      case UInt8(ascii: " ") where state == .afterQuote:
        break
      default:
        if state == .afterQuote {
          record.faults.append(.init(code: .textAfterQuote, column: record.fields.count + 1))
        }
        state = .unquoted
        field.append(byte)
      }
    }
  }

  private func end(_ field: inout [UInt8], _ record: inout CSVRecord) throws(SiteDataError) {
    guard record.fields.count < Self.maximumColumns else {
      throw SiteDataError(
        .recordTooLarge, file: file, line: record.line,
        message: "a record has more than \(Self.maximumColumns) columns",
        advice: "check the delimiter")
    }
    if field.contains(0) || encoding.text(field) == nil {
      record.faults.append(.init(code: .wrongEncoding, column: record.fields.count + 1))
      record.fields.append(String(decoding: field.filter { $0 != 0 }, as: UTF8.self))
    } else {
      record.fields.append(encoding.text(field) ?? "")
    }
    field.removeAll(keepingCapacity: true)
  }

  private func unclosed(_ quoteLine: Int) -> SiteDataError {
    SiteDataError(
      .unclosedQuote, file: file, line: quoteLine,
      message: "a quoted field that begins here never ends",
      advice: "close the quote, or double a quote inside the field")
  }
}

/// Chunks of a file or of memory; empty at the end.
struct ByteSource: Sendable {
  private static let chunkBytes = 1 << 16
  private let handle: FileHandle?
  private var bytes: [UInt8]

  init(bytes: [UInt8]) {
    handle = nil
    self.bytes = bytes
  }

  init(path: String) throws(SiteDataError) {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      !isDirectory.boolValue, let handle = FileHandle(forReadingAtPath: path)
    else {
      throw SiteDataError(
        .unreadableFile, file: path, message: "the file cannot be opened",
        advice: "check the path in `data.file` and the file's permissions")
    }
    self.handle = handle
    bytes = []
  }

  mutating func next(file: String) throws(SiteDataError) -> [UInt8] {
    guard let handle else {
      defer { bytes = [] }
      return bytes
    }
    do {
      guard let data = try handle.read(upToCount: Self.chunkBytes) else { return [] }
      return [UInt8](data)
    } catch {
      throw SiteDataError(
        .unreadableFile, file: file, message: "reading stopped with an error of the disk",
        advice: "copy the file again and retry")
    }
  }
}
