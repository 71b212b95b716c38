import Records

/// Reads FHIR files twice: encounters first, for the resources that have no date of their own.
struct FHIRReader: EventReader {
  static let batchSize = 8192

  private let source: FHIRSource
  private var fileNumber = 0
  private var isFirstPass = true
  private var scanner: LineScanner?
  private var tape = JSONTape()
  private var decoder: FHIRDecoder

  init(_ source: FHIRSource) {
    self.source = source
    decoder = FHIRDecoder(zone: source.zone, ignoresZones: source.ignoresZones)
  }

  mutating func next(_ batch: inout EventBatch) throws(SiteDataError) -> Bool {
    batch.events.removeAll(keepingCapacity: true)
    while batch.events.count < Self.batchSize {
      guard scanner != nil else {
        guard fileNumber < source.files.count else {
          guard isFirstPass else { break }
          isFirstPass = false
          fileNumber = 0
          continue
        }
        let path = source.files[fileNumber]
        // Bulk exports name the type in the file's name: those of other types are passed over.
        if isFirstPass, path.contains(".ndjson"), !path.contains("Encounter"),
          Self.typeNames.contains(where: { path.contains($0) })
        {
          fileNumber += 1
          continue
        }
        scanner = try LineScanner(path: path)
        continue
      }
      let isBundle = scanner?.file.contains(".ndjson") == false
      guard try scanner?.next(whole: isBundle) == true, let scanner else {
        self.scanner = nil
        fileNumber += 1
        continue
      }
      let fault = readLine(scanner, &batch)
      guard let fault, !isFirstPass else { continue }
      try ReadingReport.leaveOut(
        fault.reason, file: scanner.file, line: scanner.line, column: fault.column, source.policy,
        &batch.report)
    }
    batch.report.eventCount += batch.events.count
    return !batch.events.isEmpty
  }

  private static let typeNames = [
    "Patient", "Condition", "Observation", "Medication", "Procedure", "DiagnosticReport",
    "Specimen", "Location", "Organization",
  ]

  private mutating func readLine(
    _ scanner: LineScanner, _ batch: inout EventBatch
  ) -> FHIRDecoder.Fault? {
    scanner.withLine { line -> FHIRDecoder.Fault? in
      guard !FieldText.trimmed(line).isEmpty else { return nil }
      do throws(JSONTape.Fault) {
        try tape.read(line)
      } catch {
        return FHIRDecoder.Fault(reason: .malformed, column: error.column)
      }
      let root = JSONValue(tape: tape, bytes: line, position: 0)
      if isFirstPass {
        decoder.noteEncounters(root)
        return nil
      }
      return decoder.decode(root, &batch)
    }
  }
}
