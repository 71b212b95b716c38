import Records

/// A stretch of a delimited file that begins where a record begins, or seems to: whoever puts the
/// blocks together knows whether the one before ended there.
struct DelimitedBlock: Sendable {
  /// What messages call the file.
  let file: String
  /// The patient, in a file that is one patient's: its name without folder and extension.
  let stem: String
  let delimiter: UInt8
  let layout: DelimitedLayout
  var bytes: [UInt8]
  /// Where in the bytes the records begin.
  var start = 0
  /// Nothing of the file follows.
  let isLast: Bool
  /// The file's first block, whose first line is known.
  let opensFile: Bool
  /// Line on which the block begins: of the file, if it opens it, else counted from 1.
  var firstLine = 1
}

/// What the records of a block say. Subjects, codes, units and words are numbered within the block,
/// in the order in which they first appear; in a wide file, a code is the position of its column in
/// the mapping.
struct DelimitedEvents: Sendable {
  var events: [Event] = []
  /// Identifiers as they stand in the file.
  var subjects = Interner()
  /// Codes as they stand in the file.
  var codes = Interner()
  var units = Interner()
  var texts = Interner()
  /// The codes and units of `codes` and `units` in the order in which they first appeared, which
  /// decides their numbers in the whole source.
  var appearances: [Appearance] = []
  /// Records, whole or at fault.
  var recordCount = 0
  /// Lines from the block's first to the first that belongs to no whole record.
  var lineCount = 0
  var zonedTimeCount = 0
  var localTimeCount = 0
  var dateOnlyCount = 0
  /// Records at fault, with their lines.
  var faults: [(line: Int, fault: RecordFault)] = []
  /// The first byte behind the last whole record.
  var end = 0
  /// Why nothing behind the last record can be read.
  var failure: SiteDataError?

  enum Appearance: Sendable {
    case code(Int32)
    case unit(Int32)
  }
}

extension DelimitedBlock {
  /// Longer fields are no codes, units or values.
  static let maximumFieldBytes = 4096
  /// The unit of a record that names none: its code's own.
  static let unitOfCode = Lexicon.none

  /// Reads the block's records. Depends on the block alone.
  func parsed(reusing events: [Event] = []) -> DelimitedEvents {
    var result = DelimitedEvents()
    result.events = events
    result.events.removeAll(keepingCapacity: true)
    var walk = RecordWalk(file: file, delimiter: delimiter, firstLine: firstLine)
    walk.position = start
    var recent = RecentText()
    bytes.withUnsafeBufferPointer { bytes in
      do throws(SiteDataError) {
        while try walk.next(in: bytes, isAtEnd: isLast) == .record {
          result.recordCount += 1
          let fault: RecordFault?
          if walk.isMalformed {
            fault = RecordFault(reason: .malformed)
          } else if walk.fieldCount != layout.count {
            fault = RecordFault(reason: .raggedRow, column: walk.fieldCount)
          } else {
            let count = result.events.count
            fault = walk.withRecord(in: bytes) { take($0, &result, &recent) }
            if fault != nil { result.events.removeSubrange(count...) }
          }
          if let fault { result.faults.append((walk.line, fault)) }
        }
      } catch {
        result.failure = error
      }
    }
    result.lineCount = walk.nextLine - firstLine
    result.end = walk.position
    return result
  }

  /// The identifier of the record before: records of one patient mostly follow each other.
  private struct RecentText {
    private var text: UnsafeBufferPointer<UInt8>?
    private var number: Int32 = 0

    /// The number of the same text, as long as it stands in the block itself.
    @inline(__always)
    func number(_ other: UnsafeBufferPointer<UInt8>) -> Int32? {
      guard let text, text.count == other.count else { return nil }
      for position in 0..<text.count where text[position] != other[position] { return nil }
      return number
    }

    @inline(__always)
    mutating func set(_ text: UnsafeBufferPointer<UInt8>, _ number: Int32) {
      self.text = text
      self.number = number
    }
  }

  @inline(__always)
  private func take(
    _ record: RecordWalk.Record, _ result: inout DelimitedEvents, _ recent: inout RecentText
  ) -> RecordFault? {
    // A file without a column of identifiers is one patient: the first of the block.
    var subject: Int32 = 0
    if layout.subject >= 0 {
      let text = FieldText.trimmed(record[layout.subject])
      guard !text.isEmpty else {
        return RecordFault(reason: .noSubject, column: layout.subject + 1)
      }
      if let number = recent.number(text) {
        subject = number
      } else {
        guard text.count <= 256 else {
          return RecordFault(reason: .fieldTooLarge, column: layout.subject + 1)
        }
        // Two identifiers that are not UTF-8 would read as the same text.
        guard let number = result.subject(text) else {
          return RecordFault(reason: .wrongEncoding, column: layout.subject + 1)
        }
        subject = number
        if record.isPlain(layout.subject) { recent.set(text, number) }
      }
    }
    var time = layout.fixedTime
    var span: Int32 = 0
    if layout.time >= 0 {
      let text = FieldText.trimmed(record[layout.time])
      guard !text.isEmpty else { return RecordFault(reason: .noTime, column: layout.time + 1) }
      guard let reading = layout.format.read(text, decimal: layout.decimal) else {
        return RecordFault(reason: .badTime, column: layout.time + 1)
      }
      if reading.isDateOnly {
        result.dateOnlyCount += 1
      } else if reading.hasZone {
        result.zonedTimeCount += 1
      } else {
        result.localTimeCount += 1
      }
      time = max(reading.seconds, layout.earliest)
      span = reading.span
    }
    // A record of its own time is known when that is over; where a column should say since when it is
    // known and does not, nobody can say.
    var frame = Event(subject: subject, code: 0, time: time, span: span, unit: Self.unitOfCode)
    if layout.known >= 0 {
      let text = FieldText.trimmed(record[layout.known])
      if text.isEmpty || layout.isMissing(text) {
        frame.knownAt = RecordTime.never
      } else {
        guard let reading = layout.format.read(text, decimal: layout.decimal) else {
          return RecordFault(reason: .badTime, column: layout.known + 1)
        }
        frame.knownAt = max(time, reading.latest)
      }
    }
    return layout.code >= 0 ? takeLong(record, frame, &result) : takeWide(record, frame, &result)
  }

