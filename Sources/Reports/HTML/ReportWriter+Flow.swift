import Study

/// How records became the patients of the study.
extension ReportWriter {
  private static let sitesPerTable = 6

  /// The steps from records to cohort; nothing for a study over tables.
  mutating func flowTable() -> Markup {
    guard let flow = result.flow else { return "" }
    let perTable = Self.sitesPerTable
    let named = sites.filter { site in flow.steps.contains { $0.sites[site] != nil } }
    let groups =
      named.isEmpty
      ? [[]]
      : stride(from: 0, to: named.count, by: perTable).map {
        Array(named[$0..<min($0 + perTable, named.count)])
      }
    let tables = groups.map { group in
      Table(
        columns: [.words("Step"), .numbers("All hospitals"), .numbers("Left out")]
          + group.map { .numbers($0) },
        rows: flow.steps.enumerated().map { position, step in
          // The first step counts patients, the second index events: nobody is left out between them.
          let before = position < 2 ? nil : flow.steps[position - 1].total
          let leftOut = before.flatMap { before in step.total.map { before - $0 } }
          return [
            .cell(step.name), .cell(step.total.map { NumberText.count($0) } ?? "held back"),
            .cell(leftOut.map { NumberText.count($0) } ?? NumberText.absent),
          ]
            + group.map { site in
              .cell(step.sites[site].map { NumberText.count($0) } ?? "held back")
            }
        }, isDense: true)
    }
    return table(
      "From the hospitals’ records to the rows of the study",
      reading: """
        Each row is a step and says how many rows are left after it; the first counts patients in the \
        records, the others index events. A hospital’s number is held back where it differs from its \
        next shown one by fewer than \(minimumCell) patients, and the number of all hospitals where it would tell \
        what one or two of them hold back. \(fingerprints(flow))
        """, released: .flow, tables)
  }

  private func fingerprints(_ flow: StudyResult.CohortFlow) -> Markup {
    let words = sites.compactMap { site in
      flow.fingerprints[site].map { "\(site) \($0.prefix(16))…" }
    }
    guard !words.isEmpty else { return "" }
    return """
      Fingerprints of the data, under a secret of each hospital: \(words.joined(separator: ", ")).
      """
  }
}
