import ArgumentParser
import Foundation
import Records
import Reports
import SiteData

/// `wardround site profile`
struct SiteProfile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Look at the hospital's own records before a study.",
    discussion: """
      Names units that do not fit their values, patients and records that are there twice, code \
      systems, codes that belong to no variable, and features that know the outcome. Prints counts, \
      quantiles of many values and code names, never a patient's value or identifier, and writes the \
      same with figures as an HTML page, for this account only. Nothing leaves the hospital, and the \
      page must not either.
      """)

  @OptionGroup var reading: ReadingOptions
  @Option(help: "The page to write; `profile.html` beside the file of --records when absent.")
  var html: String?
  @Flag(help: "No page, only the text.")
  var noHtml = false

  func validate() throws {
    guard html == nil || !noHtml else {
      throw ValidationError("--html and --no-html exclude each other")
    }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let (recipe, description) = try reading.read()
      let threads = try reading.threadCount()
      let display = reading.display()
      defer { display.finish() }
      let found = try RecordsSurvey.run(
        recipe, description, threads: threads, progress: display.show)
      display.finish()
      print(found.text, terminator: "")
      guard !noHtml else { return }
      let path =
        html
        ?? URL(fileURLWithPath: reading.records).deletingLastPathComponent()
        .appendingPathComponent("profile.html").path
      let page = ProfilePage.render(
        ProfilePage.Content(
          source: found.source, generatedAt: Date.now.formatted(.iso8601),
          softwareVersion: StudyFiles.softwareVersion, overview: found.overview,
          report: found.report, cohort: found.cohort))
      try PrivateFile.write(to: path) { try $0(Data(page.utf8)) }
      print("\nThe page is in \(path). It must not leave the hospital.")
    }
  }
}
