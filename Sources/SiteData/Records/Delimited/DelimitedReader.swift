import Records

/// Reads the files of a ``DelimitedSource``.
struct DelimitedReader: EventReader {
  /// Events per batch, about.
  static let batchSize = 8192
  /// Longer fields are no codes, units or values.
  static let maximumFieldBytes = 4096

  private let source: DelimitedSource
  private let name: String
  private let missing: [[UInt8]]
  private var fileNumber = 0
  private var scanner: RecordScanner?
  private var columns = Columns()
  private var codes = CodeCache()

  /// Positions of the columns in the open file; -1 for one that is not used.
  private struct Columns {
    var count = 0
    var subject = -1
    var time = -1
    var known = -1
    var code = -1
    var value = -1
    var unit = -1
    var wide: [(position: Int, code: Int32, unit: Int32)] = []
    var fileSubject: Int32 = -1
  }

  init(_ source: DelimitedSource) {
    self.source = source
    name = source.name
    missing = source.mapping.missing.map { Array($0.utf8) }
  }

  mutating func next(_ batch: inout EventBatch) throws(SiteDataError) -> Bool {
    batch.events.removeAll(keepingCapacity: true)
    while batch.events.count < Self.batchSize {
      if scanner == nil {
        guard fileNumber < source.files.count else { break }
        try openFile(&batch)
      }
      guard try scanner?.next() == true else {
        scanner = nil
        fileNumber += 1
        continue
      }
      try takeRecord(&batch)
    }
    batch.report.eventCount += batch.events.count
    return !batch.events.isEmpty
  }

  private mutating func openFile(_ batch: inout EventBatch) throws(SiteDataError) {
    let path = source.files[fileNumber]
    let name = FileNaming.file(
      fileNumber, of: source.files, isPatient: source.mapping.subject == .fileName)
    var opened = try RecordScanner(path: path, name: name, delimiter: source.mapping.delimiter)
    guard try opened.next() else {
      throw SiteDataError(
        .emptyFile, file: name, message: "the file is empty",
        advice: "it should begin with a line of column names")
    }
    let names = opened.fields.indices.map { opened.text($0)?.trimmed ?? "" }
    columns = try locate(names, path: path, file: name, &batch.lexicon)
    scanner = opened
  }

  private func locate(
    _ names: [String], path: String, file: String, _ lexicon: inout Lexicon
  ) throws(SiteDataError) -> Columns {
    var columns = Columns()
    columns.count = names.count
    func find(_ name: String) throws(SiteDataError) -> Int {
      guard let position = names.firstIndex(of: name) else {
        throw SiteDataError(
          .missingColumn, file: file, line: 1, columnName: name,
          message: "the file has no such column (it has \(names.count): a wrong delimiter?)",
          advice: "correct the mapping or `delimiter`; the names must match exactly")
      }
      return position
    }
    let mapping = source.mapping
    switch mapping.subject {
    case .column(let name): columns.subject = try find(name)
    case .fileName:
      let last = path.split(separator: "/").last.map(String.init) ?? path
      let stem = last.split(separator: ".").first.map(String.init) ?? last
      columns.fileSubject = lexicon.subjects.index(stem) ?? -1
    }
    if case .column(let name, _) = mapping.when { columns.time = try find(name) }
    if let name = mapping.knownColumn { columns.known = try find(name) }
    switch mapping.layout {
    case .long(let code, let value, let unit):
      columns.code = try find(code)
      if let value { columns.value = try find(value) }
      if let unit { columns.unit = try find(unit) }
    case .wide(let list):
      for column in list {
        let unit = (column.unit ?? mapping.units[column.code]).flatMap { lexicon.units.index($0) }
        let name = DiagnosisCode.normalised(column.code)
        guard let code = lexicon.codes.index(name) else { continue }
        columns.wide.append((try find(column.column), code, unit ?? Lexicon.none))
      }
    }
    return columns
  }

  private mutating func takeRecord(_ batch: inout EventBatch) throws(SiteDataError) {
    guard let scanner else { return }
    batch.report.rows[name, default: 0] += 1
    let fault: RecordFault?
    if scanner.isMalformed {
      fault = RecordFault(reason: .malformed)
    } else if scanner.fields.count != columns.count {
      fault = RecordFault(reason: .raggedRow, column: scanner.fields.count)
    } else {
      fault = batch.addWhole { batch in
        scanner.withBytes { take($0, scanner.fields, &batch) }
      }
    }
    guard let fault else { return }
    try batch.report.leaveOut(
      fault, file: scanner.file, line: scanner.line, source.policy)
  }

