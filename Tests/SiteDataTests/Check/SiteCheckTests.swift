import Foundation
import Testing

@testable import SiteData

private func check(
  _ text: String, _ columns: [DataDescription.Column], patient: String? = nil, cell: Int = 5
) throws -> CheckReport {
  try withFile(text) { path in
    SiteCheck.run(
      DataDescription(file: path, columns: columns, patientColumn: patient), site: "here",
      minimumCell: cell)
  }
}

@Suite struct SiteCheckTests {
  @Test func soundDataHaveNoProblem() throws {
    let rows = (0..<30).map { "p\($0),\(60 + $0),0" }.joined(separator: "\n")
    let report = try check(
      "id,age,died\n" + rows,
      [
        .init("id", type: .text), .init("age", type: .number, unit: "a"),
        .init("died", type: .flag),
      ],
      patient: "id")
    #expect(report.problems.isEmpty && report.isUsable)
    #expect(report.patients == "30" && report.rowCount == 30)
    #expect(report.text().contains("No problem found.") && report.text().hasSuffix("Usable.\n"))
  }

  @Test func namesEveryProblemWithItsPlaceAndNoValue() throws {
    let text = """
      id,age,sex,admitted,diabetes,extra
      p1,SENTINEL1,f,2024-01-01,1,x
      p2,4711,SENTINEL2,2024-01-02,0,x
      p2,40,m,SENTINEL3,SENTINEL4,x
      p3,50,m
      ,60,m,2024-01-03,0,x
      """
    let report = try check(
      text,
      [
        .init("id", type: .text), .init("age", type: .number, unit: "a", range: 0...130),
        .init("sex", type: .category, levels: ["f", "m"]), .init("admitted", type: .date),
        .init("diabetes", type: .flag), .init("absent", type: .number),
      ], patient: "id")
    func rows(_ kind: String) -> [Int]? { report.problems.first { $0.kind == kind }?.rows }
    #expect(rows("unreadable-number") == [1])
    #expect(rows("out-of-range") == [2])
    #expect(rows("unknown-level") == [2])
    #expect(rows("unreadable-date") == [3] && rows("unreadable-flag") == [3])
    #expect(rows("ragged-row") == [4])
    #expect(rows("missing-patient") == [5] && rows("repeated-patient") == [3])
    #expect(rows("undeclared-column") == [] && rows("missing-column-absent") == [])
    #expect(report.problems.first { $0.kind == "ragged-row" }?.lines == [5])
    #expect(!report.isUsable && report.count(.error) == 2)
    let all = try report.text() + report.json()
    for value in ["SENTINEL", "4711", "p1", "p2"] { #expect(!all.contains(value)) }
    #expect(all.contains("column 2 `age`") && all.contains("row 1 (line 2)"))
  }

  @Test func smallCountsAreHidden() throws {
    let report = try check(
      "a,b\n" + (0..<40).map { $0 < 3 ? ",x" : "\($0),x" }.joined(separator: "\n"),
      [.init("a", type: .number), .init("b", type: .category)])
    #expect(report.columns[0].missing == "<12.5%" && report.columns[0].present == ">35")
    #expect(report.columns[1].missing == "0.0%" && report.columns[1].levelCount == 1)
    let few = try check("a\n1\n2\n", [.init("a", type: .number)])
    #expect(few.columns[0].present == "<5")
  }

  /// The text names the first rows unless all are asked for; the JSON object has them all.
  @Test func everyRowOfAProblemCanBeHad() throws {
    let report = try check(
      "a\n" + (0..<50).map { "x\($0)" }.joined(separator: "\n"), [.init("a", type: .number)])
    let problem = try #require(report.problems.first { $0.kind == "unreadable-number" })
    #expect(problem.count == 50 && problem.rows == Array(1...50))
    #expect(problem.lines == Array(2...51))
    #expect(report.text().contains("20 (line 21) and 30 more"))
    #expect(report.text(namesAll: true).contains("50 (line 51)\n"))
    let decoded = try JSONDecoder().decode(CheckReport.self, from: Data(report.json().utf8))
    #expect(decoded == report)
  }

  @Test(arguments: [
    ("creatinine", "mg/dL", 80.0, "umol/L"), ("glucose", "mg/dL", 6.1, "mmol/L"),
    ("temperature", "Cel", 98.2, "[degF]"), ("haemoglobin", "g/dL", 128, "g/L"),
    ("pco2", "mm[Hg]", 5.3, "kPa"), ("chol", "mg/dL", 5.2, "mmol/L"),
    ("creatinine", "umol/L", 1.0, "mg/dL"), ("spo2", "%", 0.97, "1"),
  ])
  func suspiciousUnitsAreProposedNotChanged(
    name: String, unit: String, median: Double, proposed: String
  ) throws {
    let text =
      "\(name)\n"
      + (0..<40).map { "\(median * (1 + Double($0 - 20) / 500))" }.joined(separator: "\n")
    let report = try check(text, [.init(name, type: .number, unit: unit)])
    let problem = try #require(report.problems.first { $0.kind == "suspicious-unit" })
    #expect(problem.severity == .warning && problem.advice.contains("\"\(proposed)\""))
    #expect(!problem.message.contains("\(median)"))
  }

  @Test(arguments: [
    ("creatinine", "mg/dL", 1.1), ("creatinine", "umol/L", 95), ("temperature", "Cel", 37.1),
    ("lactate", "mmol/L", 2.4), ("wbc", "10*9/L", 11), ("sodium", "mmol/L", 138),
    ("age", "a", 79), ("systolic_bp", "mm[Hg]", 128), ("gcs", "{score}", 15),
  ])
  func usualValuesAreNotSuspicious(name: String, unit: String, median: Double) throws {
    let text =
      "\(name)\n"
      + (0..<40).map { "\(median * (1 + Double($0 - 20) / 500))" }.joined(separator: "\n")
    let report = try check(text, [.init(name, type: .number, unit: unit)])
    #expect(report.problems.isEmpty)
  }

  @Test func unitsAreAskedFor() throws {
    let report = try check(
      "creatinine,lactate\n1,2\n",
      [.init("creatinine", type: .number), .init("lactate", type: .number, unit: "furlong")])
    #expect(Set(report.problems.map(\.kind)) == ["no-unit", "unknown-unit"])
  }

  @Test func unreadableFilesEndInAReport() throws {
    let report = SiteCheck.run(
      DataDescription(file: "/nowhere/data.csv"), site: "s", minimumCell: 5)
    #expect(!report.isUsable && report.problems.first?.kind == "unreadable-file")
    let open = try check("a\n1\n\"2\n3\n", [.init("a", type: .number)])
    #expect(open.problems.contains { $0.kind == "unclosed-quote" && $0.lines == [3] })
    let empty = try check("a\n", [.init("a", type: .number)])
    #expect(empty.problems.contains { $0.kind == "empty-file" })
  }

  @Test func randomFilesNeverTrap() throws {
    var generator = TestGenerator(state: 3)
    let alphabet = Array("a,1.\n\"-é")
    for _ in 0..<60 {
      let body = String((0..<200).map { _ in alphabet[Int.random(in: 0..<8, using: &generator)] })
      let report = try check(
        "a,b\n" + body, [.init("a", type: .number, unit: "kg"), .init("b", type: .category)],
        patient: "a")
      #expect(try !report.json().isEmpty)
    }
  }
}
