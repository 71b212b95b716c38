import CSQLite
import Foundation
import Records
import Testing

@testable import SiteData

/// Files in a folder of their own, and the data beside the checkout.
enum RecordsFixture {
  static func write(_ text: String, _ name: String = "records.csv") throws -> String {
    try write(Array(text.utf8), name)
  }

  static func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appending(path: name)
    try Data(bytes).write(to: file)
    return file.path
  }

  /// A folder of the shared data; nil when it is not here.
  static func data(_ name: String) -> String? {
    let environment = ProcessInfo.processInfo.environment["WARDROUND_DATA"]
    let beside = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../../shared/data").standardizedFileURL.path
    return [environment, beside].compactMap { $0.map { "\($0)/\(name)" } }
      .first { FileManager.default.fileExists(atPath: $0 + "/README.md") }
  }

  /// All events of a source in words, in their order.
  static func events(_ source: any EventSource) throws -> (events: [String], batch: EventBatch) {
    var batch = EventBatch()
    var reader = try source.open()
    var words: [String] = []
    while try reader.next(&batch) {
      for event in batch.events {
        let lexicon = batch.lexicon
        var text = "\(lexicon.subjects.text(event.subject)) \(lexicon.codes.text(event.code))"
        text += " @\(event.time == RecordTime.always ? "always" : String(event.time))"
        if event.span == 86_399 {
          text += " (day)"
        } else if event.span != 0 {
          text += " ±\(event.span)"
        }
        if event.isNeverKnown {
          text += " known never"
        } else if event.knownAt != event.latest {
          text += " known \(event.knownAt)"
        }
        if !event.value.isNaN { text += " = \(FeatureTable.text(event.value))" }
        if event.text != Lexicon.none { text += " = \(lexicon.texts.text(event.text))" }
        if event.unit != Lexicon.none { text += " \(lexicon.units.text(event.unit))" }
        if event.encounter > 0 { text += " begins" }
        if event.encounter < 0 { text += " ends" }
        words.append(text)
      }
    }
    return (words, batch)
  }

  /// A SQLite database made by statements.
  static func database(_ statements: [String]) throws -> String {
    let path = try write([], "omop.sqlite")
    var handle: OpaquePointer?
    #expect(sqlite3_open(path, &handle) == SQLITE_OK)
    for statement in ["BEGIN"] + statements + ["COMMIT"] {
      #expect(sqlite3_exec(handle, statement, nil, nil, nil) == SQLITE_OK, "\(statement)")
    }
    sqlite3_close(handle)
    return path
  }

  /// Loads gzipped CSV tables of an OMOP demo into a SQLite database.
  static func omopDatabase(_ folder: String, _ tables: [String]) throws -> String {
    let path = try write([], "omop.sqlite")
    var handle: OpaquePointer?
    #expect(sqlite3_open(path, &handle) == SQLITE_OK)
    defer { sqlite3_close(handle) }
    for table in tables {
      var scanner = try RecordScanner(path: "\(folder)/\(table).csv.gz", delimiter: 44)
      _ = try scanner.next()
      let columns = scanner.texts
      let integers: Set<String> = ["year_of_birth", "month_of_birth", "day_of_birth"]
      let types = columns.map { name in
        name.hasSuffix("_id") || integers.contains(name)
          ? "\(name) INTEGER" : name == "quantity" ? "\(name) REAL" : "\(name) TEXT"
      }
      sqlite3_exec(handle, "CREATE TABLE \(table) (\(types.joined(separator: ",")))", nil, nil, nil)
      sqlite3_exec(handle, "BEGIN", nil, nil, nil)
      var statement: OpaquePointer?
      let marks = columns.map { _ in "?" }.joined(separator: ",")
      sqlite3_prepare_v2(handle, "INSERT INTO \(table) VALUES (\(marks))", -1, &statement, nil)
      let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
      while try scanner.next() {
        sqlite3_reset(statement)
        for column in columns.indices {
          let text = scanner.text(column) ?? ""
          if text.isEmpty {
            sqlite3_bind_null(statement, Int32(column + 1))
          } else {
            sqlite3_bind_text(statement, Int32(column + 1), text, -1, transient)
          }
        }
        #expect(sqlite3_step(statement) == SQLITE_DONE)
      }
      sqlite3_finalize(statement)
      sqlite3_exec(handle, "COMMIT", nil, nil, nil)
    }
    return path
  }
}
