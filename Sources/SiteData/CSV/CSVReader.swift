/// Reads the records of a CSV file one at a time as texts: ``RecordScanner`` finds them, and each
/// field is decoded here.
///
/// Memory is bounded by one buffer and one record, whatever the file. A field at fault does not stop
/// the reading: its record says what is wrong, so that a check can list every problem. Only what
/// makes the rest unreadable throws.
public struct CSVReader {
  /// The longest record in bytes: beyond it a quote was probably never closed.
  public static let maximumRecordBytes = RecordWalk.maximumRecordBytes
  /// The most columns.
  public static let maximumColumns = RecordWalk.maximumColumns

  /// The file's name as the user gave it.
  public var file: String { scanner.file }
  private let encoding: TextEncoding
  private var scanner: RecordScanner

  /// Opens a file, plain or compressed with gzip. `delimiter` is one ASCII character other than a
  /// quote or a line end.
  public init(
    path: String, delimiter: UInt8 = UInt8(ascii: ","), encoding: TextEncoding = .utf8
  ) throws(SiteDataError) {
    scanner = try RecordScanner(path: path, delimiter: delimiter)
    self.encoding = encoding
  }

  /// Reads bytes in memory.
  public init(
    bytes: [UInt8], file: String, delimiter: UInt8 = UInt8(ascii: ","),
    encoding: TextEncoding = .utf8
  ) throws(SiteDataError) {
    scanner = try RecordScanner(
      InputBytes(bytes: bytes, file: file), file: file, delimiter: delimiter)
    self.encoding = encoding
  }

  /// The next record, or nil at the end of the file; blank lines are skipped.
  public mutating func next() throws(SiteDataError) -> CSVRecord? {
    guard try scanner.next() else { return nil }
    if let line = scanner.unclosedLine { throw scanner.unclosed(line: line) }
    var record = CSVRecord(fields: [], line: scanner.line, faults: [])
    record.fields.reserveCapacity(scanner.fieldCount)
    for index in 0..<scanner.fieldCount {
      if scanner.isMalformed, scanner.malformedFields.contains(index) {
        record.faults.append(.init(code: .textAfterQuote, column: index + 1))
      }
      let field = scanner.bytes(index)
      if !field.contains(0), let text = encoding.text(field[...]) {
        record.fields.append(text)
      } else {
        record.faults.append(.init(code: .wrongEncoding, column: index + 1))
        record.fields.append(String(decoding: field.filter { $0 != 0 }, as: UTF8.self))
      }
    }
    return record
  }
}
