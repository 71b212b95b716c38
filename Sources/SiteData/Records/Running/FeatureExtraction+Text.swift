import Records

extension FeatureExtraction {
  /// What a person wants to know about the table, for the terminal: flow, cleaning, what was left
  /// out. Counts of this hospital only; the text stays in it.
  public func summary() -> String {
    var lines = ["Flow"]
    lines += Self.aligned(
      table.flow.map { [$0.name, "\($0.rowCount) rows", "\($0.subjectCount) patients"] })
    if let name = table.outcomeName {
      let events = table.outcomes.count { outcome in
        if case .event = outcome { return true }
        return false
      }
      lines.append("  \(name): \(events) of \(table.rowCount)")
    }
    lines += ["", "Variables"]
    lines += Self.aligned(
      [
        [
          "", "records", "missing", "words", "unit?", "converted", "hard", "warn", "impossible",
          "double",
        ]
      ]
        + table.tallies.map { variable, tally in
          [variable]
            + [
              tally.eventCount, tally.missingCount, tally.wordCount, tally.unknownUnitCount,
              tally.convertedCount,
              tally.hardRangeCount, tally.warnRangeCount, tally.impossibleTimeCount,
              tally.duplicateCount,
            ].map(String.init)
        })
    lines += table.tallies.compactMap { $0.tally.words(of: $0.variable) }.map { "  \($0)" }
    for (variable, tally) in table.tallies where tally.neverKnownCount > 0 {
      lines.append(
        "  \(variable): \(tally.neverKnownCount) records known at no stated time: in no feature")
    }
    for (variable, tally) in table.tallies where tally.undatedCount > 0 {
      lines.append(
        "  \(variable): \(tally.undatedCount) records without any time: in no feature, and as an"
          + " outcome unknown")
    }
    if lateIndexCount > 0 {
      lines.append(
        "  \(lateIndexCount) index events became known only after their prediction: they make no row"
      )
    }
    lines += ["", "Records"]
    lines += Self.aligned(report.rows.sorted { $0.key < $1.key }.map { [$0.key, "\($0.value)"] })
    lines.append(
      "  \(eventCount) events, of which \(unmappedCount) belong to no variable of the recipe")
    let passedOver = report.passedOver.values.reduce(0, +)
    if passedOver > 0 {
      lines.append("  \(passedOver) records stayed in the database: no variable gathers them")
    }
    for (reason, count) in report.skipped.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      lines.append("  left out: \(count) records, \(reason.words)")
    }
    for (type, count) in report.withdrawn.sorted(by: { $0.key < $1.key }) {
      lines.append(
        "  no facts: \(count) \(type) (entered in error, refuted, cancelled or not done)")
    }
    for place in report.places.prefix(5) {
      let column = place.column > 0 ? ", column \(place.column)" : ""
      lines.append("    \(place.file), line \(place.line)\(column): \(place.reason.words)")
    }
    if report.zonedTimeCount > 0, report.localTimeCount > 0 {
      lines.append(
        "  times with and without a zone are mixed: \(report.zonedTimeCount) with,"
          + " \(report.localTimeCount) without; check `zone`")
    }
    if report.midnightCount > 0 {
      lines.append(
        "  \(report.midnightCount) times are exactly midnight and count as dates without a time of"
          + " day; `midnight: exact` takes them as written")
    }
    if let diagnosisVote {
      let decided = undeclaredDiagnoses.map { "read as \($0.rawValue)" } ?? "left ungrouped"
      let votes = diagnosisVote.icd9Count + diagnosisVote.icd10Count
      if votes + diagnosisVote.ambiguousCount > 0 {
        lines.append(
          "  diagnoses without a system: \(diagnosisVote.icd9Count) codes look like ICD-9-CM,"
            + " \(diagnosisVote.icd10Count) like ICD-10; \(decided)")
        if undeclaredDiagnoses == nil {
          lines.append("    name the system with `diagnoses: icd9cm` or `diagnoses: icd10`")
        }
      }
    }
    let unheard = table.tallies.filter { $0.tally.eventCount == 0 }.map(\.variable)
    if !unheard.isEmpty {
      lines.append("  no record of: \(unheard.joined(separator: ", ")); check the mapping's codes")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      "  "
        + zip(row, widths).enumerated().map { position, pair in
          let pad = String(repeating: " ", count: max(0, pair.1 - pair.0.count))
          return position == 0 ? pair.0 + pad : pad + pair.0
        }.joined(separator: "  ")
    }
  }
}
