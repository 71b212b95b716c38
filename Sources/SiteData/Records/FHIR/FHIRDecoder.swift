import Records

/// What a FHIR resource means as events.
///
/// A resource whose status says that it was entered in error, refuted, cancelled or not done is no
/// fact: ``isWithdrawn(_:type:)``. The period of such an encounter still dates resources that refer
/// to it and stand themselves.
struct FHIRDecoder {
  private struct Period {
    let start: TimeFormat.Reading
    /// Nil while it lasts.
    let end: TimeFormat.Reading?
  }

  /// What a resource without a time at which it became known is known at.
  private enum Unstated {
    /// When it happened, as for what is written down then.
    case itsTime
    /// The end of its encounter, as codes for billing are; without an encounter that ended, never.
    case encounterEnd
  }

  private let format: TimeFormat
  private let ignoresZones: Bool
  private var encounterNames = Interner()
  private var encounters: [Period] = []

  init(zone: Zone, ignoresZones: Bool) {
    format = .calendar(zone: zone)
    self.ignoresZones = ignoresZones
  }

  /// Keeps the periods of encounters, in a bundle or alone.
  mutating func noteEncounters(_ root: JSONValue) {
    for resource in Self.resources(root) where resource["resourceType"]?.text == "Encounter" {
      guard let id = resource["id"]?.text, let start = time(resource["period"]?["start"]),
        encounterNames.existing(id) == nil, encounterNames.index(id) != nil
      else { continue }
      encounters.append(Period(start: start, end: time(resource["period"]?["end"])))
    }
  }

  private static func resources(_ root: JSONValue) -> [JSONValue] {
    guard root["resourceType"]?.text == "Bundle" else { return [root] }
    return root["entry"]?.elements.compactMap { $0["resource"] } ?? []
  }

  /// Adds the events of a resource or of all resources of a bundle; the faults of those left out.
  func decode(_ root: JSONValue, _ batch: inout EventBatch) -> [RecordFault] {
    var faults: [RecordFault] = []
    for resource in Self.resources(root) {
      guard let type = resource["resourceType"]?.text, type.utf8.count <= 64 else {
        faults.append(RecordFault(reason: .malformed))
        continue
      }
      batch.report.rows[type, default: 0] += 1
      guard !Self.isWithdrawn(resource, type: type) else {
        batch.report.withdrawn[type, default: 0] += 1
        continue
      }
      guard !isOfNoPatient(resource) else { continue }
      let fault = batch.addWhole { batch in
        take(resource, type, &batch).map { RecordFault(reason: $0) }
      }
      if let fault { faults.append(fault) }
    }
    return faults
  }

  private func take(
    _ resource: JSONValue, _ type: String, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    switch type {
    case "Patient": patient(resource, &batch)
    case "Encounter": encounter(resource, &batch)
    case "Condition":
      coded(
        resource, resource["code"],
        at: ["onsetDateTime", "recordedDate"], known: ["recordedDate"], unstated: .encounterEnd,
        &batch)
    case "Observation": observation(resource, &batch)
    case "MedicationRequest":
      coded(
        resource, resource["medicationCodeableConcept"], at: ["authoredOn"], known: [],
        reference: resource["medicationReference"], &batch)
    case "Procedure":
      coded(
        resource, resource["code"], at: ["performedDateTime"], known: [],
        period: resource["performedPeriod"], &batch)
    case "DiagnosticReport":
      coded(
        resource, resource["code"], at: ["effectiveDateTime", "issued"], known: ["issued"],
        &batch)
    default: nil
    }
  }

  // MARK: Parts

  private func time(_ value: JSONValue?) -> TimeFormat.Reading? {
    guard var raw = value?.raw else { return nil }
    if ignoresZones, raw.count > 19 { raw = UnsafeBufferPointer(rebasing: raw[..<19]) }
    if raw.count == 4 || raw.count == 7 { return partialDate(raw) }
    return format.read(raw)
  }

