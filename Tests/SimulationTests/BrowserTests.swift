import Cohort
import Foundation
import Simulation
import Site
import Study
import TestSupport
import Testing

/// The report of a study, opened in a real browser.
@Suite struct BrowserTests {
  private static let browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  @Test(.enabled(if: browser != nil, "chromium is not installed"))
  func theReportOpensWithoutAnErrorAndWithItsFigures() async throws {
    let plan = try SyntheticStudy.plan(disclose: true)
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 4, seed: 9)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "browser-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder,
      policy: SitePolicy(
        minimumCohort: 1, minimumCell: 1, disclosures: Set(Disclosure.allCases),
        autoApprove: true))
    let outcome = try await simulation.run(SyntheticStudy.yaml(disclose: true))
    let page = try Self.open("\(outcome.folder)/report.html", profile: "\(folder)/profile")
    #expect(!page.log.contains("CONSOLE"), "the browser's console says: \(page.log.suffix(400))")
    #expect(page.dom.components(separatedBy: "<svg").count > 8)
    for site in sites.keys { #expect(page.dom.contains(site), "\(site) is in the report") }
    #expect(page.dom.contains("No formal privacy guarantee"))
    #expect(!page.dom.contains("NaN"))
  }

  /// The document after the browser has read it, and what it wrote on its console.
  private static func open(
    _ file: String, profile: String
  ) throws -> (dom: String, log: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(browser))
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      "--enable-logging=stderr", "--v=0", "--user-data-dir=\(profile)",
      "--virtual-time-budget=2000", "--timeout=30000", "--dump-dom", "file://\(file)",
    ]
    let dom = "\(profile).html"
    let log = "\(profile).log"
    for path in [dom, log] {
      #expect(FileManager.default.createFile(atPath: path, contents: nil))
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: dom))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    try process.run()
    let end = Date().addingTimeInterval(60)
    while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
    if process.isRunning { process.terminate() }
    return (
      try String(contentsOfFile: dom, encoding: .utf8),
      try String(contentsOfFile: log, encoding: .utf8)
    )
  }
}
