import LinearModels
import Study

/// What a study would take out of this hospital, in words and numbers, before anybody approves it.
public struct ReviewSheet: Sendable {
  public var plan: StudyPlan
  public var policy: SitePolicy
  public var site: String
  /// Patients of the study's cohort at this site; nil when the data cannot be read yet.
  public var rowCount: Int?
  public var minimumCell: Int
  /// What this site's privacy ledger says about the study.
  public var ledgerLines: [String]
  /// Why the data cannot be read, for the data steward's eyes only.
  public var dataProblem: String?

  public init(
    plan: StudyPlan, policy: SitePolicy, site: String, rowCount: Int?, minimumCell: Int,
    ledgerLines: [String] = [], dataProblem: String? = nil
  ) {
    self.plan = plan
    self.policy = policy
    self.site = site
    self.rowCount = rowCount
    self.minimumCell = minimumCell
    self.ledgerLines = ledgerLines
    self.dataProblem = dataProblem
  }

  /// The sheet as the data steward reads it.
  public var text: String {
    let sections: [(String, [String])] = [
      ("What it is for", purpose), ("What is read of your records", records),
      ("Your patients in it", cohort),
      ("What would leave this hospital", leaving), ("What would not leave", staying),
      ("Disclosures the study asks for", disclosures), ("Your policy", verdict),
      ("To decide", decision),
    ]
    let head = "\(plan.title)\nstudy \(plan.id), plan \(plan.digest.hex.prefix(16))…"
    return head + "\n"
      + sections.filter { !$0.1.isEmpty }.map { title, lines in
        "\n\(title)\n" + lines.map { "  - \($0)" }.joined(separator: "\n")
      }.joined(separator: "\n")
  }

  private var purpose: [String] {
    [
      "predicts \(plan.cohort.outcome.name), for: \(plan.task.user)",
      "decision: \(plan.task.decision)", "action: \(plan.task.action)",
      "a patient flagged wrongly: \(plan.task.harmOfFalsePositive)",
      "a patient missed: \(plan.task.harmOfFalseNegative)",
      "answers for it: \(plan.task.responsibleRole)",
    ]
  }

  private var records: [String] { plan.records?.words ?? [] }

  private var cohort: [String] {
    var lines = plan.cohort.include.map { "included: \($0.reason)" }
    lines.append(
      rowCount.map {
        $0 < minimumCell ? "fewer than \(minimumCell) patients" : "\($0) patients at this site"
      }
        ?? ("the data cannot be read yet; run `wardround site check`"
          + (dataProblem.map { ": \($0)" } ?? "")))
    lines.append("held out for validation: \(plan.cohort.holdout.inWords)")
    lines.append(
      "columns used: "
        + (plan.cohort.features.map(\.column) + [plan.cohort.outcome.column])
        .joined(separator: ", "))
    return lines
  }

  /// What a study under differential privacy would release, and what it would cost.
  private func leaving(under privacy: PrivacyPlan) -> [String] {
    let goal = privacy.goal
    var lines = [
      "nothing without noise. Whoever reads everything the study releases can hardly tell whether any"
        + " one patient was in it: epsilon \(PrivacyLedger.text(privacy.epsilon)), delta"
        + " \(goal.delta), with all rows of a patient at this site together",
      "at most epsilon \(PrivacyLedger.text(privacy.largestEpsilon(delta: goal.delta))) if sums that broke"
        + " off are asked \(goal.reopenings) more times; this site refuses what goes beyond",
      "assuming at most \(plan.privacy.maximumColluders) other sites tell the aggregator their noise,"
        + " and one person is a patient at no more than \(goal.linkedSites)"
        + " \(goal.linkedSites == 1 ? "site" : "sites")",
    ]
    for release in privacy.releases {
      let who =
        switch release.noise.group {
        case .everybody: "all patients"
        case .training: "training patients"
        case .holdout: "holdout patients"
        }
      let noise = (release.noiseMultiplier * 10).rounded() / 10
      lines.append(
        "  \(release.purpose) (\(who)): \(Self.form(of: release)),"
          + " \(release.count) \(release.count == 1 ? "time" : "times"), noise \(noise) times what one patient can change"
      )
    }
    if let votes { lines.append(votes) }
    return lines + ledgerLines
  }

  private static func form(of release: PrivacyPlan.Release) -> String {
    if case .votes = release.content {
      return "the number of sites against, from a noisy number here"
    }
    return release.isSum ? "a sum over all sites" : "this site's own table, in clear"
  }

  /// What the sites vote on, and when that stops the study.
  private var votes: String? {
    plan.votes.map { votes in
      "  votes on every model after \(votes.every == 1 ? "each step" : "every \(votes.every) steps") and"
        + " before it is released: whether it is worse on this hospital's own holdout, by more than"
        + " \(votes.tolerance) nats of log loss per patient. Only the number of hospitals against it is"
        + " seen (if all vote alike, all votes are known); more than"
        + " \(Int((votes.stopAbove * 100).rounded())) % against stop the study"
    }
  }

