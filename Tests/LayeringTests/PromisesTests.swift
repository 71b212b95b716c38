import Foundation
import Testing

/// Every test that SECURITY.md names for a promise, and every source file it names for a defence, exists.
@Suite struct PromisesTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().resolvingSymlinksInPath()

  private func files(in folder: String) -> [URL] {
    let found = FileManager.default.enumerator(
      at: Self.root.appending(path: folder), includingPropertiesForKeys: nil)
    return (found?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
  }

  /// Types by the names that their files declare: methods, and constants of the source.
  private func names() throws -> [Substring: Set<Substring>] {
    var names: [Substring: Set<Substring>] = [:]
    for file in files(in: "Tests") + files(in: "Sources") {
      let text = try String(contentsOf: file, encoding: .utf8)
      var types: [Substring] = []
      var members: Set<Substring> = []
      for line in text.split(separator: "\n") {
        let words = line.split { $0 == " " || $0 == "(" || $0 == ":" || $0 == "<" || $0 == "`" }
        for (word, next) in zip(words, words.dropFirst()) {
          switch word {
          case "struct", "extension", "enum": types.append(next)
          case "func", "let", "var": members.insert(next)
          default: break
          }
        }
      }
      for type in types { names[type, default: []].formUnion(members) }
    }
    return names
  }

  @Test func everyNamedTestExists() throws {
    let text = try String(contentsOf: Self.root.appending(path: "SECURITY.md"), encoding: .utf8)
    let names = try names()
    var count = 0
    // `Suite.function`, and `.function` for another one of the same suite.
    var suite: Substring = ""
    for match in text.matches(of: /`([A-Z][A-Za-z]*)?\.([a-z][A-Za-z0-9]*)`/) {
      suite = match.1 ?? suite
      // The words that explain the notation.
      if suite == "Suite" { continue }
      #expect(
        names[suite]?.contains(match.2) == true, "SECURITY.md names \(suite).\(match.2)")
      count += 1
    }
    #expect(count > 80, "the names were found: \(count)")
    for match in text.matches(of: /`([A-Z][A-Za-z]*Tests)`/) {
      #expect(
        names[match.1] != nil
          || FileManager.default.fileExists(
            atPath: Self.root.appending(path: "Tests/\(match.1)").path),
        "SECURITY.md names \(match.1)")
    }
  }

  @Test func everyNamedSourceFileExists() throws {
    let text = try String(contentsOf: Self.root.appending(path: "SECURITY.md"), encoding: .utf8)
    let paths = files(in: "Sources").map(\.path)
    var count = 0
    for match in text.matches(of: /`([A-Za-z]+\/[A-Za-z\/+]+\.swift)`/) {
      #expect(paths.contains { $0.hasSuffix("/" + match.1) }, "SECURITY.md names \(match.1)")
      count += 1
    }
    #expect(count > 15, "the files were found: \(count)")
  }
}
