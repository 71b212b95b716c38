import Records

/// A look at a hospital's records before any study, and at the table of a recipe: profile and leak
/// scan, as text that stays in the hospital.
public enum RecordsSurvey {
  /// Reads the records once for the profile and, where the recipe has an outcome, makes its table to
  /// scan it for leaks. The text holds counts, codes and names of variables; no value of a patient
  /// and no identifier.
  public static func text(
    _ recipe: RecordsRecipe, _ description: RecordsDescription
  ) throws(FeatureExtraction.Failure) -> String {
    do {
      let source = try description.open()
      var batch = EventBatch()
      var profile = try RecordsProfile(recipe, undeclared: description.undeclaredDiagnoses)
      try source.forEachBatch(&batch) { (batch) throws(RecordsError) in profile.receive(batch) }
      var text = profile.text(batch.lexicon)
      guard recipe.outcome != nil else { return text }
      let extraction = try FeatureExtraction(
        recipe, source: source, undeclaredDiagnoses: description.undeclaredDiagnoses)
      let suspects = LeakScan.run(
        extraction.table, recipe: recipe, undated: profile.undatedDiagnoses)
      text += "\nLeak scan\n"
      text += suspects.isEmpty ? "  nothing\n" : suspects.map { "  \($0.words)\n" }.joined()
      return text
    } catch {
      throw FeatureExtraction.Failure(error, source: "")
    }
  }
}
