import Foundation
import Testing

/// A real browser, where there is one.
enum Browser {
  static let path = [
    "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
  ].first { FileManager.default.isExecutableFile(atPath: $0) }

  /// The document after the browser has read it, and what it wrote on its console.
  static func open(_ file: String) async throws -> (document: String, console: String) {
    let profile = NSTemporaryDirectory() + "wardround-browser-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: profile) }
    let page = try await Command.run(
      URL(fileURLWithPath: try #require(path)),
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--enable-logging=stderr", "--v=0", "--user-data-dir=\(profile)",
        "--virtual-time-budget=2000", "--timeout=30000", "--dump-dom", "file://\(file)",
      ], within: 90)
    return (page.output, page.error)
  }
}