  private mutating func take(
    _ bytes: UnsafeBufferPointer<UInt8>, _ fields: [RecordScanner.Field],
    _ batch: inout EventBatch
  ) -> RecordFault? {
    func field(_ position: Int) -> UnsafeBufferPointer<UInt8> {
      FieldText.trimmed(
        UnsafeBufferPointer(rebasing: bytes[fields[position].start..<fields[position].end]))
    }
    var subject = columns.fileSubject
    if columns.subject >= 0 {
      let text = field(columns.subject)
      guard !text.isEmpty else {
        return RecordFault(reason: .noSubject, column: columns.subject + 1)
      }
      guard text.count <= 256, let number = batch.lexicon.subjects.index(text) else {
        return RecordFault(reason: .fieldTooLarge, column: columns.subject + 1)
      }
      subject = number
    }
    var time = RecordTime.always
    var span: Int32 = 0
    if case .at(let seconds) = source.mapping.when { time = seconds }
    if case .column(_, let format) = source.mapping.when {
      let text = field(columns.time)
      guard !text.isEmpty else { return RecordFault(reason: .noTime, column: columns.time + 1) }
      guard let reading = format.read(text, decimal: source.mapping.decimal) else {
        return RecordFault(reason: .badTime, column: columns.time + 1)
      }
      batch.report.count(reading)
      time = max(reading.seconds, source.mapping.earliest ?? .min)
      span = reading.span
    }
    // A record of its own time is known when that is over; where a column should say since when it is
    // known and does not, nobody can say.
    var frame = Event(subject: subject, code: 0, time: time, span: span)
    if columns.known >= 0, case .column(_, let format) = source.mapping.when {
      let text = field(columns.known)
      if text.isEmpty || isMissing(text) {
        frame.knownAt = RecordTime.never
      } else {
        guard let reading = format.read(text, decimal: source.mapping.decimal) else {
          return RecordFault(reason: .badTime, column: columns.known + 1)
        }
        frame.knownAt = max(time, reading.latest)
      }
    }
    if columns.code >= 0 {
      return takeLong(bytes, fields, frame, &batch)
    }
    for column in columns.wide {
      let text = field(column.position)
      if text.isEmpty || isMissing(text) { continue }
      guard text.count <= Self.maximumFieldBytes else {
        return RecordFault(reason: .fieldTooLarge, column: column.position + 1)
      }
      var event = frame
      event.code = column.code
      event.unit = column.unit
      guard setValue(text, &event, &batch.lexicon) else {
        return RecordFault(reason: .wrongEncoding, column: column.position + 1)
      }
      batch.events.append(event)
    }
    return nil
  }

  private mutating func takeLong(
    _ bytes: UnsafeBufferPointer<UInt8>, _ fields: [RecordScanner.Field], _ frame: Event,
    _ batch: inout EventBatch
  ) -> RecordFault? {
    func field(_ position: Int) -> UnsafeBufferPointer<UInt8> {
      FieldText.trimmed(
        UnsafeBufferPointer(rebasing: bytes[fields[position].start..<fields[position].end]))
    }
    let text = field(columns.code)
    guard !text.isEmpty else { return RecordFault(reason: .noCode, column: columns.code + 1) }
    guard text.count <= 512 else {
      return RecordFault(reason: .fieldTooLarge, column: columns.code + 1)
    }
    guard let code = codes.look(text, source.mapping, &batch.lexicon) else {
      return RecordFault(reason: .wrongEncoding, column: columns.code + 1)
    }
    var event = frame
    event.code = code.code
    event.unit = code.unit
    if columns.value >= 0 {
      let value = field(columns.value)
      guard value.count <= Self.maximumFieldBytes else {
        return RecordFault(reason: .fieldTooLarge, column: columns.value + 1)
      }
      if !value.isEmpty, !isMissing(value) {
        guard setValue(value, &event, &batch.lexicon) else {
          return RecordFault(reason: .wrongEncoding, column: columns.value + 1)
        }
      }
    }
    if columns.unit >= 0 {
      let unit = field(columns.unit)
      if !unit.isEmpty {
        guard unit.count <= 128, let number = batch.lexicon.units.index(unit) else {
          return RecordFault(reason: .fieldTooLarge, column: columns.unit + 1)
        }
        event.unit = number
      }
    }
    batch.events.append(event)
    return nil
  }

  private func isMissing(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    for own in missing where own.count == text.count && own.elementsEqual(text) { return true }
    return false
  }

  /// A number, a number behind `<` or `>` (the limit of detection stands for the value), or a word;
  /// false when the word is not UTF-8.
  private func setValue(
    _ text: UnsafeBufferPointer<UInt8>, _ event: inout Event, _ lexicon: inout Lexicon
  ) -> Bool {
    if let number = FieldText.number(text, decimal: source.mapping.decimal) {
      event.value = number
      return true
    }
    if text.count > 1, text[0] == UInt8(ascii: "<") || text[0] == UInt8(ascii: ">") {
      let skipped = text[1] == UInt8(ascii: "=") ? 2 : 1
      let rest = FieldText.trimmed(UnsafeBufferPointer(rebasing: text[skipped...]))
      if let number = FieldText.number(rest, decimal: source.mapping.decimal) {
        event.value = number
        return true
      }
    }
    guard String(validating: text, as: UTF8.self) != nil,
      let number = lexicon.texts.index(text)
    else { return false }
    event.text = number
    return true
  }
}
