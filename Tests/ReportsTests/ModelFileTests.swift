import Cohort
import Foundation
import LinearModels
import PortableNumerics
import Records
import Study
import Testing

@testable import Reports

/// Model files: the prediction is the study's, damage is noticed, old files are read for ever.
@Suite struct ModelFileTests {
  private func model(_ name: String? = nil) async throws -> ModelFile {
    try ModelFile(
      try await StudyFixture.result.value, model: name, features: StudyFixture.features,
      transcriptDigest: StudyFixture.provenance.transcriptDigest)
  }

  @Test func readsBackEqualAndPredictsTheSameBits() async throws {
    let table = try StudyFixture.table(seed: 99, rows: 60, hasOutcome: false)
    let result = try await StudyFixture.result.value
    for fitted in result.models {
      let file = try await model(fitted.name)
      let bytes = try file.encoded()
      let read = try ModelFile(decoding: bytes)
      #expect(read == file)
      #expect(try read.encoded() == bytes)
      let prepared = try result.transform.apply(to: table)
      let expected = try LogisticNewton.predict(
        beta: fitted.coefficients,
        design: Matrix(
          rows: prepared.rowCount, columns: prepared.columnCount, storage: prepared.values))
      #expect(try read.predict(table: table) == expected)
      #expect(expected.count == 60 && expected.allSatisfy { $0 > 0 && $0 < 1 })
    }
  }

  @Test func readsATableFromTextThroughItsOwnSpecification() async throws {
    let file = try await model()
    var builder = try CohortBuilder(
      file.predictionSpecification,
      columns: [
        SourceColumn("crea", unit: "umol/L"), SourceColumn("age"), SourceColumn("lactate <b>"),
        SourceColumn("ward"), SourceColumn("diabetes"), SourceColumn("not used"),
      ], purpose: .prediction)
    try builder.append(["88.4", "70", "2.0", "medicine", "1", "x"], sourceRow: 1)
    try builder.append(["-9", "", "", "", "", ""], sourceRow: 2)
    let risks = try file.predict(table: try builder.finish())
    let direct = try CohortTable(
      features: StudyFixture.features,
      columns: [
        .number([70, .nan]), .number([1, .nan]), .number([2, .nan]),
        .category([0, -1], levels: ["medicine"]), .flag([1, .nan]),
      ], outcome: [0, 0], isHoldout: [false, false], hasOutcome: false)
    let expected = try file.predict(table: direct)
    #expect(zip(risks, expected).allSatisfy { ($0 - $1).magnitude < 1e-4 })
  }

  /// A recipe that makes the fixture's columns.
  private static let recipe = RecordsRecipe(
    variables: ["age", "crea", "lactate <b>", "ward", "diabetes"].map {
      RecordVariable(
        $0, codes: [.exact($0)],
        kind: $0 == "ward" ? .category : .number(unit: nil, hardRange: nil, warnRange: nil))
    }, index: IndexRule(.start), predictionOffset: 3600,
    features: ["age", "crea", "lactate <b>", "ward", "diabetes"].map {
      FeatureRequest(Measure($0, .ever, .last), name: $0)
    })

  @Test func aModelOfRecordsHoldsItsRecipeUnderTheSameDigestAsTheTransformFile() async throws {
    let result = try await StudyFixture.result.value
    let tables = try await model()
    let file = try ModelFile(result, features: StudyFixture.features, records: Self.recipe)
    let bytes = try file.encoded()
    let read = try ModelFile(decoding: bytes)
    #expect(read == file && read.records == Self.recipe && file.digest != tables.digest)
    let preparation = FrozenPreparation(
      records: Self.recipe, features: StudyFixture.features, transform: result.transform)
    let transform = TransformFile(preparation, of: result.study)
    #expect(transform.digest == AnyModelFile.linear(read).preparationDigest?.hex)
    #expect(transform.digest != AnyModelFile.linear(tables).preparationDigest?.hex)
    #expect(
      result.preparation == FrozenPreparation(StudyFixture.plan, result.transform).digest.hex)
    #expect(try TransformFile(decoding: transform.encoded()) == transform)
    let again = TransformFile(preparation, of: result.study)
    #expect(try again.encoded() == transform.encoded())

