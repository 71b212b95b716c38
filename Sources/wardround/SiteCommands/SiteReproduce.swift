import ArgumentParser
import Cryptography
import Foundation
import Identity
import Site
import SiteData
import Store

/// `wardround site reproduce`
struct SiteReproduce: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract:
      "Compute this site's answer in a past round again and compare it with what it signed.",
    discussion: """
      Before an answer leaves, the site signs a commitment to it and to the data it came from. This \
      command runs the study over the recorded results up to that round, computes the answer from the \
      hospital's file again, and says whether it is the committed one. The answer itself is not shown.

      Exit codes: 0 reproduced; 1 not reproduced; 2 there is no such round or commitment.
      """)

  @OptionGroup var folder: SiteFolder
  @Argument(help: "The study's identifier.")
  var study: String
  @Argument(help: "The number of the secure round, as the audit log and the report name it.")
  var round: UInt64
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    var study: String
    var round: UInt64
    var result: UInt32
    var kind: String
    var commitment: String
    var signed: Bool
    var sameData: Bool
    var sameAnswer: Bool
    var reproduced: Bool
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = try folder.configuration()
      let identity = try SiteDirectory(folder.path, configuration).member.load()
      let key = try identity.signingKey.withSeed {
        try Cryptography.SigningKey(seed: SecretBytes(copying: $0))
      }
      let outcome = try await Reproduction(
        store: try folder.store(configuration), site: configuration.site,
        signingKey: key,
        loadCohort: {
          try await SiteData.loading(configuration, cohort: $0.cohort, recipe: $0.records)
        }
      ).run(study: study, round: round)
      if json {
        try Output.json(
          Answer(
            study: outcome.study, round: outcome.round, result: outcome.index,
            kind: outcome.kind, commitment: outcome.commitment.hex, signed: outcome.isSigned,
            sameData: outcome.dataAreTheSame, sameAnswer: outcome.answerIsTheSame,
            reproduced: outcome.isReproduced))
      } else {
        func words(_ isRight: Bool) -> String { isRight ? "yes" : "NO" }
        print("study \(outcome.study), round \(outcome.round): \(outcome.kind)")
        print("  commitment \(outcome.commitment.hex)")
        print("  signed by this site: \(words(outcome.isSigned))")
        print("  same data as then: \(words(outcome.dataAreTheSame))")
        print(
          "  same answer, \(outcome.valueCount) numbers: \(words(outcome.answerIsTheSame))")
        print(outcome.isReproduced ? "Reproduced." : "NOT reproduced.")
      }
      guard outcome.isReproduced else { throw ExitStatus.failed }
    }
  }
}