  /// A year, or a year and a month: from its first to its last second.
  private func partialDate(_ raw: UnsafeBufferPointer<UInt8>) -> TimeFormat.Reading? {
    let parts = String(decoding: raw, as: UTF8.self).split(
      separator: "-", omittingEmptySubsequences: false)
    guard parts.count == (raw.count == 4 ? 1 : 2), parts[0].utf8.count == 4,
      parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }), let year = Int(parts[0])
    else { return nil }
    let month = parts.count == 2 ? Int(parts[1]) : nil
    guard month.map({ (1...12).contains($0) }) ?? true else { return nil }
    return format.period(year: year, month: month)
  }

  private func identifier(_ reference: JSONValue?) -> String? {
    reference?["reference"]?.text.flatMap { FHIRReference($0) }?.id
  }

  private func subject(
    _ resource: JSONValue, _ batch: inout EventBatch
  ) -> Int32? {
    guard let id = identifier(resource["subject"] ?? resource["patient"]) else { return nil }
    return batch.lexicon.subjects.index(id)
  }

  /// Whether a resource is about something else than a patient: a group, a device, a place.
  private func isOfNoPatient(_ resource: JSONValue) -> Bool {
    let type = resource["subject"]?["reference"]?.text.flatMap { FHIRReference($0) }?.type
    return type.map { $0 != "Patient" } ?? false
  }

  private static let systems: [String: String] = [
    "http://loinc.org": "loinc", "http://snomed.info/sct": "snomed",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd9cm", "http://hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm": "icd10gm",
    "http://hl7.org/fhir/sid/ndc": "ndc", "http://www.ama-assn.org/go/cpt": "cpt",
  ]

  /// The events' code of a coding: diagnoses without their dot.
  private func code(_ coding: JSONValue) -> String? {
    guard let code = coding["code"]?.text?.trimmed, !code.isEmpty, code.utf8.count <= 256 else {
      return nil
    }
    guard let system = coding["system"]?.text else { return "local:\(code)" }
    if let short = Self.systems[system] {
      return "\(short):\(short.hasPrefix("icd") ? DiagnosisCode.bare(code) : code)"
    }
    // A hospital's own systems of diagnoses name the classification at their end.
    if system.hasSuffix("diagnosis-icd9") { return "icd9cm:\(DiagnosisCode.bare(code))" }
    if system.hasSuffix("diagnosis-icd10") { return "icd10cm:\(DiagnosisCode.bare(code))" }
    return "\(system)|\(code)"
  }

  private func emit(_ code: String, _ event: Event, _ batch: inout EventBatch) {
    emit([code], event, &batch)
  }

  /// Adds one record under all of its codes.
  private func emit(_ codes: [String], _ event: Event, _ batch: inout EventBatch) {
    var event = event
    for code in codes {
      guard let number = batch.lexicon.codes.index(code) else { continue }
      event.code = number
      batch.events.append(event)
      event.repeatsRecord = true
    }
  }

  /// The number of a word under some codes.
  private func word(_ text: String, of codes: [String], _ batch: inout EventBatch) -> Int32 {
    let numbers = codes.compactMap { batch.lexicon.codes.index($0) }
    return batch.lexicon.word(text, of: numbers) ?? Lexicon.none
  }

  // MARK: Resources

  private func patient(
    _ resource: JSONValue, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    guard let id = resource["id"]?.text, !id.isEmpty, id.utf8.count <= 256,
      let subject = batch.lexicon.subjects.index(id)
    else { return .noSubject }
    if var birth = time(resource["birthDate"]) {
      if birth.isLongerThanADay { birth = birth.centred }
      emit("person:birth", Event(subject: subject, at: birth), &batch)
    }
    if let gender = resource["gender"]?.text {
      let short = ["male": "M", "female": "F"][gender] ?? gender
      let event = Event(
        subject: subject, code: 0, time: RecordTime.always,
        text: word(short, of: ["person:gender"], &batch))
      emit("person:gender", event, &batch)
    }
    if let death = time(resource["deceasedDateTime"]) {
      emit("death", Event(subject: subject, at: death), &batch)
    } else if resource["deceasedBoolean"]?.isTrue == true || resource["deceasedDateTime"] != nil {
      // That the patient died is known, and not when.
      let death = Event(
        subject: subject, code: 0, time: RecordTime.always, knownAt: RecordTime.never)
      emit("death", death, &batch)
    }
    return nil
  }

  private func encounter(
    _ resource: JSONValue, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    guard let subject = subject(resource, &batch) else { return .noSubject }
    let start: TimeFormat.Reading
    let end: TimeFormat.Reading?
    switch (stated(resource["period"]?["start"]), stated(resource["period"]?["end"])) {
    case (.unreadable, _), (_, .unreadable): return .badTime
    case (.absent, _): return .noTime
    case (.at(let first), .at(let last)): (start, end) = (first, last)
    case (.at(let first), .absent): (start, end) = (first, nil)
    }
    let kind = resource["class"]?["code"]?.text ?? "unknown"
    let encounter = resource["id"]?.text.map { Event.encounterNumber($0) } ?? 0
    var beginning = Event(subject: subject, at: start)
    beginning.encounter = encounter
    emit(["visit", "visit:\(kind)"], beginning, &batch)
    guard let end else { return nil }
    var ending = Event(subject: subject, at: end)
    ending.encounter = -encounter
    ending.value = Double(end.seconds - start.seconds) / 3600
    emit(["visit-end", "visit-end:\(kind)"], ending, &batch)
    let disposition = resource["hospitalization"]?["dischargeDisposition"]?["coding"]
    if let text = disposition?.elements.first?["code"]?.text {
      var event = Event(subject: subject, at: end)
      event.text = word(text, of: ["discharge-disposition"], &batch)
      emit("discharge-disposition", event, &batch)
    }
    return nil
  }

  /// A resource that says that something was, with all codings of its concept.
  private func coded(
    _ resource: JSONValue, _ concept: JSONValue?, at keys: [StaticString],
    known knownKeys: [StaticString], period: JSONValue? = nil, reference: JSONValue? = nil,
    unstated: Unstated = .itsTime, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    guard let subject = subject(resource, &batch) else { return .noSubject }
    let event: Event
    switch moment(resource, keys, knownKeys, period, unstated) {
    case .success(let (start, known)): event = Event(subject: subject, at: start, knownAt: known)
    case .failure(let fault): return fault.reason
    }
    var codes = concept?["coding"]?.elements.compactMap { code($0) } ?? []
    if codes.isEmpty { codes = self.codes(of: reference, in: resource) }
    guard !codes.isEmpty else { return concept?["text"] == nil ? .noCode : nil }
    let count = batch.events.count
    emit(codes, event, &batch)
    guard unstated == .encounterEnd else { return nil }
    // A condition is known when it was recorded, at the end of its encounter, or never: none is
    // assumed to be known when it began.
    for event in batch.events[count...] {
      batch.lexicon.assumedDiagnoses[event.code, default: 0] += 0
    }
    return nil
  }

  /// The codes of a medication that a resource refers to: those of one that it contains, else the
  /// reference itself.
  private func codes(of reference: JSONValue?, in resource: JSONValue) -> [String] {
    guard let text = reference?["reference"]?.text else { return [] }
    guard text.hasPrefix("#") else {
      return FHIRReference(text).map { ["medication:\($0.id)"] } ?? []
    }
    let id = String(text.dropFirst())
    let contained = resource["contained"]?.elements.first { $0["id"]?.text == id }
    return contained?["code"]?["coding"]?.elements.compactMap { code($0) } ?? []
  }

  /// What a resource says about one of its times.
  private enum Stated {
    case absent
    case at(TimeFormat.Reading)
    case unreadable
  }

  private func stated(_ value: JSONValue?) -> Stated {
    guard let value, !value.isNull else { return .absent }
    return time(value).map { .at($0) } ?? .unreadable
  }

  /// The first of some times that a resource has; nil for none. All of them have to be readable: behind
  /// one that is not, no other stands in.
  private func first(
    _ keys: [StaticString], of resource: JSONValue?
  ) -> Result<TimeFormat.Reading?, RecordFault> {
    var found: TimeFormat.Reading?
    for key in keys {
      switch stated(resource?[key]) {
      case .absent: break
      case .at(let reading): found = found ?? reading
      case .unreadable: return .failure(RecordFault(reason: .badTime))
      }
    }
    return .success(found)
  }

  /// When a resource happened and when it became known; a date alone is known when it is over, and a
  /// stretch of time when that is. What takes its time from its encounter is known at the encounter's
  /// end, as `unstated` says of the rest; while the encounter lasts, never. A resource with a time that
  /// is there and cannot be read is at fault: to take another instead could be too early.
  private func moment(
    _ resource: JSONValue, _ keys: [StaticString], _ knownKeys: [StaticString],
    _ period: JSONValue?, _ unstated: Unstated
  ) -> Result<(start: TimeFormat.Reading, known: Int64), RecordFault> {
    let stated: TimeFormat.Reading?
    let known: Int64?
    let begin: TimeFormat.Reading?
    let end: TimeFormat.Reading?
    do {
      stated = try first(keys, of: resource).get()
      known = try first(knownKeys, of: resource).get()?.latest
      begin = try first(["start"], of: period).get()
      end = try first(["end"], of: period).get()
    } catch {
      return .failure(error)
    }
    let encounter = identifier(resource["encounter"]).flatMap { encounterNames.existing($0) }
      .map { encounters[Int($0)] }
    let encounterEnd = encounter?.end?.latest ?? RecordTime.never
    if let stated {
      return .success((stated, known ?? (unstated == .itsTime ? stated.latest : encounterEnd)))
    }
    if let begin { return .success((begin, known ?? end?.latest ?? begin.latest)) }
    guard let encounter else { return .failure(RecordFault(reason: .noTime)) }
    return .success((encounter.start, known ?? encounterEnd))
  }

  private func observation(
    _ resource: JSONValue, _ batch: inout EventBatch
  ) -> ReadingReport.Reason? {
    guard let subject = subject(resource, &batch) else { return .noSubject }
    let event: Event
    switch moment(
      resource, ["effectiveDateTime", "effectiveInstant", "issued"], ["issued"],
      resource["effectivePeriod"], .itsTime)
    {
    case .success(let (start, known)): event = Event(subject: subject, at: start, knownAt: known)
    case .failure(let fault): return fault.reason
    }
    let components = resource["component"]?.elements ?? []
    var hasCode = false
    for part in [resource] + components {
      let codes = part["code"]?["coding"]?.elements.compactMap { code($0) } ?? []
      guard !codes.isEmpty else { continue }
      hasCode = true
      guard let measured = value(part, event, codes, &batch) else { return .badNumber }
      emit(codes, measured, &batch)
    }
    return hasCode ? nil : .noCode
  }

  /// An event with the value of an observation or component; nil when it is a number that cannot be
  /// read.
  private func value(
    _ part: JSONValue, _ event: Event, _ codes: [String], _ batch: inout EventBatch
  ) -> Event? {
    var event = event
    if let quantity = part["valueQuantity"] {
      if let raw = quantity["value"]?.raw {
        guard let number = FieldText.number(raw) else { return nil }
        event.value = number
        if let unit = (quantity["code"] ?? quantity["unit"])?.text, unit.utf8.count <= 128 {
          event.unit = batch.lexicon.units.index(unit) ?? Lexicon.none
        }
      }
    } else if let concept = part["valueCodeableConcept"] {
      let coding = concept["coding"]?.elements.first
      let text = coding.flatMap { code($0) } ?? concept["text"]?.text
      if let text { event.text = word(text, of: codes, &batch) }
    } else if let text = part["valueString"]?.text?.trimmed, !text.isEmpty {
      if let number = FieldText.number(text) {
        event.value = number
      } else {
        event.text = word(text, of: codes, &batch)
      }
    } else if let raw = part["valueInteger"]?.raw {
      guard let number = FieldText.number(raw) else { return nil }
      event.value = number
    }
    return event
  }
}