    // Another offset of the prediction is another model; a recipe without a column is none.
    for data in [bytes, try transform.encoded()] {
      let text = try #require(String(data: data, encoding: .utf8))
      let later = text.replacing("\"predictionOffset\" : 3600", with: "\"predictionOffset\" : 7200")
      try #require(later != text)
      #expect(throws: ReportsError(.digestMismatch, "")) {
        if data == bytes {
          _ = try ModelFile(decoding: Data(later.utf8))
        } else {
          _ = try TransformFile(decoding: Data(later.utf8))
        }
      }
    }
    var without = Self.recipe
    without.features.removeLast()
    #expect(throws: ReportsError(.inconsistent, "")) {
      try ModelFile(result, features: StudyFixture.features, records: without)
    }
  }

  @Test func refusesDamageOfEveryKind() async throws {
    let text = try #require(String(data: try await model().encoded(), encoding: .utf8))
    func failure(_ old: String, _ new: String) -> ReportsError? {
      let changed = text.replacingOccurrences(of: old, with: new)
      guard changed != text else { return ReportsError(.tooLarge, "nothing was replaced: \(old)") }
      do {
        _ = try ModelFile(decoding: Data(changed.utf8))
        return nil
      } catch {
        return error
      }
    }
    #expect(failure("wardround-model/1", "wardround-model/9")?.code == .unknownFormat)
    #expect(failure("\"threshold\" : 0.3", "\"threshold\" : 0.4")?.code == .digestMismatch)
    #expect(failure("\"threshold\" : 0.3", "\"threshold\" : 1.5")?.code == .outOfRange)
    #expect(failure("\"threshold\" : 0.3", "\"threshold\" : \"0.3\"")?.field == "threshold")
    #expect(failure("\"threshold\" : 0.3", "\"treshold\" : 0.3")?.code == .malformed)
    #expect(
      failure("\"threshold\" : 0.3", "\"threshold\" : 0.3, \"note\" : 1")
        == ReportsError(.unknownKey, ""))
    #expect(failure("\"coefficients\" : [", "\"coefficients\" : [ 0.1,")?.code == .inconsistent)
    #expect(failure("\"coefficients\" : [", "\"coefficients\" : [ 1e300,")?.code == .inconsistent)
    #expect(failure("\"column\" : \"crea\"", "\"column\" : \"other\"")?.code == .digestMismatch)
    #expect(failure("\"name\" : \"creatinine\"", "\"name\" : \"x\"") != nil)
    #expect(failure("\"scale\" : ", "\"scale\" : -")?.code == .malformed)
    #expect(failure("death in hospital", "survival")?.code == .digestMismatch)
  }

  /// Random damage to a file never traps and never passes. Seed 7.
  @Test func survivesRandomDamage() async throws {
    let bytes = try await model().encoded()
    var random = Xoshiro256StarStar(seed: 7)
    for _ in 0..<150 {
      var damaged = bytes
      let position = Int(random.next() % UInt64(bytes.count - 1))
      let old = damaged[position]
      damaged[position] = UInt8(truncatingIfNeeded: random.next())
      let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
      }
      guard damaged[position] != old, !(isSpace(old) && isSpace(damaged[position])) else {
        continue
      }
      if let read = try? ModelFile(decoding: damaged) {
        // The same content in other letters, such as 1e0 for 1E0.
        #expect(try read.encoded() == bytes)
      }
    }
    for length in [0, 1, 10, bytes.count / 2] {
      #expect(throws: ReportsError.self) { try ModelFile(decoding: bytes.prefix(length)) }
    }
  }

  @Test func fileNamesStayInTheFolder() {
    #expect(ModelFile.fileName(model: "../../etc", index: 0) == "model.json")
    #expect(ModelFile.fileName(model: "../../etc/Passwd", index: 1) == "model-2-etc-passwd.json")
    #expect(
      ModelFile.fileName(model: "averaging (adam)", index: 2) == "model-3-averaging-adam.json")
    #expect(ModelFile.fileName(model: "…", index: 3) == "model-4.json")
  }

  @Test func refusesWhatDoesNotFit() async throws {
    let result = try await StudyFixture.result.value
    #expect(throws: ReportsError(.unknownModel, "")) {
      try ModelFile(result, model: "no such", features: StudyFixture.features)
    }
    #expect(throws: ReportsError(.inconsistent, "")) {
      try ModelFile(result, features: Array(StudyFixture.features.dropLast()))
    }
    #expect(throws: ReportsError(.inconsistent, "")) {
      try ModelFile(result, features: StudyFixture.features.reversed())
    }
    let file = try await model()
    let other = try CohortTable(
      features: [FeatureSpecification("age", kind: .flag)], columns: [.flag([1])], outcome: [0],
      isHoldout: [false])
    #expect(throws: ReportsError(.tableMismatch, "")) { try file.predict(table: other) }
  }

  /// `protocol/models/logistic-1.json`, written once by hand for format 1.
  @Test func readsTheSavedModelOfFormatOne() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(
      contentsOf: root.appendingPathComponent("protocol/models/logistic-1.json"))
    let file = try ModelFile(decoding: data)
    #expect(file.study.id == "synthetic-example")
    #expect(try file.encoded() == data)
    let table = try CohortTable(
      features: file.features,
      columns: [
        .number([50, 80, .nan]), .number([100, .nan, 60]),
        .category([0, 1, -1], levels: ["medicine", "surgery"]), .flag([0, 1, .nan]),
      ], outcome: [0, 0, 0], isHoldout: [false, false, false], hasOutcome: false)
    // Worked by hand: logits −2 + 0.8·z(age) + 0.5·z(crea) …, see the coefficients in the file.
    let logits = [
      -2 + 0.8 * (50.0 - 60) / 20 + 0.5 * (100.0 - 90) / 40,
      -2 + 0.8 * (80.0 - 60) / 20 + 0.5 * (80.0 - 90) / 40 + 0.25 - 0.6 + 0.3,
      -2 + 0.8 * (62.0 - 60) / 20 + 0.5 * (60.0 - 90) / 40 + 0.1 + 0.3 * 0.2,
    ]
    let risks = try file.predict(table: table)
    for (risk, logit) in zip(risks, logits) {
      #expect((risk - Portable.sigmoid(logit)).magnitude < 1e-12)
    }
  }
}
