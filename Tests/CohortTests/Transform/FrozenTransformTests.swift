import CanonicalBytes
import Foundation
import Testing

@testable import Cohort

private func wardTransform() throws -> FrozenTransform {
  try FrozenTransform([
    .number(
      .init(
        name: "creatinine", unit: "mg/dL", imputation: 1, center: 1.2, scale: 0.5,
        hasMissingIndicator: true)),
    .number(
      .init(
        name: "age", unit: "a", imputation: 60, center: 62, scale: 16, hasMissingIndicator: false,
        clip: 3)),
    .category(
      .init(
        name: "ward", levels: ["medicine", "surgery"], reference: "medicine", hasOther: true,
        hasMissingLevel: true)),
    .flag(.init(name: "diabetes", imputation: 0, hasMissingIndicator: true)),
  ])
}

@Suite struct FrozenTransformTests {
  @Test func aKnownTable() throws {
    let table = try build(
      wardSpecification(patientColumn: nil, order: nil),
      [
        ["", "", "1.7", "78", "surgery", "1", "0"], ["", "", "", "", "", "", "0"],
        ["", "", "60", "118", "attic", "0", "1"], ["", "", "1.2", "62", "medicine", "0", "1"],
      ])
    let transform = try wardTransform()
    #expect(
      transform.designColumnNames == [
        "creatinine", "creatinine (missing)", "age", "ward = surgery", "ward (other)",
        "ward (missing)", "diabetes", "diabetes (missing)",
      ])
    let matrix = try transform.apply(to: table)
    #expect(matrix.rowCount == 4 && matrix.columnCount == 8)
    #expect(Array(matrix.row(0)) == [1, 0, 1, 1, 0, 0, 1, 0])
    #expect(Array(matrix.row(1)) == [(1 - 1.2) / 0.5, 1, -0.125, 0, 0, 1, 0, 1])
    #expect(Array(matrix.row(2)) == [16, 0, 3, 0, 1, 0, 0, 0])
    #expect(Array(matrix.row(3)) == [0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test(arguments: [UInt64(1), 2]) func applyingTwiceIsEqualAndBounded(seed: UInt64) throws {
    let table = try build(
      wardSpecification(patientColumn: nil, order: nil), randomRows(200, seed: seed))
    let transform = try wardTransform()
    let matrix = try transform.apply(to: table)
    #expect(try transform.apply(to: table) == matrix, "seed \(seed)")
    #expect(matrix.values.allSatisfy { abs($0) <= 16 })
    // A row's entries do not depend on the other rows.
    let training = try transform.apply(to: table, .training)
    let selected = try transform.apply(to: try table.selecting(.training))
    #expect(training == selected)
    let rows = table.rowIndices(.training)
    #expect(
      rows.enumerated().allSatisfy { training.row($0.offset).elementsEqual(matrix.row($0.element)) }
    )
  }

  @Test func survivesBytesAndJSON() throws {
    let transform = try wardTransform()
    var writer = ByteWriter()
    transform.write(to: &writer)
    var reader = ByteReader(writer.bytes)
    #expect(try FrozenTransform(from: &reader) == transform)
    try reader.finish()
    let data = try JSONEncoder().encode(transform)
    let again = try JSONDecoder().decode(FrozenTransform.self, from: data)
    #expect(again == transform && again.digest == transform.digest)
  }

  @Test func brokenBytesNeverTrap() throws {
    var writer = ByteWriter()
    try wardTransform().write(to: &writer)
    var generator = TestGenerator(state: 77)
    var accepted = 0
    for _ in 0..<2000 {
      var bytes = writer.bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: bytes.indices, using: &generator)
        bytes[place] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0...3, using: &generator))
      var reader = ByteReader(bytes)
      if let found = try? FrozenTransform(from: &reader) {
        accepted += 1
        var again = ByteWriter()
        found.write(to: &again)
        #expect(again.bytes == Array(bytes.prefix(reader.offset)), "seed 77")
      }
    }
    #expect(accepted < 2000)
  }

  @Test func unsoundTransformsAreRefused() {
    let bad: [TransformedFeature] = [
      .number(
        .init(name: "a", imputation: 0, center: 0, scale: 0, hasMissingIndicator: false)),
      .number(
        .init(name: "a", imputation: .nan, center: 0, scale: 1, hasMissingIndicator: false)),
      .number(
        .init(name: "a", imputation: 0, center: 0, scale: 1, hasMissingIndicator: false, clip: 17)),
      .category(
        .init(name: "a", levels: ["x"], reference: "y", hasOther: false, hasMissingLevel: false)),
      .flag(.init(name: "", imputation: 0, hasMissingIndicator: false)),
    ]
    for feature in bad {
      #expect(throws: CohortError(.badSpecification)) { try FrozenTransform([feature]) }
    }
  }

  @Test func otherFeaturesAreRefused() throws {
    let table = try build(
      wardSpecification(patientColumn: nil, order: nil), randomRows(3, seed: 1))
    let one = try FrozenTransform([
      .flag(.init(name: "x", imputation: 0, hasMissingIndicator: false))
    ])
    #expect(throws: CohortError(.shapeMismatch)) { try one.apply(to: table) }
  }

  @Test func columnsSpeakClinicalUnits() throws {
    let columns = try wardTransform().designColumns
    #expect(columns[0].comparison == "per 0.5 mg/dL")
    #expect(columns[0].perClinicalUnit(1) == 2)
    #expect(columns[3].comparison == "surgery against medicine")
    #expect(columns[4].comparison == "any other against medicine")
    #expect(columns[6].comparison == "yes against no")
    #expect(columns[6].perClinicalUnit(0.7) == 0.7)
    func text(_ scale: Double) -> String {
      DesignColumn(name: "", feature: "", role: .scaled(unit: nil, center: 0, scale: scale))
        .comparison
    }
    #expect(
      text(24.1234) == "per 24.1" && text(1234.5) == "per 1235" && text(0.012345) == "per 0.0123")
  }
}
