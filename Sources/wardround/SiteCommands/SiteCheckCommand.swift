import ArgumentParser
import SiteData

/// `wardround site check`
struct SiteCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Read the data as site.yaml declares it and explain every problem.",
    discussion: "Names file, row and column and says what to do; never prints a patient's value.")

  @OptionGroup var folder: SiteFolder
  @Flag(help: "Print one JSON object.")
  var json = false

  func run() async throws {
    try await CommandFailure.reporting {
      let report = SiteCheck.run(try folder.configuration())
      print(json ? try report.json() : report.text())
      guard report.isUsable else { throw ExitStatus.failed }
    }
  }
}
