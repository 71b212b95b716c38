import Cohort
import Foundation
import Testing

@testable import Reports

/// A saved model of every kind of values loads for ever.
@Suite struct SavedValueModelsTests {
  struct Saved: Sendable, CustomTestStringConvertible {
    let name: String
    /// By patient, and the risk of the event.
    let expected: [(values: [Double], risk: Double)]
    let unit: String?
    var testDescription: String { name }
  }

  /// Values and risks were computed from the files by another program, with the normal and Poisson
  /// distributions of scipy.stats.
  static let files = [
    Saved(
      name: "number",
      expected: [
        ([7.720817042209092], 0.7667409778344162), ([8.43661440218463], 0.8487395686223325),
        ([7.856058576148889], 0.7838854599090711),
      ], unit: "d"),
    Saved(
      name: "count",
      expected: [
        ([7.622403623091542], 0.7716680345163434), ([8.606371369447498], 0.8581965119296133),
        ([7.622403623091542], 0.7716680345163434),
      ], unit: nil),
    Saved(
      name: "classes",
      expected: [
        (
          [0.3160686628080317, 0.3908201006324235, 0.2931112365595448], 0.2931112365595448
        ),
        (
          [0.19134786619772548, 0.3246628461090116, 0.48398928769326294], 0.48398928769326294
        ),
        (
          [0.20358379062858947, 0.4216118225574067, 0.3748043868140039], 0.3748043868140039
        ),
      ], unit: nil),
  ]

  @Test(arguments: files)
  func theSavedFileLoads(saved: Saved) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(
      contentsOf: root.appending(path: "protocol/models/tree-model-1-\(saved.name).json"))
    let file = try AnyModelFile(decoding: data)
    #expect(try file.encoded() == data)
    guard case .trees(let trees) = file else {
      Issue.record("not trees")
      return
    }
    #expect(trees.content.target?.unit == saved.unit)
    let table = try CohortTable(
      features: file.features,
      columns: [
        .number([50, 80, .nan]), .number([1, .nan, 4]),
        .category([0, 1, -1], levels: ["medicine", "surgery", "neurology"]), .flag([0, 1, .nan]),
      ], outcome: [0, 0, 0], isHoldout: [false, false, false], hasOutcome: false)
    let values = try file.values(table: table)
    let risks = try file.predict(table: table)
    for (row, expected) in saved.expected.enumerated() {
      #expect(values[row].count == expected.values.count)
      for (value, other) in zip(values[row], expected.values) {
        #expect((value - other).magnitude < 1e-12 * max(1, other))
      }
      #expect((risks[row] - expected.risk).magnitude < 1e-12)
      let card = try PatientCard(file, table: table, row: row)
      #expect(card.risk == risks[row] && card.values.map(\.value) == values[row])
    }
  }

  /// What a file predicts cannot be changed without a trace.
  @Test func damageIsNoticed() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    for (name, old, new) in [
      ("number", "\"unit\" : \"d\"", "\"unit\" : \"h\""),
      ("number", "\"above\" : 6", "\"above\" : 7"),
      ("number", "\"spread\" : 2.", "\"spread\" : 3."),
      ("count", "\"atLeast\" : 6", "\"atLeast\" : 5"),
      ("classes", "\"ward, geriatric\"", "\"ward\""),
    ] {
      let text = try String(
        contentsOf: root.appending(path: "protocol/models/tree-model-1-\(name).json"),
        encoding: .utf8)
      #expect(text.contains(old), "\(name) has no \(old)")
      let changed = text.replacingOccurrences(of: old, with: new)
      #expect(throws: ReportsError.self, "\(old)") {
        try AnyModelFile(decoding: Data(changed.utf8))
      }
    }
  }
}
