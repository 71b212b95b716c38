import Foundation
import Records

/// FHIR R4: NDJSON files of a bulk export, one resource per line, or bundles, one per file.
///
/// Read are Patient, Encounter, Condition, Observation, MedicationRequest, Procedure and
/// DiagnosticReport; the rest is counted. Codes of the events are `loinc:`, `snomed:`, `rxnorm:`,
/// `icd9cm:`, `icd10cm:`, `icd10:` or `SYSTEM|code`; an encounter is `visit` and `visit:CLASS` at
/// its start, `visit-end` and `visit-end:CLASS` at its end, with its discharge disposition as
/// `discharge-disposition`; a patient is `person:birth`, `person:gender`, `death`.
///
/// A resource without a date of its own takes its encounter's start and is known at its end: codes
/// for billing are assigned then. Encounters are therefore read first, and their periods kept.
public struct FHIRSource: EventSource {
  public let files: [String]
  /// Seconds east of UTC of times without a zone.
  public let zone: Int64
  /// Take the clock time as written and leave out the zone: for sources whose dates were shifted,
  /// and whose other formats have no zone.
  public let ignoresZones: Bool
  public let policy: ReadingPolicy

  /// The files of a folder, or one file.
  public init(
    path: String, zone: Int64 = 0, ignoresZones: Bool = false, policy: ReadingPolicy = .fail
  ) throws(SiteDataError) {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      files = try PhysioNet.listing(path, [".ndjson", ".ndjson.gz", ".json", ".json.gz"])
    } else {
      files = [path]
    }
    self.zone = zone
    self.ignoresZones = ignoresZones
    self.policy = policy
  }

  public var name: String {
    files.count == 1 ? files[0] : "\(files.first ?? "") and \(files.count - 1) more files"
  }

  public func open() throws(SiteDataError) -> any EventReader { FHIRReader(self) }
}

/// The lines of a file, without making a `String` of any.
struct LineScanner {
  static let maximumLineBytes = 1 << 26

  let file: String
  private let input: InputBytes
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var position = 0
  private var limit = 0
  private var isAtEnd = false
  private(set) var line = 0
  private(set) var range = 0..<0

  init(path: String) throws(SiteDataError) {
    file = path
    input = try InputBytes(path: path)
  }

  /// Moves to the next line; with `whole` the rest of the file is one line. False at the end.
  mutating func next(whole: Bool = false) throws(SiteDataError) -> Bool {
    var searched = position
    while true {
      if !whole {
        let found = buffer.withUnsafeBufferPointer { bytes -> Int? in
          var at = searched
          while at < limit {
            if bytes[at] == 10 { return at }
            at += 1
          }
          return nil
        }
        if let found {
          line += 1
          range = position..<found
          position = found + 1
          return true
        }
      }
      if isAtEnd {
        guard position < limit else { return false }
        line += 1
        range = position..<limit
        position = limit
        return true
      }
      searched = limit - position
      try refill()
    }
  }

  private mutating func refill() throws(SiteDataError) {
    let rest = limit - position
    guard rest <= Self.maximumLineBytes else {
      throw SiteDataError(
        .recordTooLarge, file: file, line: line + 1,
        message: "a line is longer than \(Self.maximumLineBytes) bytes",
        advice: "export one resource per line")
    }
    if position > 0 {
      let from = position
      buffer.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        base.copyMemory(from: base + from, byteCount: rest)
      }
    } else if limit == buffer.count {
      buffer += [UInt8](repeating: 0, count: buffer.count)
    }
    position = 0
    limit = rest
    let space = limit..<buffer.count
    var failure: SiteDataError?
    let count = buffer.withUnsafeMutableBytes { bytes in
      do {
        return try input.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[space]))
      } catch {
        failure = error as? SiteDataError
        return 0
      }
    }
    if let failure { throw failure }
    if count == 0 { isAtEnd = true }
    limit += count
  }

  func withLine<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    buffer.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
  }
}
