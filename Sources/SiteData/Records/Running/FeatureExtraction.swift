import Records

/// Reads a hospital's records and makes the table of a recipe: two passes where index events have
/// to be looked up first, else one.
public struct FeatureExtraction: Sendable {
  public let table: FeatureTable
  /// What was read in the last pass.
  public let report: ReadingReport
  /// Records that no variable of the recipe gathers, and all records.
  public let unmappedCount: Int
  public let eventCount: Int
  /// Index events that make no row because they became known only after their own prediction.
  public let lateIndexCount: Int
  /// Times are seconds since the source's own start rather than calendar times.
  public private(set) var isElapsed: Bool
  /// How the system of undeclared diagnoses was decided, where there are any.
  public let diagnosisVote: CodeSystemVote?
  public let undeclaredDiagnoses: DiagnosisCode.System?

  /// Hears of what is going on.
  public typealias Progress = (ReadingProgress) -> Void

  /// How often the records are read. `undeclared` is the system of diagnoses without one, where it is known.
  static func passCount(_ recipe: RecordsRecipe, undeclared: DiagnosisCode.System?) -> Int {
    let needsScan = IndexScan.isNeeded(for: recipe)
    // Index events that are diagnoses are found only when their system is decided.
    let votesFirst =
      undeclared == nil && recipe.usesDiagnoses && (!needsScan || recipe.scansDiagnoses)
    return 1 + (needsScan ? 1 : 0) + (votesFirst ? 1 : 0)
  }

  /// Why no table was made.
  public enum Failure: Error, CustomStringConvertible {
    case source(SiteDataError)
    case recipe(RecordsError)

    public var description: String {
      switch self {
      case .source(let error): error.description
      case .recipe(let error): error.description
      }
    }
  }

  /// - Parameter threads: threads that read; the table does not depend on it.
  public init(
    _ recipe: RecordsRecipe, _ description: RecordsDescription,
    threads: Int = RecordsDescription.defaultThreads, progress: Progress = { _ in }
  ) throws(Failure) {
    do {
      try description.check(for: recipe)
      try self.init(
        recipe, source: try description.open(threads: threads),
        undeclaredDiagnoses: description.undeclaredDiagnoses, progress: progress)
      if let clock = description.clock { isElapsed = clock == .elapsed }
    } catch {
      throw Failure(error, source: "")
    }
  }

  public init(
    _ recipe: RecordsRecipe, source: any EventSource,
    undeclaredDiagnoses: DiagnosisCode.System? = nil, progress: Progress = { _ in }
  ) throws(Failure) {
    let gathered = try Gathered(
      recipe, source: source, undeclaredDiagnoses: undeclaredDiagnoses, progress: progress)
    table = gathered.builder.finish(gathered.lexicon)
    report = gathered.report
    unmappedCount = gathered.builder.unmappedCount
    eventCount = gathered.builder.eventCount
    lateIndexCount = gathered.builder.lateIndexCount
    isElapsed = recipe.index.anchor == .start
    diagnosisVote = gathered.vote
    self.undeclaredDiagnoses = gathered.undeclared
  }

  /// One table for each value of a feature.
  static func split(
    _ recipe: RecordsRecipe, _ description: RecordsDescription, by name: String
  ) throws(Failure) -> (tables: [(value: String, table: FeatureTable)], isElapsed: Bool) {
    do {
      try description.check(for: recipe)
      let gathered = try Gathered(
        recipe, source: try description.open(),
        undeclaredDiagnoses: description.undeclaredDiagnoses)
      return (
        try gathered.builder.finish(gathered.lexicon, by: name),
        description.clock.map { $0 == .elapsed } ?? (recipe.index.anchor == .start)
      )
    } catch {
      throw Failure(error, source: "")
    }
  }
}

/// Everything the records say about the rows of a recipe, before they are put into a table.
private struct Gathered {
  let builder: FeatureBuilder
  let lexicon: Lexicon
  let report: ReadingReport
  let vote: CodeSystemVote?
  let undeclared: DiagnosisCode.System?

