import Study

/// The proven privacy of the study, or that there is none.
extension ReportWriter {
  /// One sentence for the limits, the record and the model card.
  var privacyStatement: (heading: String, text: String) {
    guard let privacy = result.privacy else {
      return (
        "No formal privacy guarantee.", "No noise was added, so there is no (ε, δ) to state."
      )
    }
    return (
      "Differential privacy: ε = \(NumberText.significant(privacy.provenEpsilon, 3)),"
        + " δ = \(NumberText.significant(privacy.delta)).",
      """
      Every number that left a hospital carries noise. This ε holds where every sum was opened once. A \
      round that broke off may have been opened all the same; each hospital's ledger allows \
      \(NumberText.count(privacy.reopenings)) of them in the study and refuses more, so that ε is at \
      most \(NumberText.significant(privacy.largestEpsilon, 3)) whatever the aggregator did. \
      The promise holds for each patient with all \
      rows at one hospital together, \
      \(privacy.linkedSites == 1 ? "for a person who is a patient at one hospital only" : "for a person who is a patient at up to \(privacy.linkedSites) hospitals"), \
      and for everything the study released.
      """
    )
  }

  /// What was released with how much noise; nothing without differential privacy.
  mutating func privacySection() -> Markup {
    guard let privacy = result.privacy else { return "" }
    let releases = table(
      "Every release and its noise",
      reading: """
        Noise: standard deviation of the noise in units of the most that one patient can change. \
        Training and holdout patients are different people, so a patient pays for one of the two and \
        for what is about everybody.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Release"), .words("About"), .words("Kind"), .numbers("Times"),
            .numbers("Noise"), .numbers("Sampling"),
          ],
          rows: privacy.releases.map { release in
            [
              .cell(release.purpose), .cell(Self.words(release.group)),
              .cell(release.isSum ? "secure sum" : "site answer"),
              .cell(NumberText.count(release.count)),
              .cell(NumberText.significant(release.noiseMultiplier, 3)),
              .cell(
                release.samplingRate < 1 ? NumberText.significant(release.samplingRate, 3) : "all"),
            ]
          })
      ])
    let colluders = table(
      "What remains when hospitals collude with the aggregator",
      reading: """
        A colluding hospital tells the aggregator its share of the noise. The noise was shared out for \
        a stated number of them; beyond it the promise weakens as shown.
        """, released: .nothing,
      [
        Table(
          columns: [.numbers("Colluding hospitals"), .numbers("ε at the same δ")],
          rows: privacy.byColluders.map {
            [.cell("\($0.colluders)"), .cell(NumberText.significant($0.epsilon, 3))]
          })
      ])
    let pooled = privacy.pooled.sorted { $0.key < $1.key }.map { model, performance in
      "\(model): AUROC over all hospitals' holdouts together "
        + NumberText.fixed(performance.discrimination?.value, 3) + " ("
        + NumberText.interval(performance.discrimination?.logitInterval, 3)
        + ", noise included)"
    }
    let audit = auditPart(audit)
    return section(
      "privacy", "Privacy",
      """
      <p><b>\(privacyStatement.heading)</b> \(privacyStatement.text) Asked for: ε = \
      \(NumberText.significant(privacy.epsilon, 3)).</p>
      \(Markup.list(pooled.map { "\($0)" as Markup }))
      \(releases)\(colluders)\(audit)
      """)
  }

  private static func words(_ group: PatientGroup) -> String {
    switch group {
    case .everybody: "all patients"
    case .training: "training patients"
    case .holdout: "holdout patients"
    }
  }
}
