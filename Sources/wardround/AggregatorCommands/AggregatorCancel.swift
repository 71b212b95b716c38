import Aggregator
import ArgumentParser

/// `wardround aggregator cancel`
struct AggregatorCancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Withdraw a study that has not ended: nobody waits for it any more.",
    discussion: """
      Works on the aggregator's own machine, whether the server runs or not. The sites are told \
      when they are connected; what was published stays in the transcript.
      """)

  @Argument(help: "The study's name, as in its `study:` line.")
  var study: String

  @Option(help: "Why, for those who are waiting.")
  var reason: String = ""

  @OptionGroup var folder: AggregatorFolder

  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    var study: String
    var cancelled = true
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let membership = try AggregatorDirectory(folder.path).openMembership()
      let text = "withdrawn by the operator" + (reason.isEmpty ? "" : ": \(reason)")
      try await membership.store.setStatus(study, to: .cancelled, error: text, by: "operator")
      if json {
        try Output.json(Answer(study: study))
      } else {
        print("\(PlainText.of(study)) is withdrawn; a running server stops it within a second.")
      }
    }
  }
}
