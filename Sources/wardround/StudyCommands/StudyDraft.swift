import Cohort
import SiteData
import Study

/// A first study file over a table whose schema is known: every column that can be a feature, explained
/// where a person has to decide.
struct StudyDraft {
  var study: String
  var title: String
  var schema: TableSchema
  /// Column, and words or numbers that mean that it happened; nil lets the column's kind decide.
  var outcome: String
  var positive: [String]

  /// What is wrong with the choice, in words; nil when nothing is.
  var problem: String? {
    guard let column = schema.columns.first(where: { $0.name == outcome }) else {
      return "the table has no column `\(outcome)`"
    }
    if case .category = column.kind, positive.isEmpty {
      return "`\(outcome)` holds words; say with --positive which mean that it happened"
    }
    if column.kind == .text || column.kind == .date || column.kind == .empty, positive.isEmpty {
      return "`\(outcome)` is neither a number nor yes and no; choose another --outcome"
    }
    return nil
  }

  /// The text of the study file.
  var text: String {
    var lines = [
      "# Written by `wardround study new` from the columns of one hospital's table. Read every line: what is",
      "# written here is what the hospitals approve. Every hospital needs the same columns; each converts its",
      "# own units and words in its site.yaml.",
      "study: \(study)", "title: \(Self.quoted(title))", "",
      "# What the model is for: replace every answer. A study with one that is empty, or as",
      "# it stands here, is not proposed to hospitals.", "task:",
    ]
    for key in [
      "user", "decision", "action", "harm_of_false_positive", "harm_of_false_negative",
      "responsible_role",
    ] { lines.append("  \(key): \(TaskDescription.placeholder)") }
    lines += ["", "# Who is in the study; add `include:` with criteria.", "cohort:"]
    if let patient = schema.patientColumn, patient != outcome {
      lines.append("  patient: \(Self.quoted(patient))")
      lines.append("  # Of several rows the first; `order` names a date or number to sort them by.")
      lines.append("  rows_per_patient: first")
    } else {
      lines.append("  # No column names the patient: every row is one. Name it under `patient`.")
      lines.append("  rows_per_patient: all")
    }
    lines += ["", "# What is predicted.", "outcome:", "  column: \(Self.quoted(outcome))"]
    lines.append("  name: \(Self.quoted(outcome))  # in words, as the report should say it")
    lines.append("  \(rule)")
    lines += ["", "features:"]
    var skipped: [String] = []
    for column in schema.columns where column.name != outcome && column.name != schema.patientColumn
    {
      if let line = Self.feature(column) {
        lines.append(line)
      } else {
        skipped.append("  # \(column.name): \(Self.reason(column.kind))")
      }
    }
    if !skipped.isEmpty { lines += ["  # Not features:"] + skipped }
    return lines.joined(separator: "\n") + "\n\n" + StudyTemplate.tail
  }

  private var rule: String {
    if !positive.isEmpty {
      return "positive: [\(positive.map(Self.quoted).joined(separator: ", "))]"
    }
    switch schema.columns.first(where: { $0.name == outcome })?.kind {
    case .flag(let isNumeric):
      return isNumeric ? "positive: [\"1\"]" : "positive: [\"yes\", \"y\", \"true\"]"
    default: return "above: 0  # or `at_least`, or `positive: [words]`"
    }
  }

  private static func feature(_ column: TableSchema.Column) -> String? {
    let name = quoted(column.name)
    switch column.kind {
    case .number(let digits):
      var parts = ["name: \(name)", "type: number"]
      var remark = ""
      if let known = ClinicalVariable.named(column.name) {
        let unit = column.unit ?? known.unit
        parts.append("unit: \(quoted(unit))")
        if unit == known.unit, let range = known.hardRange {
          parts.append("range: [\(range.lowerBound), \(range.upperBound)]")
        }
        remark = "  # \(known.label)" + (column.unit == nil ? ": check the unit" : "")
      } else if let unit = column.unit {
        parts.append("unit: \(quoted(unit))")
      } else {
        remark = "  # give `unit` and `range`: values outside become missing"
      }
      let steps = ["1", "0.1", "0.01", "0.001", "0.0001"]
      parts.append("resolution: \(steps[min(max(digits, 0), 4)])")
      return "  - {\(parts.joined(separator: ", "))}\(remark)"
    case .flag: return "  - {name: \(name), type: flag}"
    case .category:
      return
        "  - {name: \(name), type: category}  # `levels` fixes the words; else the sites name theirs"
    case .date, .text, .empty: return nil
    }
  }

  private static func reason(_ kind: TableSchema.Column.Kind) -> String {
    switch kind {
    case .date: "a date; count days in a column of its own"
    case .text: "free text or an identifier"
    case .empty: "nothing stands in it"
    default: ""
    }
  }

  /// A YAML scalar that reads back as this text.
  static func quoted(_ text: String) -> String {
    let isPlain =
      text.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 32) || byte == UInt8(ascii: "_")
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      } && text.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 32) } == true
      && !["yes", "no", "true", "false", "null", "on", "off", "y", "n"].contains(text.lowercased())
    guard !isPlain else { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case _ where scalar.value < 32:
        quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
