import Cohort
import Foundation
import Study
import Testing
import Validation

@testable import Reports

/// What a study of numbers, counts or classes leaves: page, lines, card, model file, patient cards.
@Suite struct ValueReportTests {
  private static func file(
    _ result: StudyResult, _ index: Int = 0
  ) throws -> AnyModelFile {
    try AnyModelFile(result, model: result.models[index].name, features: StudyFixture.features)
  }

  @Test(arguments: ValueFixture.allCases)
  func thePageIsWholeAndSaysHowWellValuesArePredicted(kind: ValueFixture) async throws {
    let result = try await ValueFixture.result(kind)
    let text = HTMLReport.render(result, provenance: StudyFixture.provenance)
    if let path = ProcessInfo.processInfo.environment["WARDROUND_REPORT_PREVIEW"] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path).\(kind.rawValue).html"))
    }
    let reader = PageReader()
    try reader.read(text)
    #expect(reader.failure == nil, "\(reader.failure ?? "") line \(reader.failureLine)")
    #expect(reader.ids.count == Set(reader.ids).count, "an id stands twice")
    #expect(Set(reader.references).isSubset(of: Set(reader.ids)))
    for hostile in ["<script>", "& \"rest\"", "<b>Clinic", "trees <", "<days>"] {
      #expect(!text.contains(hostile), "\(hostile)")
    }
    let words = reader.text.split { !$0.isLetter }.map { $0.lowercased() }
    for word in ["nan", "inf", "infinity", "nil", "optional"] {
      #expect(!words.contains(word), "\(word)")
    }
    let what = ["number": "numbers", "count": "counts", "classes": "classes"][kind.rawValue] ?? ""
    #expect(
      reader.text.contains(
        "Predicted \(what) against recorded ones, by hospital: trees <\(kind.rawValue)>"))
    #expect(!reader.text.contains("by hospital: ridge"))
    #expect(reader.text.contains("by hospital: shapes") == (kind == .number))
    let units = [
      "number": [
        "half the squared error / range²", "(d <days>)", "both in d <days>.",
        "a number, 0 to 20 d <days>;", "raises the predicted number",
      ],
      "count": [
        "half the Poisson deviance", "(logarithm of the count)", "raises the predicted count",
      ],
      "classes": [
        "mean log-loss of the class", "(score of the event’s classes against the others)",
        "raises the score of the event’s classes", "nursing home & \"rest\"",
      ],
    ]
    for unit in units[kind.rawValue] ?? [] { #expect(reader.text.contains(unit), "\(unit)") }
    let trees = try #require(result.models[0].trees)
    #expect(trees.treeCount <= trees.grownCount && trees.grownCount <= 10)
    #expect(trees.costInWords.contains("iterations of 3 trees") == (kind == .classes))
    // The other models' trees are about the event, and none are here.
    #expect(!reader.text.contains("log-odds)"))
    #expect(reader.text.contains("What trees <\(kind.rawValue)> predicts"))
    #expect(reader.text.contains("of risks and of predicted values"))
  }

  /// The numbers of the page, the terminal and the card are the hospitals' and those of all their rows.
  @Test(arguments: ValueFixture.allCases)
  func theNumbersAreTheHospitals(kind: ValueFixture) async throws {
    let result = try await ValueFixture.result(kind)
    let model = result.models[0].name
    let fitted = try #require(result.models[0].trees)
    let cohorts = try kind.cohorts()
    var expected: [ValuePerformance] = []
    let sites = try #require(result.performance.first { $0.model == model }?.sites)
    for site in ValueFixture.sites {
      let table = try #require(cohorts[site])
      let rows = table.rowIndices(.holdout)
      let predicted = try #require(try fitted.model.values(of: table, rows: rows))
      let recorded = rows.map { table.outcomeValues?[$0] ?? -1 }
      let own: ValuePerformance
      if kind == .classes {
        own = .classes(
          try #require(
            try ClassPerformance(
              probabilities: predicted, observed: recorded.map { Int($0) },
              classes: ValueFixture.classNames, isEvent: [false, false, true], minimumCell: 8)))
      } else {
        own = .numbers(
          try #require(
            try NumberPerformance(
              predicted: predicted.map { $0[0] }, observed: recorded, isCount: kind == .count,
              minimumCell: 8)))
      }
      #expect(sites[site]?.values == own, "\(site)")
      expected.append(own)
    }
    let writer = ReportWriter(result, StudyFixture.provenance)
    let pooled = try #require(writer.values(model)?.pooled)
    #expect(pooled == ValuePerformance.pooled(expected))
    #expect(writer.values("ridge") == nil)
    let lines = TextSummary.lines(result, provenance: StudyFixture.provenance)
    let start = try #require(
      lines.firstIndex { $0.contains("predicted values against recorded ones") })
    #expect(lines[start].hasSuffix("(d <days>)") == (kind == .number))
    let values = try #require(writer.values(model))
    for (offset, part) in (expected + [pooled]).enumerated() {
      for cell in values.cells(part) {
        #expect(lines[start + 2 + offset].contains(cell), "\(lines[start + 2 + offset])")
      }
    }
    let page = HTMLReport.render(result, provenance: StudyFixture.provenance)
    for part in expected + [pooled] {
      for cell in values.cells(part) { #expect(page.contains(">\(cell)<"), "\(cell)") }
    }
    let card = ModelCard(result, provenance: StudyFixture.provenance)
    let field = try #require(
      card.fields.first { $0.name == "Predicted values against recorded ones" })
    #expect(field.text.contains("of 4 hospitals"))
    #expect(field.text.contains(values.cells(pooled)[2]))
    let output = try #require(card.fields.first { $0.name == "Output" }).text
    #expect(output.contains("and from it the probability of \(kind.outcome.name), 0 to 1: "))
  }

  /// A hospital that held its values back has a row that says why, and no total counts it.
  @Test(arguments: ValueFixture.allCases)
  func aHospitalMayHoldItsValuesBack(kind: ValueFixture) async throws {
    var result = try await ValueFixture.result(kind)
    let held = ValueFixture.sites[0]
    result.performance[0].sites[held] =
      result.performance[0].sites[held]?.with(values: nil)
    let writer = ReportWriter(result, StudyFixture.provenance)
    let values = try #require(writer.values(result.models[0].name))
    #expect(values.releasedCount == 3)
    let before = try #require(
      ReportWriter(try await ValueFixture.result(kind), StudyFixture.provenance)
        .values(result.models[0].name))
    #expect(values.pooled.rowCount < before.pooled.rowCount)
    let page = HTMLReport.render(result, provenance: StudyFixture.provenance)
    #expect(page.contains("<span class=\"small\">held back</span>"))
    for index in result.performance.indices {
      for site in ValueFixture.sites {
        result.performance[index].sites[site] =
          result.performance[index].sites[site]?.with(values: nil)
      }
    }
    let without = HTMLReport.render(result, provenance: StudyFixture.provenance)
    #expect(!without.contains("against recorded ones"))
    #expect(
      !TextSummary.lines(result, provenance: StudyFixture.provenance).contains {
        $0.contains("against recorded ones")
      })
  }

  @Test(arguments: ValueFixture.allCases)
  func theTwinComesBack(kind: ValueFixture) async throws {
    let result = try await ValueFixture.result(kind)
    let twin = ReportJSON(result, provenance: StudyFixture.provenance)
    let bytes = try twin.encoded()
    let read = try ReportJSON(decoding: bytes)
    #expect(try read.encoded() == bytes)
    #expect(read.result.performance[0].sites.values.allSatisfy { $0.values != nil })
  }

  @Test(arguments: ValueFixture.allCases)
  func filesPredictValuesAndNameThem(kind: ValueFixture) async throws {
    let result = try await ValueFixture.result(kind)
    let file = try AnyModelFile(decoding: try Self.file(result).encoded())
    let names = [
      "number": ["predicted"], "count": ["predicted"],
      "classes": ValueFixture.classNames.map { "probability of \($0)" },
    ]
    #expect(file.valueNames == names[kind.rawValue])
    let table = try StudyFixture.table(seed: 97, rows: 40, hasOutcome: false)
    let values = try file.values(table: table)
    guard case .trees(let trees) = file else {
      Issue.record("not trees")
      return
    }
    #expect(try trees.content.values(of: table) == values)
    #expect(values.count == 40 && Set(values).count > 5)
    let ridge = try Self.file(result, 1)
    #expect(ridge.valueNames.isEmpty)
    #expect(try ridge.values(table: table) == Array(repeating: [], count: 40))
    let other = try CohortTable(features: [], columns: [], outcome: [0], isHoldout: [false])
    #expect(throws: ReportsError.self) { try file.values(table: other) }
  }

  /// A card's parts add up to the model's score; risk and values are those of the file.
  @Test(arguments: ValueFixture.allCases)
  func cardsAreOnTheModelsScale(kind: ValueFixture) async throws {
    let result = try await ValueFixture.result(kind)
    let table = try StudyFixture.table(seed: 98, rows: 30, hasOutcome: false)
    for index in result.models.indices where result.models[index].trees != nil {
      let file = try Self.file(result, index)
      let risks = try file.predict(table: table)
      let values = try file.values(table: table)
      for row in 0..<30 {
        let card = try PatientCard(file, table: table, row: row)
        #expect(card.risk == risks[row])
        #expect(card.values.map(\.value) == values[row])
        let text = card.text(limit: 3)
        switch kind {
        case .number:
          #expect(card.scale == .number(unit: "d <days>"))
          let isInside = (0...20).contains(card.score)
          #expect(!isInside || abs(card.score - values[row][0]) < 1e-9)
          #expect(text[1].hasPrefix("Predicted number: "))
          #expect(text[1].hasSuffix("range") == !isInside)
          #expect(text[1].contains(" d <days>"))
          #expect(text[2].contains(" d <days>; what moves it"))
          #expect(text[3].contains("  predicted number ") && text[3].hasSuffix(" d <days>"))
        case .count:
          #expect(card.scale == .logCount)
          #expect(abs(exp(card.score) - values[row][0]) < 1e-9)
          #expect(text[1].hasPrefix("Predicted mean count: "))
          #expect(text[3].contains("  log of the count ") && text[3].contains("count × "))
        case .classes:
          #expect(card.scale == .classScore)
          // The event's margin less the mean of the others'.
          let logs = values[row].map { log($0) }
          #expect(abs(logs[2] - (logs[0] + logs[1]) / 2 - card.score) < 1e-9)
          #expect(card.values.map(\.name) == ValueFixture.classNames)
          #expect(text[1].hasPrefix("Predicted classes: "))
          #expect(text[3].contains("  score "))
        }
        #expect(text[0].hasPrefix("Risk of \(kind.outcome.name): "))
        #expect(!text.joined().contains("odds"))
      }
    }
    let ridge = try PatientCard(try Self.file(result, 1), table: table, row: 0)
    #expect(ridge.scale == .logOdds && ridge.values.isEmpty)
    #expect(ridge.text()[1].hasPrefix("The model starts from "))
  }
}
