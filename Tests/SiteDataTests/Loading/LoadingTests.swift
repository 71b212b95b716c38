import Cohort
import Testing

@testable import SiteData

private let features = [
  FeatureSpecification(
    "creatinine", kind: .number(unit: "mg/dL", hardRange: 0...66, resolution: 0.01)),
  FeatureSpecification("sex", kind: .category(levels: ["female", "male"])),
]

private func specification() -> CohortSpecification {
  CohortSpecification(
    features: features,
    outcome: OutcomeSpecification(column: "died", positive: .oneOf(["1"]), name: "death"),
    holdout: .hash(fraction: 0.5, key: "k"))
}

private func description(_ path: String) -> DataDescription {
  DataDescription(
    file: path,
    columns: [
      .init("id", type: .text), .init("creatinine", type: .number, unit: "umol/L"),
      .init("sex", type: .category, levelNames: ["w": "female", "m": "male"]),
      .init("died", type: .flag),
    ], patientColumn: "id")
}

private func error(
  _ text: String, _ change: (inout DataDescription) -> Void = { _ in }
) throws -> SiteDataError? {
  try withFile(text) { (path: String) -> SiteDataError? in
    var data = description(path)
    change(&data)
    do throws(SiteDataError) {
      _ = try SiteData.load(data, cohort: specification())
      return nil
    } catch {
      return error
    }
  }
}

@Suite struct LoadingTests {
  @Test func readsTheCohort() throws {
    let text = "secret,id,creatinine,sex,died\nx,a,88.4,w,0\nx,b,,m,1\nx,a,100,w,1\n"
    let table = try withFile(text) { path in
      let site = SiteConfiguration(
        site: "s", legalEntity: "s", aggregator: AggregatorAddress(host: "h"),
        data: description(path))
      return try SiteData.load(site, cohort: specification())
    }
    #expect(table.rowCount == 2 && table.outcome == [0, 1])
    #expect(abs(table.numbers(0)[0] - 1) < 1e-4 && table.numbers(0)[1].isNaN)
    #expect(table.columns[1] == .category([0, 1], levels: ["female", "male"]))
  }

  @Test func decimalCommasAreNumbers() throws {
    let table = try withFile("creatinine;sex;died\n88,4;w;0\n") { path in
      var data = description(path)
      data.delimiter = UInt8(ascii: ";")
      data.hasDecimalComma = true
      data.patientColumn = nil
      return try SiteData.load(data, cohort: specification())
    }
    #expect(abs(table.numbers(0)[0] - 1) < 1e-4)
  }

  @Test func missingColumnsNameTheNearest() throws {
    let found = try #require(try error("id,creatinin,sex,died\na,1,w,0\n") { $0.columns = [] })
    #expect(found.code == .missingColumn && found.columnName == "creatinine")
    #expect(found.advice.contains("`creatinin`"))
    let hidden = try #require(
      try error("id,creatinine,sex,died\na,1,w,0\n") { data in
        data.columns.removeAll { $0.name == "creatinine" }
      })
    #expect(hidden.code == .missingColumn && hidden.message.contains("not declared"))
  }

  @Test func badRowsStopWithTheirPlace() throws {
    let ragged = try #require(try error("id,creatinine,sex,died\na,1,w,0\nb,1\n"))
    #expect(ragged.code == .raggedRow && ragged.row == 2 && ragged.line == 3)
    let quoted = try #require(try error("id,creatinine,sex,died\na,\"1\"x,w,0\n"))
    #expect(quoted.code == .textAfterQuote && quoted.column == 2)
    #expect(quoted.columnName == "creatinine")
    #expect(try error("id,id,sex,died\n")?.code == .duplicateColumn)
    #expect(try error("")?.code == .emptyFile)
    let unit = try error("id,creatinine,sex,died\n") { $0.columns[1].unit = "bar" }
    #expect(unit?.code == .unitMismatch)
  }

  @Test func predictionKeepsEveryRowInOrder() throws {
    let text = "id,creatinine,sex\nz,88.4,w\na,x,q\nz,9999999,m\n"
    let (table, identifiers) = try withFile(text) { path in
      try SiteData.loadForPrediction(
        description(path), features: features, identifierColumn: "id")
    }
    #expect(identifiers == ["z", "a", "z"] && !table.hasOutcome)
    #expect(table.rowCount == 3 && table.numbers(0)[2].isNaN)
    #expect(table.columns[1] == .category([0, -2, 1], levels: ["female", "male"]))
    let (_, numbers) = try withFile(text) { path in
      try SiteData.loadForPrediction(description(path), features: features)
    }
    #expect(numbers == ["1", "2", "3"])
  }

  /// A file read in blocks gives the rows of the whole file, and names the cells that it cannot use.
  @Test func predictionIsReadInBlocks() throws {
    let text =
      "id,creatinine,sex\n" + (1...7).map { "p\($0),\($0 % 3 == 0 ? "x" : "\($0)0"),w\n" }.joined()
    try withFile(text) { path in
      let whole = try SiteData.loadForPrediction(
        description(path), features: features, identifierColumn: "id")
      for blockRows in [1, 2, 3, 7, 100] {
        var reader = try PredictionReader(
          description(path), features: features, identifierColumn: "id", blockRows: blockRows)
        var blocks: [PredictionReader.Block] = []
        while let block = try reader.next() { blocks.append(block) }
        #expect(blocks.allSatisfy { $0.table.rowCount <= blockRows })
        #expect(blocks.count == (7 + blockRows - 1) / blockRows)
        #expect(blocks.flatMap(\.identifiers) == whole.identifiers)
        #expect(blocks.flatMap(\.table.sourceRows) == Array(1...7))
        let numbers = blocks.flatMap { $0.table.numbers(0) }
        #expect(numbers.map(\.bitPattern) == whole.table.numbers(0).map(\.bitPattern))
        #expect(blocks.flatMap { $0.unusedCells[0].unreadable } == [3, 6])
      }
    }
    let rows = try withFile("id,creatinine,sex\n") { path in
      try SiteData.loadForPrediction(description(path), features: features).table.rowCount
    }
    #expect(rows == 0)
  }

  @Test func oneFileOfManySitesIsTakenApart() throws {
    let text = "hospital,creatinine,sex,died\nb,1,w,0\na,2,w,1\nb,3,w,0\n,4,w,0\n2.0,5,w,1\n"
    let (found, withoutSite) = try withFile(text) { path in
      let data = DataDescription(file: path)
      return try SiteData.loadSplit(data, by: "hospital", cohort: specification())
    }
    #expect(found.map(\.name) == ["2", "a", "b"] && withoutSite == 1)
    #expect(found.map { $0.table.rowCount } == [1, 1, 2])
    #expect(found[2].table.numbers(0) == [1, 3] && found[2].table.sourceRows == [1, 3])
  }

  @Test func randomFilesNeverTrap() throws {
    var generator = TestGenerator(state: 12)
    let alphabet = Array("wm01,.\n\"-?é")
    var loaded = 0
    for _ in 0..<100 {
      let length = Int.random(in: 0...40, using: &generator)
      let body = String(
        (0..<length).map { _ in
          alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
        })
      try withFile("id,creatinine,sex,died\na,1,w,0\n" + body) { path in
        if let table = try? SiteData.load(description(path), cohort: specification()) {
          loaded += 1
          #expect(table.rowCount >= 1, "seed 12")
        }
      }
    }
    #expect(loaded > 0 && loaded < 100)
  }
}