  init(
    _ recipe: RecordsRecipe, source: any EventSource,
    undeclaredDiagnoses: DiagnosisCode.System?,
    progress: FeatureExtraction.Progress = { _ in }
  ) throws(FeatureExtraction.Failure) {
    do {
      var batch = EventBatch()
      let selection = RecordSelection(recipe)
      batch.lexicon.words = WordNeed(recipe)
      var undeclared = undeclaredDiagnoses
      var vote: CodeSystemVote?
      var index: CohortIndex?
      let needsScan = IndexScan.isNeeded(for: recipe)
      let needsVote = undeclared == nil && recipe.usesDiagnoses
      let passCount = FeatureExtraction.passCount(recipe, undeclared: undeclared)
      let votesFirst = passCount > (needsScan ? 2 : 1)
      let byteTotal = source.byteTotal
      func decide() {
        let counted = CodeSystemVote(undeclaredIn: batch.lexicon)
        vote = counted
        undeclared = counted.system
      }
      if votesFirst {
        var count = 0
        try source.forEachBatch(&batch) { (batch) throws(RecordsError) in
          count += batch.events.count
          progress(
            ReadingProgress(1, of: passCount, count, batch, byteTotal: byteTotal))
        }
        decide()
        batch.report = ReadingReport()
      }
      if needsScan {
        var scan = try IndexScan(recipe, undeclared: undeclared)
        var count = 0
        try source.forEachBatch(&batch, selecting: selection) { (batch) throws(RecordsError) in
          try scan.receive(batch)
          count += batch.events.count
          progress(
            ReadingProgress(passCount - 1, of: passCount, count, batch, byteTotal: byteTotal))
        }
        index = scan.finish(batch.lexicon)
        if needsVote, !votesFirst { decide() }
        batch.report = ReadingReport()
      }
      var builder = try FeatureBuilder(recipe, index: index, undeclared: undeclared)
      var count = 0
      try source.forEachBatch(&batch, selecting: selection) { (batch) throws(RecordsError) in
        try builder.receive(batch)
        count += batch.events.count
        progress(
          ReadingProgress(passCount, of: passCount, count, batch, byteTotal: byteTotal))
      }
      self.builder = builder
      lexicon = batch.lexicon
      report = batch.report
      self.vote = vote
      self.undeclared = undeclared
    } catch {
      throw FeatureExtraction.Failure(error, source: source.name)
    }
  }
}

extension FeatureExtraction.Failure {
  /// The failure behind an error of reading the records or of using the recipe on them.
  init(_ error: any Error, source: String) {
    switch error {
    case let failure as Self: self = failure
    case let error as SiteDataError: self = .source(error)
    case let error as RecordsError: self = .recipe(error)
    case SourceFailure<RecordsError>.source(let error): self = .source(error)
    case SourceFailure<RecordsError>.consumer(let error): self = .recipe(error)
    default:
      self = .source(
        SiteDataError(
          .unreadableFile, file: source, message: "reading stopped", advice: "try again"))
    }
  }
}

extension RecordsRecipe {
  /// Whether a variable gathers diagnoses by group, so that their code system matters.
  var usesDiagnoses: Bool { variables.contains { $0.isGroupOfDiagnoses } }

  /// Whether a variable that the index events, births or deaths are looked up by does.
  var scansDiagnoses: Bool {
    var names = [birth, death].compactMap { $0 }
    if case .event(let variable, _) = index.anchor { names.append(variable) }
    return variables.contains { names.contains($0.name) && $0.isGroupOfDiagnoses }
  }
}

extension RecordVariable {
  /// Whether it gathers diagnoses by group.
  fileprivate var isGroupOfDiagnoses: Bool {
    codes.contains { pattern in
      if case .group = pattern { return true }
      return false
    }
  }
}
