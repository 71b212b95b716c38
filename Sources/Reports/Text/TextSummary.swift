import Study
import Validation

/// The comparison of the hospitals and the top findings as lines for a terminal.
public enum TextSummary {
  /// The lines, without a newline at their ends; at most about 100 characters wide. Names are
  /// printed without control characters, so that no hospital can steer the terminal.
  public static func lines(
    _ result: StudyResult, provenance: ReportProvenance, findingLimit: Int = 8
  ) -> [String] {
    let writer = ReportWriter(result, provenance)
    var lines = [plain(result.study.title), headline(writer), ""]
    lines += comparison(writer)
    lines += summaries(writer)
    lines += models(writer)
    lines += values(writer)
    lines += trees(writer)
    lines += privacy(writer)
    let findings = result.drift.findings
    lines.append("")
    if findings.isEmpty {
      lines.append("No difference between the hospitals stands out.")
    } else {
      lines.append("How the hospitals differ, the most telling first:")
      for (index, finding) in findings.prefix(findingLimit).enumerated() {
        lines.append("\(padded("\(index + 1).", 4, right: true)) \(plain(finding.sentence))")
      }
      if findings.count > findingLimit {
        lines.append("     and \(findings.count - findingLimit) more in the report")
      }
    }
    if !result.notes.isEmpty {
      lines += ["", "Notes:"] + result.notes.map { "  - \(plain($0))" }
    }
    return lines
  }

  /// The proven privacy in one line; nothing without noise.
  private static func privacy(_ writer: ReportWriter) -> [String] {
    guard let privacy = writer.result.privacy else { return [] }
    let pooled = writer.result.models.first.flatMap { privacy.pooled[$0.name]?.discrimination }
    return [
      "Differential privacy: ε = \(NumberText.significant(privacy.provenEpsilon, 3)), δ ="
        + " \(NumberText.significant(privacy.delta)) for each patient; intervals include the noise",
      "over all hospitals' holdouts together: AUROC \(auroc(pooled))",
    ]
  }

  private static func headline(_ writer: ReportWriter) -> String {
    let totals = writer.result.totals
    return """
      \(NumberText.quantity(writer.sites.count, "hospital")), \
      \(NumberText.quantity(totals.patientCount, "patient")), \
      \(NumberText.quantity(totals.eventCount, "event")); on each hospital's own held-out patients:
      """
  }

  private static func comparison(_ writer: ReportWriter) -> [String] {
    let heading = [
      "hospital", "n", "events", "AUROC (95 % interval)", "AUPRC", "Brier", "slope", "O:E", "acc.",
      "own model", "gain",
    ]
    let rows = writer.sites.map { site -> [String] in
      let part = writer.performance[site]
      let gain = writer.ownModelGains.first { $0.site == site }
      return [
        plain(Drawing.shortened(site, width: 130, size: 9)), NumberText.count(part?.patientCount),
        NumberText.count(part?.eventCount), auroc(part?.discrimination),
        NumberText.fixed(part?.averagePrecision?.value, 3),
        NumberText.fixed(part?.brier?.value, 3),
        NumberText.fixed(part?.recalibration?.slope?.value, 2),
        NumberText.fixed(
          part?.observedExpected?.ratio, part?.observedExpected?.observedCount == nil ? 1 : 2),
        NumberText.percent(part?.thresholdPerformance?.accuracy?.value, 0),
        NumberText.fixed(gain?.own?.value, 3), writer.signed(gain?.difference, 3),
      ]
    }
    return aligned([heading] + rows)
  }

  private static func auroc(_ auroc: AUROC?) -> String {
    guard let auroc else { return NumberText.absent }
    guard let interval = auroc.logitInterval else { return NumberText.fixed(auroc.value, 3) }
    return """
      \(NumberText.fixed(auroc.value, 3)) \
      (\(NumberText.fixed(interval.lower, 3))-\(NumberText.fixed(interval.upper, 3)))
      """
  }

  private static func summaries(_ writer: ReportWriter) -> [String] {
    PerformanceSummary.Measure.allCases.compactMap { measure in
      guard let summary = writer.summary(measure), measure != .calibrationInTheLarge else {
        return nil
      }
      let prediction =
        summary.predictionInterval.map {
          "; in a new hospital \(NumberText.interval($0, 2))"
        } ?? ""
      return "\(measure.inWords): mean \(NumberText.estimate(summary.mean, summary.interval, 3))"
        + prediction
    }
  }

  private static func models(_ writer: ReportWriter) -> [String] {
    guard writer.result.models.count > 1 else { return [] }
    let rows = writer.result.models.map { model -> [String] in
      let at = writer.result.performance.first { $0.model == model.name }?.sites ?? [:]
      let ordered = writer.sites.compactMap { site in
        at[site].map { (site: site, performance: $0) }
      }
      let auroc = PerformanceSummary(.auroc, sites: ordered)
      let parts = ordered.map(\.performance)
      return [
        plain(model.name), NumberText.estimate(auroc?.mean, auroc?.interval, 3),
        NumberText.fixed(writer.pooledBrier(parts), 4),
        NumberText.percent(writer.pooledAccuracy(parts)), "\(model.iterationCount)",
      ]
    }
    let table = [["model", "mean AUROC (95 % interval)", "Brier", "accuracy", "rounds"]] + rows
    return [""] + aligned(table)
  }

  /// How each model's predicted values compare with the recorded ones, where it predicts any.
  private static func values(_ writer: ReportWriter) -> [String] {
    writer.result.models.flatMap { model -> [String] in
      guard let values = writer.values(model.name) else { return [] }
      let rows = values.sites.map { site, part in
        [plain(Drawing.shortened(site, width: 130, size: 9))] + values.cells(part)
      }
      let total = ["all that released theirs"] + values.cells(values.pooled)
      let unit = values.unit.map { " (\(plain($0)))" } ?? ""
      return ["", "\(plain(model.name)): predicted values against recorded ones\(unit)"]
        + aligned([["hospital"] + values.headings] + rows + [total])
    }
  }

  /// What each model of trees cost.
  private static func trees(_ writer: ReportWriter) -> [String] {
    let lines = writer.result.models.compactMap { model in
      model.trees.map { "\(plain(model.name)): \($0.costInWords)" }
    }
    return lines.isEmpty ? [] : [""] + lines
  }

  /// Columns of equal width, the first set left.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.first?.indices ?? 0..<0
    let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { cells in
      columns.map { padded(cells[$0], widths[$0], right: $0 > 0) }.joined(separator: "  ")
    }
  }

  private static func padded(_ text: String, _ width: Int, right: Bool) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return right ? space + text : text + space
  }

  /// Text on one line without control characters.
  static func plain(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      let isSpace = scalar == "\n" || scalar == "\r" || scalar == "\t"
      result.unicodeScalars.append(
        isSpace ? " " : (Markup.isHarmless(scalar) ? scalar : "\u{FFFD}"))
    }
    return result
  }
}
