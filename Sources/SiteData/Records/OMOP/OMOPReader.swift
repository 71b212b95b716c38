import Records

/// Reads the tables of an OMOP database one after the other, as far as they are there.
struct OMOPReader: EventReader {
  static let batchSize = 8192

  private let source: OMOPSource
  private let database: any TableDatabase
  private let format: TimeFormat
  private let selection: OMOPSelection?
  private var remaining = Array(OMOPTable.all.reversed())
  private var table = OMOPTable(name: "", kind: .person)
  private var cursor: (any TableCursor)?
  private var row = 0
  /// Where the cursor stands in what the database says about the records that stay in it.
  private var isRest = false
  private var restQuery: String?

  /// With a `selection` only the records that it asks for are handed out, as far as the database can
  /// tell.
  init(
    _ source: OMOPSource, _ database: any TableDatabase, selection: RecordSelection? = nil
  ) {
    self.source = source
    self.database = database
    self.selection = selection.map { OMOPSelection($0, database) }
    format = .calendar(zone: source.zone)
  }

  mutating func next(_ batch: inout EventBatch) throws(SiteDataError) -> Bool {
    batch.events.removeAll(keepingCapacity: true)
    while batch.events.count < Self.batchSize {
      guard let cursor else {
        guard try openTable(&batch) else { break }
        continue
      }
      guard try cursor.next() else {
        self.cursor = nil
        if let query = restQuery {
          self.cursor = try database.query(query)
          isRest = true
          restQuery = nil
        }
        continue
      }
      if isRest {
        takeRest(cursor, &batch)
        continue
      }
      row += 1
      batch.report.rows[table.name, default: 0] += 1
      let fault = batch.addWhole { batch in
        take(cursor, &batch).map { RecordFault(reason: $0) }
      }
      if let fault {
        try batch.report.leaveOut(
          fault, file: "\(source.name), table \(table.name)", line: row, source.policy)
      }
    }
    batch.report.eventCount += batch.events.count
    return !batch.events.isEmpty
  }

  private mutating func openTable(_ batch: inout EventBatch) throws(SiteDataError) -> Bool {
    guard let table = remaining.popLast() else { return false }
    let columns = try database.columns(of: table.name)
    guard columns.contains("person_id") else { return true }
    self.table = table
    row = 0
    batch.report.rows[table.name] = batch.report.rows[table.name] ?? 0
    isRest = false
    cursor = try database.query(try query(table, columns))
    return true
  }

  /// What is left in the database of one patient: that there is one, and when it was.
  private func takeRest(_ cursor: any TableCursor, _ batch: inout EventBatch) {
    if let cell = cursor.cell(1), let count = FieldText.number(cell) {
      let count = max(0, Int(exactly: count) ?? 0)
      batch.report.rows[table.name, default: 0] += count
      batch.report.passedOver[table.name, default: 0] += count
    }
    guard let id = cursor.cell(0), case .success(let subject) = Self.subject(id, &batch) else {
      return
    }
    for column in 2...3 {
      guard let cell = cursor.cell(column), let reading = read(cell)?.reading else { continue }
      _ = emit(Self.restCode, Event(subject: subject, at: reading), &batch)
    }
  }

  /// The code of events that stand for records in the database. No variable gathers it.
  private static let restCode = "record-left-in-the-database"

  private mutating func query(
    _ table: OMOPTable, _ columns: Set<String>
  ) throws(SiteDataError) -> String {
    func text(_ name: String?, _ alias: String = "t") -> String {
      guard let name, columns.contains(name) else { return "NULL" }
      return database.text("\(alias).\(name)")
    }
    func first(_ names: [String]) -> String {
      firstFilled(names.filter(columns.contains).map { "t.\($0)" })
    }
    func number(_ name: String?) -> String {
      guard let name, columns.contains(name) else { return "NULL" }
      return database.exactNumber("t.\(name)")
    }
    var fields = [text("person_id")]
    var joins = ""
    switch table.kind {
    case .person:
      fields += [
        text("birth_datetime"), text("year_of_birth"), text("month_of_birth"),
        text("day_of_birth"), text("gender_concept_id"), text("race_concept_id"),
        text("ethnicity_concept_id"),
      ]
    case .visit:
      fields += [
        text(table.concept), text(table.sourceValue), first(table.start), first(table.end),
        text("visit_occurrence_id"),
      ]
    case .death: fields += [first(table.start)]
    case .period: fields += [first(table.start), first(table.end)]
    case .condition:
      fields += [text(table.concept), text(table.sourceValue), first(table.start)]
      let visits = try database.columns(of: "visit_occurrence")
      if source.diagnosesAtVisitEnd, visits.contains("visit_end_date"),
        columns.contains("visit_occurrence_id")
      {
        let ends = ["visit_end_datetime", "visit_end_date"].filter(visits.contains)
        fields.append(firstFilled(ends.map { "v.\($0)" }))
        joins +=
          " LEFT JOIN visit_occurrence v ON v.visit_occurrence_id = t.visit_occurrence_id"
      } else {
        fields.append("NULL")
      }
      let visit = source.diagnosesAtVisitEnd ? text("visit_occurrence_id") : "NULL"
      let concepts = try database.columns(of: "concept")
      if concepts.contains("vocabulary_id"), columns.contains(table.sourceConcept) {
        fields.append(database.text("c.vocabulary_id"))
        // Concept 0, of the vocabulary `None`, stands for no concept.
        joins +=
          " LEFT JOIN concept c ON c.concept_id = t.\(table.sourceConcept)"
          + " AND c.concept_id <> 0"
      } else {
        fields.append("NULL")
      }
      fields.append(visit)
    case .record:
      fields += [text(table.concept), text(table.sourceValue), first(table.start)]
      fields += [number(table.number), text(table.unitConcept), text(table.unitText)]
      fields += (0..<2).map { text(table.words.indices.contains($0) ? table.words[$0] : nil) }
    }
    let query = "SELECT \(fields.joined(separator: ", ")) FROM \(table.name) t\(joins)"
    guard let selection, columns.contains(table.concept),
      let condition = try selection.condition(table)
    else { return query }
    restQuery = try selection.rest(
      table, without: condition, times: table.start.filter(columns.contains),
      time: first(table.start))
    return "\(query) WHERE \(condition)"
  }

