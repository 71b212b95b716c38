import CanonicalBytes
import Cohort
import TestSupport
import Testing

@testable import Study

/// What a site says about its records, and what it holds back.
@Suite struct HarmonisationTests {
  private static let facts = RecordsFacts(
    variables: [
      .init(
        name: "lactate", unit: "mmol/L", records: records(100, of: 0..<40),
        units: [
          .init("", records(4, of: 0..<4)), .init("mg/dL", records(30, of: 0..<20)),
          .init("mmol/L", records(66, of: 10..<40)),
        ],
        parts: [
          .init(part: records(3, of: 0..<3), rest: records(97, of: 0..<40)),
          .init(rest: records(100, of: 0..<40)),
          .init(part: records(30, of: 0..<20), rest: records(70, of: 10..<40)),
          .init(part: records(97, of: 0..<40), rest: records(3, of: 5..<8)),
          .init(part: records(20, of: 0..<9), rest: records(80, of: 0..<40)),
        ],
        mistakes: [
          .init(declaredUnit: "mmol/L", likelyUnit: "mg/dL", concernsAll: false, share: 0.2),
          .init(declaredUnit: "", likelyUnit: "mg/dL", concernsAll: false, share: 0.03),
        ]),
      .init(
        name: "rare", unit: nil, records: records(900, of: 0..<4),
        units: [.init("g", records(900, of: 0..<4))]),
      .init(name: "none", unit: nil, records: .init()),
    ], unmapped: .init(part: records(996, of: 0..<40), rest: records(4, of: 0..<2)),
    systems: [
      .init("loinc", records(700, of: 0..<40)), .init("local", records(296, of: 0..<12)),
      .init("icd", records(4, of: 0..<4)),
    ])

  private static func records(_ count: Int, of patients: Range<Int32>) -> RecordsFacts.Part {
    .init(count, of: SomePatients(patients))
  }

  /// A word or a gap of one patient is not shown however many records and rows the patient has.
  @Test func cellsArePatientsAndNotRecords() throws {
    let many = Self.records(500, of: 0..<40)
    let one = Self.records(60, of: 7..<8)
    let facts = RecordsFacts(
      variables: [
        .init(
          name: "lactate", unit: nil, records: many,
          units: [.init("free text", one), .init("mg/dL", Self.records(440, of: 0..<40))],
          parts: [RecordsFacts.Split](
            repeating: .init(part: one, rest: many), count: RecordsFacts.Variable.partCount))
      ], unmapped: .init(part: one, rest: many),
      systems: [.init("loinc", many), .init("local", one)])
    // Thirty rows of one patient, who alone lacks the feature, and ten others of one row each.
    let cohort = try CohortTable(
      features: [
        FeatureSpecification("f", kind: .number(unit: nil, hardRange: nil, resolution: nil))
      ], columns: [.number((0..<40).map { $0 < 30 ? .nan : 1 })],
      outcome: (0..<40).map { $0.isMultiple(of: 2) ? 0 : 1 },
      isHoldout: [Bool](repeating: false, count: 40),
      patients: (0..<40).map { $0 < 30 ? 0 : Int32($0 - 29) })
    let answer = HarmonisationAnswer(facts, cohort, minimumCell: 5)
    #expect(answer.variables[0].units.isEmpty, "mg/dL alone would leave one patient's")
    #expect(answer.variables[0].parts.allSatisfy { $0 == nil })
    #expect(answer.unmappedCount == nil && answer.systems.isEmpty)
    #expect(answer.rows == .init(without: 20, with: 20))
    #expect(answer.missing == [.init(without: nil, with: nil)])
    let open = HarmonisationAnswer(facts, cohort, minimumCell: 1)
    #expect(open.variables[0].units.count == 2 && open.missing[0].without == 15)
  }

