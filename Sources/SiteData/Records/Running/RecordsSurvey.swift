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
    undeclared known: DiagnosisCode.System?
  ) throws -> (profile: RecordsProfile, undeclared: DiagnosisCode.System?) {
    batch.lexicon.words = WordNeed(recipe)
    var undeclared = known
    if undeclared == nil, recipe.usesDiagnoses {
      try source.forEachBatch(&batch) { (_) throws(RecordsError) in }
      undeclared = CodeSystemVote(undeclaredIn: batch.lexicon).system
      batch.report = ReadingReport()
      batch.lexicon.assumedDiagnoses = [:]
    }
    var profile = try RecordsProfile(recipe, undeclared: undeclared)
    try source.forEachBatch(&batch) { (batch) throws(RecordsError) in profile.receive(batch) }
    return (profile, undeclared)
  }

  /// Reads the records for the profile, before that for the vote on undeclared codes of diagnoses
  /// where the recipe groups any, and, where the recipe has an outcome, makes its table to
  /// scan it for leaks. The text holds counts, codes and names of variables; no value of a patient
  /// and no identifier.
  ///
  /// - Parameter threads: threads that read; the text does not depend on it.
  public static func text(
    _ recipe: RecordsRecipe, _ description: RecordsDescription,
    threads: Int = RecordsDescription.defaultThreads
  ) throws(FeatureExtraction.Failure) -> String {
    do {
      try description.check(for: recipe)
      let source = try description.open(threads: threads)
      var batch = EventBatch()
      let (profile, undeclared) = try profile(
        recipe, source: source, &batch, undeclared: description.undeclaredDiagnoses)
      var text = profile.text(batch.lexicon)
      let undated = profile.undatedDiagnoses(batch.lexicon)
      guard recipe.outcome != nil else { return text }
      let extraction = try FeatureExtraction(
        recipe, source: source, undeclaredDiagnoses: undeclared)
      let suspects = LeakScan.run(
        extraction.table, recipe: recipe, undated: undated)
      text += "\nLeak scan\n"
      text += suspects.isEmpty ? "  nothing\n" : suspects.map { "  \($0.words)\n" }.joined()
      return text
    } catch {
      throw FeatureExtraction.Failure(error, source: "")
    }
  }
}