  private func takeWide(
    _ record: RecordWalk.Record, _ frame: Event, _ result: inout DelimitedEvents
  ) -> RecordFault? {
    for (code, position) in layout.wide.enumerated() {
      let text = FieldText.trimmed(record[position])
      if text.isEmpty || layout.isMissing(text) { continue }
      guard text.count <= Self.maximumFieldBytes else {
        return RecordFault(reason: .fieldTooLarge, column: position + 1)
      }
      var event = frame
      event.code = Int32(code)
      guard setValue(text, &event, &result.texts) else {
        return RecordFault(reason: .wrongEncoding, column: position + 1)
      }
      result.events.append(event)
    }
    return nil
  }

  @inline(__always)
  private func takeLong(
    _ record: RecordWalk.Record, _ frame: Event, _ result: inout DelimitedEvents
  ) -> RecordFault? {
    let text = FieldText.trimmed(record[layout.code])
    guard !text.isEmpty else { return RecordFault(reason: .noCode, column: layout.code + 1) }
    guard text.count <= 512 else {
      return RecordFault(reason: .fieldTooLarge, column: layout.code + 1)
    }
    guard let code = result.code(text) else {
      return RecordFault(reason: .wrongEncoding, column: layout.code + 1)
    }
    var event = frame
    event.code = code
    if layout.value >= 0 {
      let value = FieldText.trimmed(record[layout.value])
      guard value.count <= Self.maximumFieldBytes else {
        return RecordFault(reason: .fieldTooLarge, column: layout.value + 1)
      }
      if !value.isEmpty, !layout.isMissing(value) {
        guard setValue(value, &event, &result.texts) else {
          return RecordFault(reason: .wrongEncoding, column: layout.value + 1)
        }
      }
    }
    if layout.unit >= 0 {
      let unit = FieldText.trimmed(record[layout.unit])
      if !unit.isEmpty {
        guard unit.count <= 128, let number = result.unit(unit) else {
          return RecordFault(reason: .fieldTooLarge, column: layout.unit + 1)
        }
        event.unit = number
      }
    }
    result.events.append(event)
    return nil
  }

  /// A number, a number behind `<` or `>` (the limit of detection stands for the value), or a word;
  /// false when the word is not UTF-8.
  @inline(__always)
  private func setValue(
    _ text: UnsafeBufferPointer<UInt8>, _ event: inout Event, _ texts: inout Interner
  ) -> Bool {
    if let number = FieldText.number(text, decimal: layout.decimal) {
      event.value = number
      return true
    }
    return setWord(text, &event, &texts)
  }

  private func setWord(
    _ text: UnsafeBufferPointer<UInt8>, _ event: inout Event, _ texts: inout Interner
  ) -> Bool {
    if text.count > 1, text[0] == UInt8(ascii: "<") || text[0] == UInt8(ascii: ">") {
      let skipped = text[1] == UInt8(ascii: "=") ? 2 : 1
      let rest = FieldText.trimmed(UnsafeBufferPointer(rebasing: text[skipped...]))
      if let number = FieldText.number(rest, decimal: layout.decimal) {
        event.value = number
        return true
      }
    }
    if let number = texts.existing(text) {
      event.text = number
      return true
    }
    guard String(validating: text, as: UTF8.self) != nil, let number = texts.index(text) else {
      return false
    }
    event.text = number
    return true
  }
}

extension DelimitedEvents {
  /// The number of an identifier; nil when it is not UTF-8.
  @inline(__always)
  fileprivate mutating func subject(_ text: UnsafeBufferPointer<UInt8>) -> Int32? {
    if let number = subjects.existing(text) { return number }
    return String(validating: text, as: UTF8.self) == nil ? nil : subjects.index(text)
  }

  /// The number of a code; nil when it is not UTF-8.
  @inline(__always)
  fileprivate mutating func code(_ text: UnsafeBufferPointer<UInt8>) -> Int32? {
    if let number = codes.existing(text) { return number }
    return newCode(text)
  }

  private mutating func newCode(_ text: UnsafeBufferPointer<UInt8>) -> Int32? {
    guard String(validating: text, as: UTF8.self) != nil, let number = codes.index(text) else {
      return nil
    }
    appearances.append(.code(number))
    return number
  }

  /// The number of a unit; nil when there are too many.
  fileprivate mutating func unit(_ text: UnsafeBufferPointer<UInt8>) -> Int32? {
    let count = units.count
    guard let number = units.index(text) else { return nil }
    if units.count > count { appearances.append(.unit(number)) }
    return number
  }
}
