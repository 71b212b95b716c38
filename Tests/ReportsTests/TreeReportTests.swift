import BoostedTrees
import Cohort
import Foundation
import PortableNumerics
import Study
import Testing

@testable import Reports

/// What a study of trees leaves: page, model files, patient cards.
@Suite struct TreeReportTests {
  private static let names = ["trees <boosted>", "forest & trees", "shapes"]

  private func file(_ name: String) async throws -> TreeModelFile {
    try TreeModelFile(
      try await StudyFixture.treeResult.value, model: name, features: StudyFixture.features,
      transcriptDigest: StudyFixture.provenance.transcriptDigest)
  }

  @Test func thePageIsWholeAndClosed() async throws {
    let result = try await StudyFixture.treeResult.value
    let text = HTMLReport.render(result, provenance: StudyFixture.provenance)
    if let path = ProcessInfo.processInfo.environment["WARDROUND_REPORT_PREVIEW"] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path + ".trees.html"))
    }
    let reader = PageReader()
    try reader.read(text)
    #expect(reader.failure == nil, "\(reader.failure ?? "") line \(reader.failureLine)")
    #expect(reader.ids.count == Set(reader.ids).count, "an id stands twice")
    #expect(Set(reader.references).isSubset(of: Set(reader.ids)))
    for hostile in [
      StudyFixture.hostileName, "lactate <b>", "<i>trauma", "<boosted>", "& trees</h3>",
    ] { #expect(!text.contains(hostile), "\(hostile)") }
    let words = reader.text.split { !$0.isLetter }.map { $0.lowercased() }
    for word in ["nan", "inf", "infinity", "nil", "optional"] {
      #expect(!words.contains(word), "\(word)")
    }
    for value in reader.drawingValues { #expect(Double(value) != nil, "\(value)") }
    for heading in [
      "What the trees cost", "Importance in the model", "Contribution by value in the model",
      "Shape functions of the model", "Loss while the model",
      "What the combination of two values adds", "path-dependent TreeSHAP",
      "interventional TreeSHAP", "all: few events", "too few to keep some aside for it",
      "8 passes of learning rate 0.1",
    ] { #expect(text.contains(heading), "\(heading)") }
    for model in result.models {
      if let trees = model.trees {
        #expect(
          TextSummary.lines(result, provenance: StudyFixture.provenance).contains {
            $0.contains(trees.costInWords)
          })
      }
    }
  }

  /// No point of a contribution is about fewer patients than the minimum cell.
  @Test func noPointIsSmallerThanTheMinimumCell() async throws {
    let result = try await StudyFixture.treeResult.value
    for model in result.models {
      for feature in model.trees?.contributions ?? [] {
        #expect(!feature.points.isEmpty, "\(model.name) \(feature.feature)")
        #expect(feature.points.allSatisfy { $0.patientCount >= 8 && $0.mean.isFinite })
      }
    }
  }

  @Test(arguments: names) func filesReadBackAndPredictTheSameBits(name: String) async throws {
    let file = try await file(name)
    let bytes = try file.encoded()
    let read = try TreeModelFile(decoding: bytes)
    #expect(read == file)
    let isShapes = read.learner == .additive
    #expect((read.stopping?.fewEvents != nil) == isShapes)
    #expect(read.stopping?.patience == (isShapes ? 0 : read.learner == .boostedTrees ? 15 : nil))
    #expect(try read.encoded() == bytes)
    guard case .trees(let any) = try AnyModelFile(decoding: bytes) else {
      Issue.record("another kind of file")
      return
    }
    #expect(any == file)
    // Rows that training never saw, with missing values.
    let table = try StudyFixture.table(seed: 99, rows: 60, hasOutcome: false)
    let risks = try read.predict(table: table)
    #expect(risks.count == 60 && risks.allSatisfy { $0 >= 0 && $0 <= 1 })
    #expect(Set(risks).count > 5)
    #expect(try file.predict(table: table) == risks)
  }

  @Test(arguments: names) func missingAndUnseenValuesAreTaken(name: String) async throws {
    let file = try await file(name)
    var builder = try CohortBuilder(
      file.predictionSpecification,
      columns: [
        SourceColumn("crea", unit: "umol/L"), SourceColumn("age"), SourceColumn("lactate <b>"),
        SourceColumn("ward"), SourceColumn("diabetes"), SourceColumn("not used"),
      ], purpose: .prediction)
    try builder.append(["88.4", "70", "2.0", "medicine", "1", "x"], sourceRow: 1)
    try builder.append(["-9", "", "", "", "", ""], sourceRow: 2)
    try builder.append(["-9", "", "", "a ward nobody has", "", ""], sourceRow: 3)
    let risks = try file.predict(table: try builder.finish())
    #expect(risks.count == 3 && risks.allSatisfy { $0 > 0 && $0 < 1 })
    // The study has no level "other": an unseen word counts as missing.
    #expect(risks[1] == risks[2])
  }

  @Test func damageIsNoticed() async throws {
    let data = try await file("trees <boosted>").encoded()
    let text = try #require(String(data: data, encoding: .utf8))
    for (old, new) in [
      ("\"threshold\" : 0.3", "\"threshold\" : 0.4"),
      ("wardround-tree-model/1", "wardround-tree-model/9"),
      ("\"learner\" : \"boosted_trees\"", "\"learner\" : \"random_forest\""),
      ("\"missingGoesLeft\" : true", "\"missingGoesLeft\" : 7"), ("\"equals\"", "\"misspelt\""),
    ] {
      guard text.contains(old) else {
        Issue.record("the file has no \(old)")
        continue
      }
      let changed = text.replacingOccurrences(of: old, with: new)
      #expect(throws: ReportsError.self, "\(old)") {
        try TreeModelFile(decoding: Data(changed.utf8))
      }
    }
    for length in stride(from: 0, to: data.count, by: data.count / 40) {
      #expect(throws: ReportsError.self) { try AnyModelFile(decoding: data.prefix(length)) }
    }
  }

  /// A file of every format version loads for ever. The risks were computed from the file by another
  /// program.
  @Test func theSavedFileOfFormatOneLoads() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let saved = [
      (
        "tree-model-1",
        [0.158_031_524_003_004_66, 0.185_106_975_807_746_43, 0.162_445_821_830_113_75]
      ),
      (
        "shape-model-1",
        [0.084_159_229_865_992_38, 0.206_566_755_032_418, 0.128_350_468_698_313_26]
      ),
    ]
    for (name, expected) in saved {
      let data = try Data(contentsOf: root.appending(path: "protocol/models/\(name).json"))
      let file = try TreeModelFile(decoding: data)
      #expect(try file.encoded() == data)
      let table = try CohortTable(
        features: file.features,
        columns: [
          .number([50, 80, .nan]), .number([1, .nan, 2]), .number([1, 4, .nan]),
          .category([0, 1, -1], levels: ["medicine", "surgery & <i>trauma</i>"]),
          .flag([0, 1, .nan]),
        ], outcome: [0, 0, 0], isHoldout: [false, false, false], hasOutcome: false)
      let risks = try file.predict(table: table)
      for (risk, other) in zip(risks, expected) {
        #expect((risk - other).magnitude < 1e-12, "\(name)")
      }
    }
  }

  /// A file of the same format with a transform, and with background patients that contributions are measured
  /// against. Risks and contributions were computed from the file by another program, over all coalitions.
  @Test func theSavedFileWithABackgroundLoads() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(
      contentsOf: root.appending(path: "protocol/models/tree-model-1-background.json"))
    let file = try AnyModelFile(decoding: data)
    #expect(try file.encoded() == data)
    let table = try CohortTable(
      features: file.features,
      columns: [
        .number([50, 80, .nan]), .number([1, .nan, 4]),
        .category([0, 1, -1], levels: ["medicine", "surgery", "neurology"]), .flag([0, 1, .nan]),
      ], outcome: [0, 0, 0], isHoldout: [false, false, false], hasOutcome: false)
    let expected: [(risk: Double, contributions: [String: Double])] = [
      (
        0.170_654_749_173_851_65,
        [
          "age": -0.548_856_299_602_528_5, "lactate": 0.131_028_840_550_247_44,
          "ward": 0.138_497_667_135_713_04, "diabetes": -0.044_338_044_699_305_91,
        ]
      ),
      (
        0.322_573_508_274_914_1,
        [
          "age": 0.450_281_636_598_715_56, "lactate": -0.098_859_526_569_223_17,
          "ward": 0.238_800_579_325_718_52, "diabetes": -0.074_866_500_460_015_42,
        ]
      ),
      (
        0.208_656_051_503_347_82,
        [
          "age": -0.321_389_722_602_041_57, "lactate": 0.272_540_229_476_780_8,
          "ward": -0.041_013_013_859_874_99, "diabetes": 0.014_143_209_611_712_67,
        ]
      ),
    ]
    let risks = try file.predict(table: table)
    for (row, other) in expected.enumerated() {
      #expect((risks[row] - other.risk).magnitude < 1e-12)
      let card = try PatientCard(file, table: table, row: row)
      #expect((card.base + 1.257_326_193_565_287_3).magnitude < 1e-12)
      #expect((card.risk - other.risk).magnitude < 1e-12)
      for line in card.lines {
        let value = try #require(other.contributions[line.feature])
        #expect((line.contribution - value).magnitude < 1e-12, "\(line.feature)")
      }
    }
  }

  /// A card's parts add up to the file's own risk, for every kind of model.
  @Test(arguments: names + ["ridge <newton>"])
  func cardsAddUpToTheRisk(name: String) async throws {
    let result = try await StudyFixture.treeResult.value
    let file = try AnyModelFile(result, model: name, features: StudyFixture.features)
    let table = try StudyFixture.table(seed: 98, rows: 30, hasOutcome: false)
    let risks = try file.predict(table: table)
    for row in 0..<30 {
      let card = try PatientCard(file, table: table, row: row)
      #expect((card.risk - risks[row]).magnitude < 1e-9, "\(name) row \(row)")
      let text = card.text(limit: 3).joined(separator: "\n")
      #expect(text.contains("stays at this hospital") && !text.contains("nan"))
    }
    #expect(throws: ReportsError.self) { try PatientCard(file, table: table, row: 30) }
    let card = try PatientCard(file, table: table, row: 0)
    let age = try #require(card.lines.first { $0.feature == "age" })
    #expect(age.value.hasSuffix(" a"))
  }
}
