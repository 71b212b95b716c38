import PrivacyAudit

/// What attacks on a replica reached, beside what is proven and what any attack could reach.
extension ReportWriter {
  /// Nothing without an audit.
  mutating func auditPart(_ audit: AuditFacts?) -> Markup {
    guard let audit else { return "" }
    let canaries = canaryTable(audit)
    let releases = releaseTable(audit)
    let membership = membershipTable(audit)
    let inversions = inversionTable(audit)
    let violations = audit.violations
    let verdict: Markup =
      violations.isEmpty
      ? """
      <p>No lower bound is above what is proven. A low bound proves nothing by itself; the ceilings say \
      what the best possible attack could reach.</p>
      """
      : """
      <p><b>FAILED: a lower bound is above what is proven. Do not rely on the privacy stated above.</b></p>
      \(Markup.list(violations.map { "\($0)" as Markup }))
      """
    let noise: Markup =
      audit.hasNoise
      ? "" : "<p><b>The replica ran without noise: this tests the audit itself.</b></p>"
    return """
      <h3>Attacked by ourselves</h3>
      <p><b>Empirical ε ≥ \(Self.bound(audit.empiricalEpsilon)), proven ε ≤ \
      \(Self.bound(audit.provenEpsilon))</b> at δ = \(NumberText.significant(audit.delta, 3)). The attacks \
      ran on a replica of this study, the same program over copies of the data in one process (seed \
      \(String(audit.seed))); nothing of the study itself was touched.</p>
      \(verdict)\(noise)\(canaries)\(releases)\(membership)\(inversions)
      """
  }

  /// An ε or μ with three digits; a bound is never rounded to look better than by the last of them.
  private static func bound(_ value: Double) -> String {
    value == 0 ? "0" : NumberText.significant(value, 3)
  }

  private mutating func canaryTable(_ audit: AuditFacts) -> Markup {
    guard !audit.canaries.isEmpty else { return "" }
    return table(
      "Who was in? Lower bounds on ε beside the proof",
      reading: """
        Canaries were put in or left out by a coin; an attacker guesses (one-run audit). The area under \
        the curve of the guesses stands beside the largest that the proof allows.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Attack"), .words("What was attacked"), .numbers("Canaries"),
            .numbers("Right of guessed"), .numbers("ε at least"), .numbers("Confidence"),
            .numbers("Proven ε"), .numbers("AUC"), .numbers("Ceiling"),
          ],
          rows: audit.canaries.map { fact in
            [
              .cell(fact.attack), .cell(fact.attacked),
              .cell(NumberText.count(fact.canaryCount * fact.runCount)),
              .cell("\(fact.correctCount) of \(fact.guessCount)"),
              .cell(Self.bound(fact.epsilonLowerBound)),
              .cell(NumberText.percent(fact.confidence, 0)), .cell(Self.bound(fact.provenEpsilon)),
              .cell(NumberText.fixed(fact.area, 3)), .cell(NumberText.fixed(fact.areaCeiling, 3)),
            ]
          })
      ])
  }

  private mutating func releaseTable(_ audit: AuditFacts) -> Markup {
    guard !audit.releases.isEmpty else { return "" }
    return table(
      "Single releases, with and without one patient",
      reading: """
        Each release was drawn many times from two inputs that differ in the patient who changes it \
        most. Proven is what this release costs alone.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Release"), .numbers("Runs"), .numbers("ε at least"), .numbers("Confidence"),
            .numbers("Proven ε"), .numbers("μ at least"), .numbers("Proven μ"),
          ],
          rows: audit.releases.map { fact in
            [
              .cell(fact.release), .cell("2 × \(NumberText.count(fact.runCount))"),
              .cell(Self.bound(fact.epsilonLowerBound)),
              .cell(NumberText.percent(fact.confidence, 0)), .cell(Self.bound(fact.provenEpsilon)),
              .cell(fact.muLowerBound.map(Self.bound) ?? "–"),
              .cell(fact.provenMu.map(Self.bound) ?? "–"),
            ]
          })
      ])
  }

  private mutating func membershipTable(_ audit: AuditFacts) -> Markup {
    guard !audit.membership.isEmpty else { return "" }
    return table(
      "Membership guessed from the published model (LiRA)",
      reading: """
        Share of members found at a false-positive rate of 0.1 % and 1 %; in brackets the largest that \
        the proof allows any attack. A model without noise has no ceiling.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Model"), .numbers("Shadow models"), .numbers("Patients"), .numbers("AUC"),
            .numbers("Found at 0.1 %"), .numbers("Found at 1 %"),
          ],
          rows: audit.membership.map { fact in
            func beside(_ value: String, _ ceiling: String) -> String {
              fact.hasNoise ? "\(value) (≤ \(ceiling))" : value
            }
            return [
              .cell(fact.model), .cell(NumberText.count(fact.shadowCount)),
              .cell(NumberText.count(fact.patientCount)),
              .cell(
                beside(NumberText.fixed(fact.area, 3), NumberText.fixed(fact.areaCeiling, 3))),
              .cell(
                beside(
                  NumberText.percent(fact.truePositiveRateAtThousandth, 2),
                  NumberText.percent(fact.ceilingAtThousandth, 2))),
              .cell(
                beside(
                  NumberText.percent(fact.truePositiveRateAtHundredth, 2),
                  NumberText.percent(fact.ceilingAtHundredth, 2))),
            ]
          })
      ])
  }

  private mutating func inversionTable(_ audit: AuditFacts) -> Markup {
    guard !audit.inversions.isEmpty else {
      return audit.inversionOmission.map {
        "<p><b>Patients rebuilt from what leaves a site.</b> \($0)</p>\n"
      } ?? ""
    }
    return table(
      "Patients rebuilt from what leaves a site",
      reading: """
        An attacker who knows everybody else tries to write down the rows of the patients that are left.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("The attacker sees"), .numbers("Patients"), .numbers("Rebuilt exactly"),
            .numbers("Features right"),
          ],
          rows: audit.inversions.map { fact in
            [
              .cell(fact.view), .cell(NumberText.count(fact.targetCount)),
              .cell(NumberText.percent(fact.exactMatchRate)),
              .cell(NumberText.percent(fact.featureAccuracy)),
            ]
          })
      ])
  }
}
