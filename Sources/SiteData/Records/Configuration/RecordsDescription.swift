import Records

/// Where a hospital's records are and how they are to be read: the contents of its `records.yaml`.
public struct RecordsDescription: Sendable, Hashable {
  public enum Source: Sendable, Hashable {
    case delimited(files: [String], mapping: DelimitedMapping)
    case omop(OMOPSource.Database, diagnosesAtVisitEnd: Bool)
    case fhir(path: String, ignoresZones: Bool)
    case physioNet2012(path: String, outcomes: String?)
    case physioNet2019(folder: String)
  }

  /// Read one after the other, as one set of records.
  public var sources: [Source]
  /// Seconds east of UTC of times without a zone.
  public var zone: Int64
  public var policy: ReadingPolicy
  /// The code system of diagnoses whose system no record names; nil lets their own form decide.
  public var undeclaredDiagnoses: DiagnosisCode.System?

  public init(
    sources: [Source], zone: Int64 = 0, policy: ReadingPolicy = .fail,
    undeclaredDiagnoses: DiagnosisCode.System? = nil
  ) {
    self.sources = sources
    self.zone = zone
    self.policy = policy
    self.undeclaredDiagnoses = undeclaredDiagnoses
  }

  /// The sources, ready to be opened.
  public func open() throws(SiteDataError) -> any EventSource {
    var opened: [any EventSource] = []
    for source in sources {
      switch source {
      case .delimited(let files, let mapping):
        opened.append(DelimitedSource(files: files, mapping: mapping, policy: policy))
      case .omop(let database, let atVisitEnd):
        opened.append(
          OMOPSource(
            database, zone: zone, policy: policy, diagnosesAtVisitEnd: atVisitEnd))
      case .fhir(let path, let ignoresZones):
        opened.append(
          try FHIRSource(path: path, zone: zone, ignoresZones: ignoresZones, policy: policy))
      case .physioNet2012(let path, let outcomes):
        opened.append(try PhysioNet.challenge2012(path, outcomes: outcomes, policy: policy))
      case .physioNet2019(let folder):
        opened.append(try PhysioNet.challenge2019(folder, policy: policy))
      }
    }
    return opened.count == 1 ? opened[0] : CombinedSource(opened)
  }
}