  private var leaving: [String] {
    if let privacy = try? PrivacyPlan(plan) { return leaving(under: privacy) }
    let numbers = plan.cohort.features.count { $0.isNumber }
    let p = PrivacyPlan.largestDesign(plan, unknownLevels: 8)
    var lines = [
      "masked integers, readable only as a sum over at least"
        + " \(max(plan.privacy.minimumSites, policy.minimumSites)) hospitals:",
      "  counts of patients, events and values present (\(4 + 2 * plan.cohort.features.count)"
        + " numbers, once)",
    ]
    if plan.records != nil {
      lines.append(
        "  how many are left after each of \(plan.flowSteps.count) steps from records to cohort, once"
      )
    }
    if numbers > 0 {
      lines.append(
        "  counts below probes for the deciles of \(numbers) measurements (up to \(64 * numbers)"
          + " numbers, about 6 times)")
      lines.append("  sums for means and standard deviations (\(3 * numbers) numbers, once)")
    }
    if let selection = plan.selection {
      lines.append(
        "  training patients by bin of every feature, with and without the outcome (up to about"
          + " \(40 * plan.cohort.features.count) numbers, once), to choose features; a bin may hold one patient"
          + " of a hospital that nobody is told, whose outcome it then shows")
      if selection.stable != nil {
        lines.append(
          "  which way each feature points here, 0 or 1 (\(2 * plan.cohort.features.count) numbers, once)"
        )
      }
      if selection.duplicates != nil {
        lines.append(
          "  sums of products of columns, to find duplicates (about \((p + 1) * (p + 2) / 2) numbers, once)"
        )
      }
    }
    let chained = plan.numbers(imputedBy: .chained).count
    if chained > 0, let imputation = plan.imputation {
      let length = chained * (p + 1) * (p + 2) / 2
      lines.append(
        "  sums of products of columns, from which \(chained) measurements are predicted where they are"
          + " missing (up to about \(length) numbers, \(imputation.cycles) times): sums over patients who differ in"
          + " few, subtracted from each other, show what these few have")
    }
    for model in plan.models {
      switch model.training {
      case .newton(let settings):
        lines.append(
          "  \(model.name): gradients and Hessians (about"
            + " \(LogisticNewton.vectorLength(featureCount: p)) numbers, about 8 and at most"
            + " \(settings.maximumIterations) times)")
      case .federatedAveraging(let settings):
        lines.append(
          "  \(model.name): one clipped weight update (about \(p + 5) numbers,"
            + " \(settings.rounds) times)")
      case .trees(let settings): lines += leaving(model.name, settings)
      }
    }
    if let votes { lines.append(votes) }
    lines.append(
      "in clear, signed by this hospital and shown to the study, every cell of at least"
        + " \(max(plan.privacy.minimumCell, 1)) patients:")
    if plan.records != nil {
      lines.append(
        "  how many are left here after each step; a fingerprint of the data under a secret of yours"
      )
      lines.append(
        "  of all your records: how many there are of each variable, in which units and code systems, what"
          + " cleaning did, which units look mistaken; of the cohort: how many lack each feature, with and"
          + " without the outcome")
    }
    if plan.neededQueries.contains(.vocabulary) {
      lines.append("  names of categories that occur here often enough")
    }
    lines.append(
      "  performance on this hospital's own holdout: AUROC, AUPRC, Brier, calibration, O:E, a table"
        + " of risks in at most 64 rows")
    lines.append(
      "  binned distributions of \(plan.cohort.features.count) features and of the score, with"
        + " quartiles")
    lines.append(
      "no formal privacy guarantee: there is no differential privacy in this study; what the sums"
        + " themselves say about a patient is not bounded")
    return lines + ledgerLines
  }

  private var staying: [String] {
    var lines = [
      "rows, identifiers, dates, single values: they never leave this machine",
      "this hospital's own part of any sum: it is masked, and the aggregator cannot open it",
    ]
    if !plan.numbers(imputedBy: .similarCases).isEmpty {
      lines.append(
        "donors: a missing value is filled from patients of this hospital, on this machine alone")
    }
    return lines
  }

  private var disclosures: [String] {
    let asked = Disclosure.allCases.filter { plan.validation.disclosures.contains($0) }
    guard !asked.isEmpty else { return ["none"] }
    let allowed = policy.allowedDisclosures(of: plan)
    return asked.map {
      "\($0.rawValue) (\(allowed.contains($0) ? "allowed by your policy" : "NOT allowed by your policy; it will not happen")): \($0.explanation)"
    }
  }

  private var verdict: [String] {
    let objections = policy.objections(to: plan)
    return objections.isEmpty
      ? ["the study fits the policy in site.yaml"] : objections.map { "NOT allowed: \($0)" }
  }

  private var decision: [String] {
    [
      "wardround site approve \(plan.id)",
      "wardround site refuse \(plan.id) --reason \"…\"",
    ]
  }
}
