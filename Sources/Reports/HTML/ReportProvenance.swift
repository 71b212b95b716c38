/// Where a report comes from: what the study's result itself cannot know.
public struct ReportProvenance: Sendable, Codable, Equatable {
  /// Version of the program that made the report.
  public var softwareVersion: String
  /// Hexadecimal digest of the transcript, its last head.
  public var transcriptDigest: String
  /// When the report was made, as it is to be printed.
  public var generatedAt: String
  /// Sites that were invited and are not in the study, or left it: the reason by site name.
  public var absences: [String: String]
  /// The transcript's file, as the replay command names it.
  public var transcriptFile: String

  /// Creates a provenance; nothing in it is interpreted.
  public init(
    softwareVersion: String, transcriptDigest: String, generatedAt: String,
    absences: [String: String] = [:], transcriptFile: String = "study.transcript"
  ) {
    self.softwareVersion = softwareVersion
    self.transcriptDigest = transcriptDigest
    self.generatedAt = generatedAt
    self.absences = absences
    self.transcriptFile = transcriptFile
  }
}
