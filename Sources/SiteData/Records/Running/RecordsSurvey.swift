import Cohort
import Records

/// A look at a hospital's records before any study, and at the table of a recipe: profile and leak
/// scan, as text that stays in the hospital.
public enum RecordsSurvey {
  /// Reads the records for what a study may ask about them.
  ///
  /// - Parameter undeclared: the system of diagnoses whose system no record names; where the recipe groups
  ///   diagnoses and it is nil, the codes are read once more to vote on it.
  public static func facts(
    _ recipe: RecordsRecipe, _ description: RecordsDescription,
    undeclared known: DiagnosisCode.System? = nil
  ) throws(FeatureExtraction.Failure) -> RecordsFacts {
    do {
      var batch = EventBatch()
      let profile = try profile(
        recipe, source: try description.open(), &batch,
        undeclared: known ?? description.undeclaredDiagnoses
      ).profile
      return profile.facts(batch.lexicon)
    } catch {
      throw FeatureExtraction.Failure(error, source: "")
    }
  }

  /// The profile of a source, and how undeclared diagnoses were read.
  private static func profile(
    _ recipe: RecordsRecipe, source: any EventSource, _ batch: inout EventBatch,
    undeclared known: DiagnosisCode.System?, morePasses: Int = 0,
    progress: FeatureExtraction.Progress = { _ in }
  ) throws -> (profile: RecordsProfile, undeclared: DiagnosisCode.System?) {
    batch.lexicon.words = WordNeed(recipe)
    var undeclared = known
    let needsVote = undeclared == nil && recipe.usesDiagnoses
    let passCount = (needsVote ? 2 : 1) + morePasses
    let byteTotal = source.byteTotal
    var count = 0
    if needsVote {
      try source.forEachBatch(&batch) { (batch) throws(RecordsError) in
        count += batch.events.count
        progress(ReadingProgress(1, of: passCount, count, batch, byteTotal: byteTotal))
      }
      count = 0
      undeclared = CodeSystemVote(undeclaredIn: batch.lexicon).system
      batch.report = ReadingReport()
      batch.lexicon.assumedDiagnoses = [:]
    }
    var profile = try RecordsProfile(recipe, undeclared: undeclared)
    try source.forEachBatch(&batch) { (batch) throws(RecordsError) in
      profile.receive(batch)
      count += batch.events.count
      progress(
        ReadingProgress(needsVote ? 2 : 1, of: passCount, count, batch, byteTotal: byteTotal))
    }
    return (profile, undeclared)
  }

  /// What a hospital may know of its own records before a study.
  public struct Result: Sendable {
    /// Counts, codes and names of variables; no value of a patient and no identifier.
    public let text: String
    public let overview: ProfileOverview
    /// What the sources are; a folder of files that are one patient each is named, none of the files.
    public let source: String
    /// What was read and what was left out.
    public let report: ReadingReport
    /// The table of the recipe, where it has an outcome.
    public let cohort: CohortOverview?
  }

  /// Reads the records for the profile, before that for the vote on undeclared codes of diagnoses
  /// where the recipe groups any, and, where the recipe has an outcome, makes its table to
  /// scan it for leaks.
  ///
  /// - Parameter threads: threads that read; the result does not depend on it.
  public static func run(
    _ recipe: RecordsRecipe, _ description: RecordsDescription,
    threads: Int = RecordsDescription.defaultThreads,
    progress: FeatureExtraction.Progress = { _ in }
  ) throws(FeatureExtraction.Failure) -> Result {
    do {
      try description.check(for: recipe)
      let source = try description.open(threads: threads)
      var batch = EventBatch()
      let known = description.undeclaredDiagnoses
      let profilePasses = known == nil && recipe.usesDiagnoses ? 2 : 1
      // The vote of the profile serves the table too.
      let morePasses = recipe.outcome == nil ? 0 : 1 + (IndexScan.isNeeded(for: recipe) ? 1 : 0)
      let (profile, undeclared) = try profile(
        recipe, source: source, &batch, undeclared: known, morePasses: morePasses,
        progress: progress)
      var text = profile.text(batch.lexicon)
      let overview = profile.overview(batch.lexicon)
      let undated = profile.undatedDiagnoses(batch.lexicon)
      guard recipe.outcome != nil else {
        return Result(
          text: text, overview: overview, source: source.name, report: batch.report, cohort: nil)
      }
      let extraction = try FeatureExtraction(
        recipe, source: source, undeclaredDiagnoses: undeclared
      ) { step in
        var step = step
        step.pass += profilePasses
        step.passCount += profilePasses
        progress(step)
      }
      let suspects = LeakScan.run(
        extraction.table, recipe: recipe, undated: undated
      ).map(\.words)
      text += "\nLeak scan\n"
      text += suspects.isEmpty ? "  nothing\n" : suspects.map { "  \($0)\n" }.joined()
      return Result(
        text: text, overview: overview, source: source.name, report: batch.report,
        cohort: CohortOverview(extraction.table, suspects: suspects))
    } catch {
      throw FeatureExtraction.Failure(error, source: "")
    }
  }

  /// The text of ``run(_:_:threads:)``.
  public static func text(
    _ recipe: RecordsRecipe, _ description: RecordsDescription,
    threads: Int = RecordsDescription.defaultThreads
  ) throws(FeatureExtraction.Failure) -> String {
    try run(recipe, description, threads: threads).text
  }
}
