import Foundation
import Records

/// Where a hospital's records are and how they are to be read: the contents of its `records.yaml`.
public struct RecordsDescription: Sendable, Hashable {
  public enum Source: Sendable, Hashable {
    case delimited(files: [String], mapping: DelimitedMapping)
    case omop(
      OMOPSource.Database, diagnosesAtVisitEnd: Bool, midnight: OMOPSource.Midnight = .unknown)
    case fhir(path: String, ignoresZones: Bool)
    case physioNet2012(path: String, outcomes: String?)
    case physioNet2019(folder: String)
  }

  /// What the times of a source are.
  public enum Clock: String, Sendable, Hashable {
    /// Dates and times of the calendar.
    case calendar
    /// Counted from the source's own start.
    case elapsed
  }

  /// What the times of the sources are; nil when they have none, or when they have both kinds, which
  /// are no one set of records.
  public var clock: Clock? {
    let clocks = Set(sources.compactMap(\.clock))
    return clocks.count == 1 ? clocks.first : nil
  }

  /// Whether some sources have dates and others times from a start.
  public var mixesClocks: Bool { Set(sources.compactMap(\.clock)).count > 1 }

  /// Read one after the other, as one set of records.
  public var sources: [Source]
  /// Zone of times without one.
  public var zone: Zone
  public var policy: ReadingPolicy
  /// The code system of diagnoses whose system no record names; nil lets their own form decide.
  public var undeclaredDiagnoses: DiagnosisCode.System?

  public init(
    sources: [Source], zone: Zone = 0, policy: ReadingPolicy = .fail,
    undeclaredDiagnoses: DiagnosisCode.System? = nil
  ) {
    self.sources = sources
    self.zone = zone
    self.policy = policy
    self.undeclaredDiagnoses = undeclaredDiagnoses
  }

  /// Throws where the times are of two kinds, or where a recipe counts from a start that dates do not
  /// have.
  func check(for recipe: RecordsRecipe) throws(RecordsError) {
    if mixesClocks {
      throw RecordsError(
        .badRecipe, name: "sources",
        detail: "some have dates and others times from a start; give both the same in records.yaml")
    }
    if recipe.index.anchor == .start, clock == .calendar {
      throw RecordsError(
        .badRecipe, name: "index",
        detail: "`index: start` counts from a start of the records' own, and these have dates;"
          + " name the event that begins a row, as `index: {event: admission}`")
    }
  }

  /// Threads to read with unless something else is asked for: one for each processor, at most 8.
  /// More would wait for the one that puts the results together.
  public static var defaultThreads: Int {
    min(max(ProcessInfo.processInfo.activeProcessorCount, 1), 8)
  }

  /// The sources, ready to be opened. `threads` read each of them; what is read does not depend on it.
  public func open(
    threads: Int = Self.defaultThreads
  ) throws(SiteDataError) -> any EventSource {
    var opened: [any EventSource] = []
    for source in sources {
      switch source {
      case .delimited(let files, let mapping):
        opened.append(
          DelimitedSource(files: files, mapping: mapping, policy: policy, threads: threads))
      case .omop(let database, let atVisitEnd, let midnight):
        opened.append(
          OMOPSource(
            database, zone: zone, policy: policy, diagnosesAtVisitEnd: atVisitEnd,
            midnight: midnight))
      case .fhir(let path, let ignoresZones):
        opened.append(
          try FHIRSource(path: path, zone: zone, ignoresZones: ignoresZones, policy: policy))
      case .physioNet2012(let path, let outcomes):
        opened.append(
          try PhysioNet.challenge2012(path, outcomes: outcomes, policy: policy, threads: threads))
      case .physioNet2019(let folder):
        opened.append(try PhysioNet.challenge2019(folder, policy: policy, threads: threads))
      }
    }
    return opened.count == 1 ? opened[0] : CombinedSource(opened)
  }
}

extension RecordsDescription.Source {
  /// What its times are; nil when it has none.
  var clock: RecordsDescription.Clock? {
    switch self {
    case .delimited(_, let mapping):
      switch mapping.when {
      case .column(_, .calendar): .calendar
      case .column, .at: .elapsed
      case .always: nil
      }
    case .omop, .fhir: .calendar
    case .physioNet2012, .physioNet2019: .elapsed
    }
  }
}
