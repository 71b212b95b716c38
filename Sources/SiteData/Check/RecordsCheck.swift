import Records

/// What one reading of a site's records found: how much there is, and every problem with its place and
/// what to do. Holds no patient's value.
public struct RecordsCheck: Sendable, Hashable, Codable {
  /// Records that were left out for one reason.
  public struct Problem: Sendable, Hashable, Codable {
    public let kind: String
    /// Whether the records cannot be used as they are.
    public let isError: Bool
    /// How many records have it.
    public let count: Int
    /// The first places, as `file, line 12, column 3`.
    public let places: [String]
    public let message: String
    public let advice: String
  }

  public let site: String
  /// What the sources are.
  public let source: String
  public let subjectCount: Int
  public let eventCount: Int
  public let problems: [Problem]

  /// Whether the records can be used.
  public var isUsable: Bool { !problems.contains { $0.isError } }

  /// Reads the records of a site once; nil when site.yaml names none.
  public static func run(
    _ site: SiteConfiguration, progress: FeatureExtraction.Progress = { _ in }
  ) -> RecordsCheck? {
    site.records.map { run($0, site: site.site, progress: progress) }
  }

  /// Reads described records once.
  public static func run(
    _ records: RecordsDescription, site: String, progress: FeatureExtraction.Progress = { _ in }
  ) -> RecordsCheck {
    var batch = EventBatch()
    batch.lexicon.words = WordNeed(nil)
    var count = 0
    var commas = 0
    var neverKnown = 0
    var name = "records"
    var failure: SiteDataError?
    do {
      let source = try records.open()
      name = source.name
      let byteTotal = source.byteTotal
      try source.forEachBatch(&batch) { (batch) throws(RecordsError) in
        count += batch.events.count
        for event in batch.events {
          if batch.lexicon.isDecimalComma(event) { commas += 1 }
          if event.isNeverKnown { neverKnown += 1 }
        }
        progress(ReadingProgress(1, of: 1, count, batch, byteTotal: byteTotal))
      }
    } catch {
      failure =
        switch error {
        case let error as SiteDataError: error
        case SourceFailure<RecordsError>.source(let error): error
        default:
          SiteDataError(
            .unreadableFile, file: name, message: "reading stopped", advice: "try again")
        }
    }
    var problems = failure.map { [Problem($0)] } ?? []
    for (reason, count) in batch.report.skipped.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      guard failure == nil else { break }
      problems.append(Problem(reason, count, in: batch.report))
    }
    if failure == nil, count == 0 {
      problems.append(
        Problem(
          kind: "empty-file", isError: true, count: 1, places: [name],
          message: "there is no record", advice: "check the export and the mapping"))
    }
    if batch.report.zonedTimeCount > 0, batch.report.localTimeCount > 0 {
      problems.append(
        Problem(
          kind: "mixed-zones", isError: false,
          count: min(batch.report.zonedTimeCount, batch.report.localTimeCount), places: [],
          message: "times with and without a zone are mixed",
          advice: "say in `zone` which zone times without one are in"))
    }
    if neverKnown > 0 {
      problems.append(
        Problem(
          kind: "never-known", isError: false, count: neverKnown, places: [],
          message: "records are known at no stated time: in no feature",
          advice: "fill the column that `known` names; diagnoses of stays without an end have none")
      )
    }
    if commas > 0 {
      problems.append(
        Problem(
          kind: "decimal-comma", isError: false, count: commas, places: [],
          message: "values are words that look like numbers with a comma",
          advice: "write `decimal: \",\"` in the mapping, if that is what they are"))
    }
    return RecordsCheck(
      site: site, source: name, subjectCount: batch.lexicon.subjects.count, eventCount: count,
      problems: problems)
  }

  /// The check for a terminal.
  public func text() -> String {
    var lines = ["\(site): \(source)", "\(eventCount) records of \(subjectCount) patients", ""]
    if problems.isEmpty { lines.append("No problem found.") }
    for problem in problems {
      lines.append(
        "\(problem.isError ? "ERROR" : "WARNING")  \(problem.message)"
          + (problem.count > 1 ? " (\(problem.count))" : ""))
      for place in problem.places { lines.append("  \(place)") }
      lines.append("  → \(problem.advice)")
    }
    lines.append("")
    lines.append(isUsable ? "Usable." : "Not usable yet.")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension RecordsCheck.Problem {
  fileprivate init(_ error: SiteDataError) {
    var place = error.file
    if let line = error.line { place += ", line \(line)" }
    if let column = error.column { place += ", column \(column)" }
    self.init(
      kind: error.code.rawValue, isError: true, count: 1, places: [place], message: error.message,
      advice: error.advice)
  }

  fileprivate init(_ reason: ReadingReport.Reason, _ count: Int, in report: ReadingReport) {
    let places = report.places.filter { $0.reason == reason }.prefix(5).map { place in
      "\(place.file), line \(place.line)" + (place.column > 0 ? ", column \(place.column)" : "")
    }
    self.init(
      kind: reason.rawValue, isError: false, count: count, places: Array(places),
      message: "records are left out: \(reason.words)", advice: reason.advice)
  }
}
