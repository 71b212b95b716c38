import ArgumentParser
import SiteData

/// `wardround site check`
struct SiteCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Read the data as site.yaml declares it and explain every problem.",
    discussion: "Names file, row and column and says what to do; never prints a patient's value.")

  @OptionGroup var folder: SiteFolder
  @Flag(help: "Name every row of a problem, not the first 20.")
  var all = false
  @Flag(help: "Print one JSON object, with every row of a problem.")
  var json = false

  func run() async throws {
    try await CommandFailure.reporting {
      let report = SiteCheck.run(try folder.configuration())
      print(json ? try report.json() : report.text(namesAll: all))
      guard report.isUsable else { throw ExitStatus.failed }
    }
  }
}
