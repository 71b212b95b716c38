extension Transcript {
  /// What the study program makes of this transcript, with no network and no patient: the recorded
  /// result again, bit for bit, when nothing was changed.
  ///
  /// Throws `StudyError` `transcriptMismatch` at the first result that the program did not ask for,
  /// and for results left over or missing.
  public func replayed() async throws -> StudyResult {
    let federation = try ReplayFederation(self)
    let result = try await StudyProgram(try agreedStudy(), over: federation).run()
    try federation.finish()
    return result
  }
}
