import ArgumentParser
import DemoData
import Foundation

/// The folder of one demo run; an earlier run of the same name is kept under another.
struct DemoFolder {
  let path: String

  init(_ output: String) throws {
    let base =
      output.hasPrefix("/") ? output : FileManager.default.currentDirectoryPath + "/" + output
    var path = base
    var number = 1
    while FileManager.default.fileExists(atPath: path) {
      number += 1
      path = "\(base)-\(number)"
    }
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    self.path = path
  }

  var aggregator: String { "\(path)/aggregator" }
  var researcher: String { "\(path)/researcher" }
  var report: String { "\(path)/report" }

  func site(_ name: String) -> String { "\(path)/sites/\(name)" }
  func log(_ name: String) -> String { "\(path)/\(name).log" }

  /// Writes a synthetic hospital's file; returns its path.
  func write(_ site: DemoSite) throws -> String {
    let folder = self.site(site.hospital.name)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/admissions.csv"
    try Data(site.csv.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// The demo's study: `studies/demo-admissions` below this folder or one above the executable.
  static func exampleStudy() throws -> String {
    var folders = [FileManager.default.currentDirectoryPath]
    var executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    for _ in 0..<6 {
      executable.deleteLastPathComponent()
      folders.append(executable.path)
    }
    for folder in folders {
      let study = "\(folder)/studies/demo-admissions"
      if FileManager.default.fileExists(atPath: "\(study)/study.yaml") { return study }
    }
    throw ValidationError(
      "studies/demo-admissions is not below this folder; run the demo from the project's folder or"
        + " give --study and --data")
  }
}
