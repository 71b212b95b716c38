import ArgumentParser
import Foundation
import Study

/// `wardround study replay`
struct StudyReplay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Recompute a study from its transcript and say whether it is bit-identical.",
    discussion: "Needs no network and no patient data.")

  @Argument(help: "The transcript file.")
  var transcript: String
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    var study: String
    var identical: Bool
    var recordedResult: String?
    var recomputedResult: String
    var entryCount: Int
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let bytes = Array(try InputFile.data(transcript))
      let recorded: Transcript
      do {
        recorded = try Transcript(fileBytes: bytes)
      } catch {
        throw ValidationError("`\(transcript)` is not a whole transcript: \(error)")
      }
      let study = try recorded.agreedStudy()
      try TranscriptSignatures.check(recorded)
      let result = try await recorded.replayed()
      let identical = recorded.result == result.digest
      if json {
        try Output.json(
          Answer(
            study: study.plan.id, identical: identical, recordedResult: recorded.result?.hex,
            recomputedResult: result.digest.hex, entryCount: recorded.entries.count))
      } else {
        print(
          "\(study.plan.id): \(recorded.entries.count) published results replayed; the model is"
            + (identical ? " bit-identical." : " NOT the recorded one."))
      }
      guard identical else { throw ExitStatus.failed }
    }
  }
}
