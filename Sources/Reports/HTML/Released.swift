import Study

/// What left the hospitals for a table or figure (the seven message kinds of the clinical notes).
enum Released {
  /// Totals over hospitals only, of one stage of the study.
  case secureSum(Stage)
  /// Numbers about a hospital by name.
  case siteMetrics
  /// Counts per bin of a hospital by name, of one stage of the study.
  case siteCounts(Stage)
  /// Both kinds.
  case sumsAndSiteCounts
  /// How many were left after each step from records to cohort, over all and by name.
  case flow
  /// Coefficients of a hospital's own model, allowed by name.
  case ownModels
  /// Models without one hospital, allowed by name.
  case leaveOneOut
  /// Nothing beyond what other tables state.
  case nothing

  /// Where in the study it left (`StudyResult.DisclosureRecord.stage`).
  enum Stage: String {
    case profile, prepare, fit, validate, explain, drift
  }

  /// The kind, in words.
  fileprivate var words: String {
    switch self {
    case .secureSum:
      "totals over the hospitals, opened only as a secure sum (kind P1); no hospital’s own part."
    case .siteMetrics:
      """
      each hospital’s own result by name, a metric with its standard error or counts behind it \
      (site answer, kind P6).
      """
    case .siteCounts:
      """
      counts per bin of each hospital by name, no bin below the minimum cell (site answer, kind P2).
      """
    case .sumsAndSiteCounts:
      """
      each hospital’s counts per bin and rounded quartiles by name (site answer, kind P2); for the \
      column of all hospitals, totals from secure sums (kind P1).
      """
    case .flow:
      """
      how many each hospital has left after each step, by name where a step may be shown, and a \
      fingerprint of its data (site answer, kind P2); for all hospitals, totals from a secure sum (kind \
      P1).
      """
    case .ownModels:
      """
      each hospital’s metrics (site answer, kind P6) and, as every hospital’s policy allowed by \
      name, the coefficients of the model it trained alone.
      """
    case .leaveOneOut:
      """
      each hospital’s metrics (site answer, kind P6) and, as every hospital’s policy allowed by \
      name, secure sums without one hospital, which together with the full sums open that \
      hospital’s own sums.
      """
    case .nothing: "nothing more than the numbers stated elsewhere in this report."
    }
  }

  /// The stages whose sums, and whose site answers, the numbers come from.
  fileprivate var stages: (sums: [Stage], answers: [Stage]) {
    switch self {
    case .secureSum(let stage): ([stage], [])
    case .siteCounts(let stage): ([], [stage])
    case .siteMetrics, .ownModels: ([], [.validate])
    case .leaveOneOut: ([.fit], [.validate])
    case .sumsAndSiteCounts: ([.profile, .prepare], [.drift])
    case .flow: ([.profile], [.profile])
    case .nothing: ([], [])
    }
  }
}

extension ReportWriter {
  /// What left the hospitals for a table or figure: the kind, how many values, and the smallest cell.
  func markup(_ released: Released) -> Markup {
    "<span class=\"released\"><b>What left the hospitals:</b> \(released.words)\(numbers(released))</span>"
  }

  private func numbers(_ released: Released) -> String {
    let stages = released.stages
    func records(_ kind: String, _ stages: [Released.Stage]) -> [StudyResult.DisclosureRecord] {
      result.disclosures.filter { record in
        record.kind == kind && stages.contains { $0.rawValue == record.stage }
      }
    }
    let sums = records("secure sum", stages.sums)
    let answers = records("site answer", stages.answers)
    var parts: [String] = []
    if let fewest = sums.map(\.fewestSites).min() {
      let count = sums.reduce(0) { $0 + $1.queryCount }
      parts.append(
        "\(NumberText.quantity(count, "sum")) of at most"
          + " \(NumberText.quantity(sums.map(\.valueCount).max() ?? 0, "integer")), each over at least"
          + " \(NumberText.quantity(fewest, "hospital"))")
    }
    if !answers.isEmpty {
      let count = answers.reduce(0) { $0 + $1.queryCount }
      let cell =
        result.privacy == nil ? "no cell below \(minimumCell) patients" : "every count with noise"
      parts.append(
        "\(NumberText.quantity(count, "answer")) of each hospital of at most"
          + " \(NumberText.quantity(answers.map(\.valueCount).max() ?? 0, "byte")), \(cell)")
    }
    return parts.isEmpty ? "" : " In numbers: \(parts.joined(separator: "; "))."
  }
}
