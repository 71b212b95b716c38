import Cohort
import Foundation
import Testing

@testable import SiteData

/// The units of OMOP's concepts against the vocabulary itself.
@Suite struct OMOPUnitsTests {
  private static let archive: String? = {
    let path = RecordsFixture.data("synthea27nj_omop").map { $0 + "/Synthea27Nj_5.4.zip" }
    let unzip = FileManager.default.isExecutableFile(atPath: "/usr/bin/unzip")
    return path.flatMap { unzip && FileManager.default.fileExists(atPath: $0) ? $0 : nil }
  }()

  /// Taken from the vocabulary by hand: the ones that were wrong.
  @Test func knownAnswers() {
    #expect(OMOPTable.units["8550"] == "min")
    #expect(OMOPTable.units["8505"] == "h")
    #expect(OMOPTable.units["8985"] == "[IU]/mL")
    #expect(OMOPTable.units["9040"] == "m[IU]/L")
    #expect(OMOPTable.units["9440"] == nil, "megaequivalent per millilitre")
    #expect(OMOPTable.units["8531"] == nil, "DNRTNP")
  }

  /// Our spelling of what the vocabulary spells otherwise.
  private static let spellings = [
    "[degC]": "Cel", "[U]/L": "U/L", "10*-3.eq/L": "meq/L", "10*3/mm3": "10*3/uL",
    "{ratio}": "1", "mL/min/(173.10*-2.m2)": "mL/min/{1.73_m2}",
    "mL/min/1.73.m2": "mL/min/{1.73_m2}", "10*-3.[iU]/L": "m[IU]/L",
    "10*-6.[iU]/mL": "u[IU]/mL", "[lb_us]": "[lb_av]", "[in_us]": "[in_i]",
    "ng{FEU}/mL": "ng/mL{FEU}", "ug{FEU}/mL": "ug/mL{FEU}", "mg{FEU}/L": "mg/L{FEU}",
  ]

  /// Every entry has the concept's own code.
  @Test(.enabled(if: archive != nil, "the concept table or `unzip` is not here"))
  func agreesWithTheVocabulary() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unzip")
    process.arguments = ["-p", try #require(Self.archive), "CONCEPT.csv"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = String(
      decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    var lines = text.split(whereSeparator: \.isNewline)
    let delimiter: Character = lines.first?.contains("\t") == true ? "\t" : ","
    func cells(_ line: Substring) -> [String] {
      line.split(separator: delimiter, omittingEmptySubsequences: false).map {
        $0.replacingOccurrences(of: "\"", with: "")
      }
    }
    let header = cells(lines.removeFirst())
    let id = try #require(header.firstIndex(of: "concept_id"))
    let vocabulary = try #require(header.firstIndex(of: "vocabulary_id"))
    let code = try #require(header.firstIndex(of: "concept_code"))
    var found = 0
    for row in lines.map(cells) where row.count == header.count && row[vocabulary] == "UCUM" {
      guard let own = OMOPTable.units[row[id]] else { continue }
      found += 1
      let theirs = Self.spellings[row[code]] ?? row[code]
      #expect(UnitName.areEqual(own, theirs), "\(row[id]): \(own), in the vocabulary \(row[code])")
    }
    #expect(found == OMOPTable.units.count)
  }
}
