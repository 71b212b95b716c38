import Records

/// Reads FHIR files twice: encounters first, for the resources that have no date of their own.
struct FHIRReader: EventReader {
  static let batchSize = 8192

  private let source: FHIRSource
  private var fileNumber = 0
  private var isFirstPass = true
  private var scanner: LineScanner?
  private var bytesBefore = 0
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
        let name = Self.fileName(path)
        if isFirstPass, !Self.mayHaveEncounters(path) {
          fileNumber += 1
          continue
        }
        scanner = try LineScanner(
          path: path,
          name: FileNaming.file(fileNumber, of: source.files, isPatient: !Self.isLines(name)))
        continue
      }
      let isBundle = !Self.isLines(Self.fileName(source.files[fileNumber]))
      guard try scanner?.next(whole: isBundle) == true, let scanner else {
        bytesBefore += self.scanner?.offset ?? 0
        self.scanner = nil
        fileNumber += 1
        continue
      }
      for fault in readLine(scanner, &batch) where !isFirstPass {
        try batch.report.leaveOut(fault, file: scanner.file, line: scanner.line, source.policy)
      }
    }
    batch.report.eventCount += batch.events.count
    batch.byteCount = bytesBefore + (scanner?.offset ?? 0)
    return !batch.events.isEmpty
  }

  /// The name of a file without its folders, which say nothing about it.
  static func fileName(_ path: String) -> Substring {
    path.split(separator: "/").last ?? ""
  }

  /// Whether a file has one resource per line, by its name; any other is one bundle.
  static func isLines(_ name: Substring) -> Bool {
    name.hasSuffix(".ndjson") || name.hasSuffix(".ndjson.gz")
  }

  /// Whether the first pass looks into a file: bulk exports name the type in the file's name, and those of
  /// other types are passed over.
  static func mayHaveEncounters(_ path: String) -> Bool {
    let name = fileName(path)
    return !isLines(name) || name.contains("Encounter")
      || !typeNames.contains { name.contains($0) }
  }

  private static let typeNames = [
    "Patient", "Condition", "Observation", "Medication", "Procedure", "DiagnosticReport",
    "Specimen", "Location", "Organization",
  ]

  private mutating func readLine(
    _ scanner: LineScanner, _ batch: inout EventBatch
  ) -> [RecordFault] {
    scanner.withLine { line -> [RecordFault] in
      guard !FieldText.trimmed(line).isEmpty else { return [] }
      do throws(JSONTape.Fault) {
        try tape.read(line)
      } catch {
        return [RecordFault(reason: .malformed, column: error.column)]
      }
      let root = JSONValue(tape: tape, bytes: line, position: 0)
      if isFirstPass {
        decoder.noteEncounters(root)
        return []
      }
      return decoder.decode(root, &batch)
    }
  }
}
