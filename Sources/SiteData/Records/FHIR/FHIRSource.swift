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
/// A resource that its source took back is counted, and is no fact: see ``FHIRDecoder``.
///
/// A resource without a date of its own takes its encounter's start and is known at its end: codes
/// for billing are assigned then. So is a condition with an onset and no `recordedDate`, since the
/// onset says when it began and not when anybody knew; without an encounter that has ended nobody can
/// say, and it is in no feature. Encounters are therefore read first, and their periods kept.
public struct FHIRSource: EventSource {
  public let files: [String]
  /// Zone of times without one.
  public let zone: Zone
  /// Take the clock time as written and leave out the zone: for sources whose dates were shifted,
  /// and whose other formats have no zone.
  public let ignoresZones: Bool
  public let policy: ReadingPolicy

  /// The files of a folder, or one file.
  public init(
    path: String, zone: Zone = 0, ignoresZones: Bool = false, policy: ReadingPolicy = .fail
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
    FileNaming.source(
      files, arePatients: files.contains { !FHIRReader.isLines(FHIRReader.fileName($0)) })
  }

  /// Files are read twice that may have encounters.
  public var byteTotal: Int? {
    InputBytes.size(of: files + files.filter { FHIRReader.mayHaveEncounters($0) })
  }

  public func open() throws(SiteDataError) -> any EventReader { FHIRReader(self) }
}
