import Foundation
import Testing

@testable import Cohort

@Suite struct ClinicalVariableTests {
  /// The reference table, where the checkout stands beside it.
  private static let table: String? = {
    let beside = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../../shared/reference/vitals-labs.csv").standardizedFileURL
    return try? String(contentsOf: beside, encoding: .utf8)
  }()

  @Test(.enabled(if: table != nil, "the reference table is not beside this checkout"))
  func everyEntryIsTheReferenceTables() throws {
    let lines = try #require(Self.table).split(separator: "\n").dropFirst()
    #expect(lines.count == ClinicalVariable.all.count)
    for (line, variable) in zip(lines, ClinicalVariable.all.sorted(by: tableOrder(lines))) {
      let fields = split(String(line))
      #expect(fields[0] == variable.key && fields[1] == variable.label)
      #expect(fields[3] == variable.unit)
      #expect(range(fields[4], fields[5]) == variable.hardRange, "\(variable.key)")
      #expect(range(fields[6], fields[7]) == variable.warnRange, "\(variable.key)")
      #expect(range(fields[8], fields[9]) == variable.referenceRange, "\(variable.key)")
      let rules = fields[10].split(separator: ";").filter { !$0.contains("log10") }
      #expect(rules.count == variable.rules.count, "\(variable.key)")
      for (text, rule) in zip(rules, variable.rules) {
        #expect(text.hasPrefix(rule.unit + ":"))
        if let star = text.lastIndex(of: "*"), text[text.index(before: star)] == ":" {
          #expect(Double(text[text.index(after: star)...]) == rule.factor, "\(variable.key)")
        }
      }
    }
  }

  @Test func hospitalsNamesAreFound() {
    for (name, key) in [
      ("creatinine", "crea"), ("Creatinine_mg_dL", "crea"), ("HEART RATE", "hr"), ("chol", "chol"),
      ("systolic_bp", "sbp"), ("Hb", "hgb"), ("haemoglobin", "hgb"), ("age", "age"),
      ("respiratory_rate", "resp"), ("lactate_first", "lact"), ("sodium", "na"), ("wbc", "wbc"),
    ] {
      #expect(ClinicalVariable.named(name)?.key == key, "\(name)")
    }
    for name in ["", "ward", "oldpeak", "sex", "_"] {
      #expect(ClinicalVariable.named(name) == nil, "\(name)")
    }
  }

  private func tableOrder(
    _ lines: ArraySlice<Substring>
  ) -> (ClinicalVariable, ClinicalVariable) -> Bool {
    let keys = lines.map { split(String($0))[0] }
    return { left, right in
      (keys.firstIndex(of: left.key) ?? 0) < (keys.firstIndex(of: right.key) ?? 0)
    }
  }

  private func range(_ low: String, _ high: String) -> ClosedRange<Double>? {
    guard let low = Double(low), let high = Double(high) else { return nil }
    return low...high
  }

  private func split(_ line: String) -> [String] {
    var fields = [""]
    var quoted = false
    for character in line {
      switch character {
      case "\"": quoted.toggle()
      case "," where !quoted: fields.append("")
      default: fields[fields.count - 1].append(character)
      }
    }
    return fields
  }
}
