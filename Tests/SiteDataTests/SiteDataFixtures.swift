import Foundation

@testable import SiteData

/// A small generator for seeded tests (Knuth's 64-bit linear congruence, high bits).
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let high = state >> 32
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return high << 32 | state >> 32
  }
}

/// Runs a body with the path of a temporary file of the given bytes.
func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "wardround-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appending(path: "data.csv")
  try Data(text.utf8).write(to: file)
  return try body(file.path)
}

func records(_ bytes: [UInt8], delimiter: Character = ",") throws -> [CSVRecord] {
  var reader = try CSVReader(
    bytes: bytes, file: "f.csv", delimiter: delimiter.asciiValue ?? 44)
  var found: [CSVRecord] = []
  while let record = try reader.next() { found.append(record) }
  return found
}

func records(_ text: String, delimiter: Character = ",") throws -> [CSVRecord] {
  try records(Array(text.utf8), delimiter: delimiter)
}

func fields(_ text: String) throws -> [[String]] {
  try records(text).map(\.fields)
}
