import Records

/// Where the columns of a mapping stand in one file, laid out for the inner loop: no text and no
/// dictionary is asked for a record.
struct DelimitedLayout: Sendable {
  /// Columns of the file.
  private(set) var count = 0
  /// Positions of columns; -1 for one that is not used.
  private(set) var subject = -1
  private(set) var time = -1
  private(set) var known = -1
  private(set) var code = -1
  private(set) var value = -1
  private(set) var unit = -1
  /// Positions of a wide file's columns.
  private(set) var wide: [Int] = []
  /// How times are written, where there is a column of them.
  private(set) var format = TimeFormat.clock
  /// The time of records in a file without a column of times.
  let fixedTime: Int64
  let earliest: Int64
  let missing: [[UInt8]]
  /// Stands for the decimal point.
  let decimal: UInt8

  /// Finds the columns by the names in the header of `file`.
  init(_ mapping: DelimitedMapping, names: [String], file: String) throws(SiteDataError) {
    count = names.count
    decimal = mapping.decimal
    missing = mapping.missing.map { Array($0.utf8) }
    earliest = mapping.earliest ?? .min
    if case .at(let seconds) = mapping.when {
      fixedTime = seconds
    } else {
      fixedTime = RecordTime.always
    }
    func find(_ name: String) throws(SiteDataError) -> Int {
      guard let position = names.firstIndex(of: name) else {
        throw SiteDataError(
          .missingColumn, file: file, line: 1, columnName: name,
          message: "the file has no such column (it has \(names.count): a wrong delimiter?)",
          advice: DelimiterHint.advice(names)
            ?? "correct the mapping or `delimiter`; the names must match exactly")
      }
      if let second = names[(position + 1)...].firstIndex(of: name) {
        throw SiteDataError(
          .duplicateColumn, file: file, line: 1, column: second + 1, columnName: name,
          message: "columns \(position + 1) and \(second + 1) have the same name",
          advice: "rename one of them in the header")
      }
      return position
    }
    if case .column(let name) = mapping.subject { subject = try find(name) }
    if case .column(let name, let format) = mapping.when {
      time = try find(name)
      self.format = format
      if let name = mapping.knownColumn { known = try find(name) }
    } else if let name = mapping.knownColumn {
      _ = try find(name)
    }
    switch mapping.layout {
    case .long(let code, let value, let unit):
      self.code = try find(code)
      if let value { self.value = try find(value) }
      if let unit { self.unit = try find(unit) }
    case .wide(let list):
      for column in list { wide.append(try find(column.column)) }
    }
  }

  /// Whether a text means "not recorded".
  @inline(__always)
  func isMissing(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    if missing.isEmpty { return false }
    for own in missing where own.count == text.count && own.elementsEqual(text) { return true }
    return false
  }
}