  /// The first of some columns that is neither null nor blank, as text.
  private func firstFilled(_ columns: [String]) -> String {
    let texts = columns.map { "NULLIF(TRIM(\(database.text($0))), '')" }
    return texts.isEmpty
      ? "NULL" : texts.count == 1 ? texts[0] : "COALESCE(\(texts.joined(separator: ", ")))"
  }

  /// The number of a patient.
  private static func subject(
    _ id: UnsafeBufferPointer<UInt8>, _ batch: inout EventBatch
  ) -> Result<Int32, RecordFault> {
    guard !id.isEmpty else { return .failure(RecordFault(reason: .noSubject)) }
    if let number = batch.lexicon.subjects.existing(id) { return .success(number) }
    // Two identifiers that are not UTF-8 would read as the same text.
    guard String(validating: id, as: UTF8.self) != nil else {
      return .failure(RecordFault(reason: .wrongEncoding))
    }
    guard let number = batch.lexicon.subjects.index(id) else {
      return .failure(RecordFault(reason: .fieldTooLarge))
    }
    return .success(number)
  }

  private func take(_ cursor: any TableCursor, _ batch: inout EventBatch)
    -> ReadingReport.Reason?
  {
    guard let id = cursor.cell(0) else { return .noSubject }
    let subject: Int32
    switch Self.subject(id, &batch) {
    case .failure(let fault): return fault.reason
    case .success(let number): subject = number
    }
    switch table.kind {
    case .person: return takePerson(cursor, subject, &batch)
    case .visit: return takeVisit(cursor, subject, &batch)
    case .condition: return takeCondition(cursor, subject, &batch)
    case .record: return takeRecord(cursor, subject, &batch)
    case .death:
      switch time(cursor, 1, &batch.report) {
      case .failure(let reason): return reason.reason
      case .success(let time):
        return emit("death", Event(subject: subject, at: time), &batch)
      }
    case .period:
      for (column, code) in [(1, "follow-up-start"), (2, "follow-up-end")] {
        switch time(cursor, column, &batch.report) {
        case .failure(let reason): return reason.reason
        case .success(let time):
          if let reason = emit(code, Event(subject: subject, at: time), &batch) {
            return reason
          }
        }
      }
      return nil
    }
  }

  private func time(
    _ cursor: any TableCursor, _ column: Int, _ report: inout ReadingReport
  ) -> Result<TimeFormat.Reading, RecordFault> {
    guard let cell = cursor.cell(column), !cell.isEmpty else {
      return .failure(RecordFault(reason: .noTime))
    }
    guard let (reading, wasMidnight) = read(cell) else {
      return .failure(RecordFault(reason: .badTime))
    }
    report.count(reading)
    if wasMidnight { report.midnightCount += 1 }
    return .success(reading)
  }

  /// A time of the database, and whether it is a midnight that says only the day.
  private func read(
    _ cell: UnsafeBufferPointer<UInt8>
  ) -> (reading: TimeFormat.Reading, wasMidnight: Bool)? {
    switch source.midnight {
    case .unknown: format.readUnlessMidnight(cell)
    case .exact: format.read(cell).map { ($0, false) }
    }
  }

  private func emit(
    _ code: String, _ event: Event, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    emit([code], event, &batch)
  }

  /// Adds one record under all of its codes.
  private func emit(
    _ codes: [String], _ event: Event, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    var event = event
    for code in codes {
      guard let number = batch.lexicon.codes.index(code) else { return .fieldTooLarge }
      event.code = number
      batch.events.append(event)
      event.repeatsRecord = true
    }
    return nil
  }

  private func string(_ cursor: any TableCursor, _ column: Int) -> String? {
    guard let cell = cursor.cell(column), !cell.isEmpty, cell.count <= 512 else { return nil }
    let text = String(decoding: cell, as: UTF8.self).trimmed
    return text.isEmpty ? nil : text
  }