  /// Of twelve without and eight with the outcome.
  private static func cohort(_ lacking: [(without: Int, with: Int)]) throws -> CohortTable {
    try CohortTable(
      features: lacking.indices.map {
        FeatureSpecification(
          "f\($0)", kind: .number(unit: nil, hardRange: nil, resolution: nil))
      },
      columns: lacking.map { gaps in
        .number(
          (0..<20).map { row in
            row < 12 ? (row < gaps.without ? .nan : 1) : (row - 12 < gaps.with ? .nan : 1)
          })
      }, outcome: (0..<20).map { $0 < 12 ? 0 : 1 },
      isHoldout: [Bool](repeating: false, count: 20))
  }

  @Test func smallCellsAreHeldBackAndSoIsWhatWouldTellThem() throws {
    let cohort = try Self.cohort([(0, 0), (6, 0), (5, 2), (12, 8), (7, 5), (4, 0)])
    let answer = HarmonisationAnswer(Self.facts, cohort, minimumCell: 5)
    let lactate = answer.variables[0]
    #expect(lactate.recordCount == 100)
    // The four without a unit would be what the others leave of the hundred.
    #expect(lactate.units.map(\.word) == ["mmol/L"])
    // 3 without a value, and the 3 that 97 leave, are too few.
    #expect(lactate.parts == [nil, 0, 30, nil, 20])
    #expect(lactate.mistakes.map(\.percent) == [20])
    #expect(answer.variables[1].recordCount == nil && answer.variables[1].units.isEmpty)
    #expect(answer.variables[1].parts.allSatisfy { $0 == nil })
    #expect(answer.variables[2].recordCount == 0)
    #expect(answer.unmappedCount == nil && answer.systems.map(\.word) == ["loinc"])
    #expect(answer.rows == .init(without: 12, with: 8))
    #expect(
      answer.missing == [
        .init(without: 0, with: 0), .init(without: 6, with: 0), .init(without: nil, with: nil),
        .init(without: 12, with: 8), .init(without: nil, with: nil),
        .init(without: nil, with: nil),
      ])
    // A class of fewer than the cell hides every gap.
    let small = HarmonisationAnswer(Self.facts, cohort, minimumCell: 9)
    #expect(small.rows.with == nil && small.missing.allSatisfy { $0.with == nil })
    #expect(
      small.problem(variableCount: 3, featureCount: 6, minimumCell: 9) == nil
        && small.problem(variableCount: 3, featureCount: 6, minimumCell: 31) != nil)
  }

  @Test func theAnswerReadsBackAndImpossibleOnesAreRefused() throws {
    let cohort = try Self.cohort([(6, 0), (0, 0)])
    let query = SiteQuery.harmonisation(variableCount: 3, featureCount: 2, minimumCell: 5)
    let answer = HarmonisationAnswer(Self.facts, cohort, minimumCell: 5)
    let bytes = SiteAnswer.harmonisation(answer).canonicalBytes
    #expect(try SiteAnswer(bytes: bytes, to: query) == .harmonisation(answer))
    for length in bytes.indices {
      #expect(throws: StudyError.self) {
        try SiteAnswer(bytes: Array(bytes.prefix(length)), to: query)
      }
    }
    func refused(_ change: (inout HarmonisationAnswer) -> Void) -> Bool {
      var changed = answer
      change(&changed)
      return
        (try? SiteAnswer(
          bytes: SiteAnswer.harmonisation(changed).canonicalBytes, to: query)) == nil
    }
    #expect(refused { $0.variables.removeLast() })
    #expect(refused { $0.missing.removeLast() })
    #expect(refused { $0.variables[0].recordCount = 3 })
    #expect(refused { $0.variables[0].recordCount = -5 })
    #expect(refused { $0.variables[0].parts.removeLast() })
    #expect(refused { $0.variables[0].units[0].count = 4 })
    #expect(refused { $0.variables[0].units += $0.variables[0].units })
    #expect(refused { $0.variables[0].mistakes[0].percent = 0 })
    #expect(refused { $0.missing[0].without = 2 })
    #expect(refused { $0.systems[0].count = .max })
    #expect(!refused { _ in })
    let other = SiteQuery.harmonisation(variableCount: 3, featureCount: 2, minimumCell: 6)
    #expect(other.canonicalBytes != query.canonicalBytes)
  }
}
