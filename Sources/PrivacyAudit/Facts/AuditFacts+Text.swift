extension AuditFacts {
  /// The audit as aligned text for a terminal.
  public var textLines: [String] {
    var lines = [
      "Privacy audit of `\(study)` on a replica (seed \(seed))",
      "",
      "proven           epsilon \(number(provenEpsilon)) at delta \(delta)"
        + (provenMu.map { ", mu \(number($0))" } ?? ", with sampled steps"),
    ]
    if !hasNoise { lines.append("WARNING          the replica ran WITHOUT noise (test fault)") }
    lines += [""] + canaryLines + releaseLines + membershipLines + inversionLines
    lines.append(
      isPassed
        ? "passed: no lower bound is above what is proven (which by itself proves nothing)"
        : "FAILED: " + violations.joined(separator: "; "))
    return lines
  }

  private var canaryLines: [String] {
    var rows = [
      ["Who was in?", "canaries", "runs", "right", "eps >=", "proven", "AUC", "ceiling"]
    ]
    for fact in canaries {
      rows.append([
        fact.attack, "\(fact.canaryCount)", "\(fact.runCount)",
        "\(fact.correctCount)/\(fact.guessCount)", number(fact.epsilonLowerBound),
        number(fact.provenEpsilon), number(fact.area), number(fact.areaCeiling),
      ])
    }
    return Self.aligned(rows) + canaries.map { "  \($0.attack): \($0.attacked)" } + [""]
  }

  private var releaseLines: [String] {
    guard !releases.isEmpty else { return [] }
    var rows = [
      ["One release, with and without a patient", "runs", "eps >=", "proven", "mu >=", "proven"]
    ]
    for fact in releases {
      rows.append([
        fact.release, "2 x \(fact.runCount)", number(fact.epsilonLowerBound),
        number(fact.provenEpsilon), fact.muLowerBound.map(number) ?? "-",
        fact.provenMu.map(number) ?? "-",
      ])
    }
    return Self.aligned(rows) + [""]
  }

  private var membershipLines: [String] {
    guard !membership.isEmpty else { return [] }
    var rows = [
      [
        "Membership from the model (LiRA)", "shadows", "AUC", "TPR at 0.1 %", "TPR at 1 %",
        "ceilings",
      ]
    ]
    for fact in membership {
      rows.append([
        fact.model, "\(fact.shadowCount)", number(fact.area),
        Decimals.percent(fact.truePositiveRateAtThousandth),
        Decimals.percent(fact.truePositiveRateAtHundredth),
        fact.hasNoise
          ? "\(number(fact.areaCeiling)) | \(Decimals.percent(fact.ceilingAtThousandth)) | "
            + Decimals.percent(fact.ceilingAtHundredth) : "none",
      ])
    }
    return Self.aligned(rows) + [""]
  }

  private var inversionLines: [String] {
    guard !inversions.isEmpty else {
      return inversionOmission.map { ["Patients rebuilt from what leaves a site: \($0)", ""] } ?? []
    }
    var rows = [["Patients rebuilt from", "targets", "exact", "features right"]]
    for fact in inversions {
      rows.append([
        fact.view, "\(fact.targetCount)", Decimals.percent(fact.exactMatchRate),
        Decimals.percent(fact.featureAccuracy),
      ])
    }
    return Self.aligned(rows) + [""]
  }

  private func number(_ value: Double) -> String { Decimals.text(value, 3) }

  /// Columns of equal width, the first to the left and the rest to the right, a rule under the first
  /// row.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    var lines = rows.map { row in
      row.indices.map { column in
        let pad = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + pad : pad + row[column]
      }.joined(separator: "  ")
    }
    let rule = String(repeating: "-", count: widths.reduce(0, +) + 2 * (widths.count - 1))
    lines.insert(rule, at: min(1, lines.count))
    return lines
  }
}