  private func takePerson(
    _ cursor: any TableCursor, _ subject: Int32, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    var birth = cursor.cell(1).flatMap { read($0)?.reading }
    if birth == nil, let year = string(cursor, 2).flatMap({ Int($0) }) {
      birth = format.period(
        year: year, month: string(cursor, 3).flatMap { Int($0) },
        day: string(cursor, 4).flatMap { Int($0) })
    }
    if var birth {
      if birth.isLongerThanADay { birth = birth.centred }
      if let reason = emit("person:birth", Event(subject: subject, at: birth), &batch) {
        return reason
      }
    }
    let words = [(5, "person:gender"), (6, "person:race"), (7, "person:ethnicity")]
    for (column, code) in words {
      guard let concept = string(cursor, column), concept != "0" else { continue }
      let word = column == 5 ? (["8507": "M", "8532": "F"][concept] ?? concept) : concept
      guard let number = batch.lexicon.codes.index(code),
        let text = batch.lexicon.word(word, of: CollectionOfOne(number))
      else { return .fieldTooLarge }
      let event = Event(subject: subject, code: 0, time: RecordTime.always, text: text)
      if let reason = emit(code, event, &batch) { return reason }
    }
    return nil
  }

  private func takeVisit(
    _ cursor: any TableCursor, _ subject: Int32, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    let concept = string(cursor, 1) ?? "0"
    let start: TimeFormat.Reading
    switch time(cursor, 3, &batch.report) {
    case .failure(let fault): return fault.reason
    case .success(let time): start = time
    }
    let encounter = string(cursor, 5).map { Event.encounterNumber($0) } ?? 0
    var beginning = Event(subject: subject, at: start)
    beginning.encounter = encounter
    if let reason = emit(["visit", "visit:\(concept)"], beginning, &batch) { return reason }
    let end: TimeFormat.Reading
    switch time(cursor, 4, &batch.report) {
    case .failure(let fault): return fault.reason == .noTime ? nil : fault.reason
    case .success(let time): end = time
    }
    var ending = Event(subject: subject, at: end)
    ending.encounter = -encounter
    ending.value = Double(end.seconds - start.seconds) / 3600
    return emit(["visit-end", "visit-end:\(concept)"], ending, &batch)
  }

  private func takeCondition(
    _ cursor: any TableCursor, _ subject: Int32, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    let start: TimeFormat.Reading
    switch time(cursor, 3, &batch.report) {
    case .failure(let fault): return fault.reason
    case .success(let time): start = time
    }
    var known = start.latest
    var isAssumed = true
    if let visit = string(cursor, 6), visit != "0" {
      isAssumed = false
      known = RecordTime.never
      if cursor.cell(4) != nil, case .success(let end) = time(cursor, 4, &batch.report) {
        known = end.latest
      }
    }
    let event = Event(subject: subject, at: start, knownAt: known)
    let concept = string(cursor, 1) ?? "0"
    let own = string(cursor, 2)
    var codes = [concept != "0" ? "omop:\(concept)" : "omop-source:\(own ?? "")"]
    let bare = own.map { DiagnosisCode.bare($0) } ?? ""
    if (3...8).contains(bare.count) {
      switch string(cursor, 5)?.uppercased() {
      case "ICD9CM": codes.append("icd9cm:\(bare)")
      case "ICD10CM": codes.append("icd10cm:\(bare)")
      case let name? where name.hasPrefix("ICD10"): codes.append("icd10:\(bare)")
      case nil: codes.append("icd:\(bare)")
      default: break
      }
    }
    if let reason = emit(codes, event, &batch) { return reason }
    for event in batch.events.suffix(codes.count) {
      batch.lexicon.assumedDiagnoses[event.code, default: 0] += isAssumed ? 1 : 0
    }
    return nil
  }

  private func takeRecord(
    _ cursor: any TableCursor, _ subject: Int32, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    let start: TimeFormat.Reading
    switch time(cursor, 3, &batch.report) {
    case .failure(let fault): return fault.reason
    case .success(let time): start = time
    }
    var event = Event(subject: subject, at: start)
    if let cell = cursor.cell(4), !cell.isEmpty {
      guard let number = FieldText.number(cell) else { return .badNumber }
      event.value = number
    }
    let unit = string(cursor, 5).flatMap { OMOPTable.units[$0] } ?? string(cursor, 6)
    if let unit { event.unit = batch.lexicon.units.index(unit) ?? Lexicon.none }
    let concept = string(cursor, 1) ?? "0"
    let code = concept != "0" ? "omop:\(concept)" : "omop-source:\(string(cursor, 2) ?? "")"
    if event.value.isNaN, let number = batch.lexicon.codes.index(code) {
      for column in 7...8 {
        guard let word = string(cursor, column), word != "0" else { continue }
        event.text = batch.lexicon.word(word, of: CollectionOfOne(number)) ?? Lexicon.none
        break
      }
    }
    return emit(code, event, &batch)
  }
}
