import Foundation
import Testing

/// The arrows of the architecture point down: every import of every source file is compared with the
/// picture in `layers.json`.
@Suite struct LayeringTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let sources =
    folder.deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")
    .resolvingSymlinksInPath()

  private func picture() throws -> Picture {
    let data = try Data(contentsOf: Self.folder.appending(path: "layers.json"))
    return try JSONDecoder().decode(Picture.self, from: data)
  }

  /// The folders of `Sources`, one per target.
  private func targetFolders() throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: Self.sources, includingPropertiesForKeys: [.isDirectoryKey]
    ).filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }

  private func swiftFiles(in folder: URL) -> [URL] {
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
  }

  @Test func everyImportPointsDown() throws {
    let picture = try picture()
    var count = 0
    for folder in try targetFolders() {
      let target = folder.lastPathComponent
      for file in swiftFiles(in: folder) {
        let source = try String(contentsOf: file, encoding: .utf8)
        for statement in imports(in: source) {
          count += 1
          let objection = picture.objection(to: statement.module, in: target)
          #expect(
            objection == nil,
            """
            \(target)/\(file.lastPathComponent):\(statement.line): \(target) may not import \
            \(statement.module): \(objection ?? "")
            """)
        }
      }
    }
    #expect(count > 100, "the sources were found and read")
  }

  @Test func pictureShowsEveryTargetOnce() throws {
    let picture = try picture()
    let folders = Set(try targetFolders().map(\.lastPathComponent))
    #expect(Set(picture.targets) == folders, "draw new targets into layers.json")
    #expect(picture.targets.count == Set(picture.targets).count)
    for (target, others) in picture.sameLine {
      for other in others {
        #expect(picture.level(of: target) != nil)
        #expect(picture.level(of: target) == picture.level(of: other), "\(target), \(other)")
      }
    }
    let names = Set(picture.targets + picture.lines.map(\.name))
    for users in Array(picture.outside.values) + Array(picture.only.values) {
      #expect(names.isSuperset(of: users), "\(users) are lines or targets")
    }
  }

  /// Imports on one line may not go round in a circle.
  @Test func importsOnOneLineHaveNoCircle() throws {
    let picture = try picture()
    for start in picture.sameLine.keys {
      var open = picture.sameLine[start] ?? []
      var seen: Set<String> = []
      while let next = open.popLast() {
        #expect(next != start, "\(start) imports itself by way of others")
        if seen.insert(next).inserted { open += picture.sameLine[next] ?? [] }
      }
    }
  }

  @Test(arguments: [
    ("PortableNumerics", "Foundation"), ("Cohort", "Validation"), ("Study", "Store"),
    ("Site", "GRDB"),
    ("SecureAggregation", "CSodium"), ("Store", "Identity"), ("Store", "NIOCore"),
    ("Site", "Aggregator"), ("Cohort", "Synchronization"), ("Study", "Unheard"),
    ("Unheard", "PortableNumerics"), ("Site", "GRPCCore"), ("Reports", "Yams"),
  ])
  func forbiddenImportsAreRefused(target: String, module: String) throws {
    #expect(try picture().objection(to: module, in: target) != nil)
  }

  @Test(arguments: [
    ("Store", "GRDB"), ("Store", "Foundation"), ("Transport", "Identity"), ("Site", "Store"),
    ("Transport", "GRPCProtobuf"), ("Study", "Cohort"), ("wardround", "Site"),
    ("Cryptography", "CSodium"), ("FixedPoint", "Cryptography"), ("PortableNumerics", "Swift"),
  ])
  func allowedImportsAreAllowed(target: String, module: String) throws {
    #expect(try picture().objection(to: module, in: target) == nil)
  }

  @Test func everyFormOfImportIsRead() {
    let source = """
      // import Commented
      /* import Blocked
      import AlsoBlocked */
      import Plain
        import Indented
      @testable import Testable
      @preconcurrency public import Several
      internal import struct Kind.Name
      import Sub.Module
      #if canImport(Conditional)
        import Conditional
      #endif
      let text = \"\"\"
        import InAString
        \"\"\"
      let importance = 1
      importer.run()
      """
    #expect(
      imports(in: source).map(\.module)
        == ["Plain", "Indented", "Testable", "Several", "Kind", "Sub", "Conditional"])
    #expect(imports(in: source).first?.line == 4)
  }
}
