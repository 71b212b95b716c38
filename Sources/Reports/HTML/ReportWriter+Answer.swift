import Study
import Validation

/// What the study does not show, and what it found, in words.
extension ReportWriter {
  mutating func limitsSection() -> Markup {
    section(
      "limits", "What this study does not show",
      """
      <div class="limits">\(Markup.list(limits, style: "limits-list"))</div>
      """)
  }

  /// The honest limits, each with the numbers that make it concrete.
  private var limits: [Markup] {
    var items: [Markup] = [
      """
      <b>\(privacyStatement.heading)</b> \(privacyStatement.text) \(releasedText) \
      \(result.privacy == nil ? "Whoever holds this report can reason from these numbers, and no bound on what they learn has been proven." : "Facts about the population are not secrets and remain readable.") \
      <a href="#disclosure">The full list is below.</a>
      """,
      """
      <b>It does not show that using the model helps patients.</b> The predictions were computed \
      afterwards on recorded data. Nobody acted on them, and an effect on decisions, harms or \
      outcomes was not measured.
      """,
      """
      <b>Coefficients and odds ratios are not causes.</b> They say how recorded values go together \
      with \(result.study.outcome); changing a value need not change the risk.
      """,
      """
      <b>A new hospital can lie outside what was seen.</b> \(newHospitalText)
      """,
      """
      <b>The patients kept aside come from the hospitals that trained the model.</b> They are \
      \(result.study.holdout), at each hospital. Only the fit without a hospital, where this study \
      could make it, speaks about hospitals the model has never seen.
      """,
      """
      <b>No groups of patients were compared.</b> Whether the model does equally well for women and \
      men, for ages or for origins has not been examined in this study.
      """,
    ]
    items += smallSiteItems
    items += result.study.disclosures.map { disclosure -> Markup in
      """
      <b>The hospitals agreed to an extra disclosure, \(disclosure.rawValue).</b> \
      \(disclosure.explanation)
      """
    }
    return items
  }

  /// How many numbers left the hospitals, in words.
  var releasedText: String {
    let sums = result.disclosures.filter { $0.kind == "secure sum" }
    let answers = result.disclosures.filter { $0.kind != "secure sum" }
    let totals = sums.reduce(0) { $0 + $1.queryCount * $1.valueCount }
    let fewest = sums.map(\.fewestSites).min() ?? 0
    let bytes = answers.reduce(0) { $0 + $1.queryCount * $1.valueCount }
    let asked = answers.reduce(0) { $0 + $1.queryCount }
    let exception =
      result.study.disclosures.contains(.leaveOneSiteOut)
      ? " (except by the subtraction that the hospitals allowed by name)" : ""
    return """
      At most \(NumberText.count(totals)) numbers left as sums over at least \(fewest) hospitals, of \
      which no single hospital’s part could be read\(exception), and \
      \(NumberText.quantity(asked, "small table")) of at most \(NumberText.count(bytes)) bytes in \
      all left each hospital by name.
      """
  }

  private var newHospitalText: String {
    let count = summary(.auroc)?.analysis.count ?? 0
    guard let interval = summary(.auroc)?.predictionInterval else {
      return """
        With \(NumberText.quantity(count, "hospital")) that could be evaluated, no prediction \
        interval for a new hospital can be stated.
        """
    }
    return """
      The prediction interval of the AUROC, \(NumberText.interval(interval, 2)), rests on \
      \(NumberText.quantity(count, "hospital")) and assumes that the next hospital resembles them.
      """
  }

  private var smallSiteItems: [Markup] {
    var items: [Markup] = []
    let few = sites.filter { site in
      guard let part = performance[site], let events = part.eventCount,
        let patients = part.patientCount
      else { return false }
      return min(events, patients - events) < 100 && part.discrimination != nil
    }
    if !few.isEmpty {
      items.append(
        """
        <b>Some hospitals are small.</b> Fewer than 100 held-out patients with, or without, the \
        outcome at \(NumberText.list(few)): performance there is uncertain, and calibration more so.
        """)
    }
    let silent = sites.filter { performance[$0]?.discrimination == nil }
    if !silent.isEmpty {
      let reasons = silent.map { "\($0) (\(reason($0) ?? "not available"))" }
      items.append(
        """
        <b>Discrimination is unknown at some hospitals:</b> \(NumberText.list(reasons)).
        """)
    }
    if !provenance.absences.isEmpty {
      let absences = provenance.absences.sorted { $0.key < $1.key }.map {
        "\($0.key) (\($0.value))"
      }
      items.append("<b>Hospitals that are absent:</b> \(NumberText.list(absences)).")
    }
    return items
  }

  // MARK: The answer

  mutating func answerSection() -> Markup {
    section("answer", "The answer in one paragraph", "<p class=\"answer\">\(answer)</p>")
  }

  /// The primary metric with both intervals, calibration, the worst hospital, the gain.
  private var answer: Markup {
    let totals = result.totals
    var text: Markup = """
      A model for \(result.study.outcome) was trained on \
      \(NumberText.quantity(totals.trainingCount, "patient")) \
      (\(NumberText.quantity(totals.trainingEventCount, "event"))) of \
      \(NumberText.quantity(sites.count, "hospital")) without any patient record leaving a \
      hospital, and evaluated on \(NumberText.quantity(totals.holdoutCount, "other patient")) \
      (\(NumberText.quantity(totals.holdoutEventCount, "event"))), each hospital’s own.
      """
    if let auroc = summary(.auroc) {
      text += """
         Within hospitals it ranks a patient with the outcome above one without it in \
        <b>\(NumberText.percent(auroc.mean))</b> of pairs (AUROC \
        <b>\(NumberText.fixed(auroc.mean, 3))</b>\(intervalText(auroc.interval))).
        """
      if let prediction = auroc.predictionInterval {
        text += """
           In a new hospital of the same kind an AUROC between \
          <b>\(NumberText.fixed(prediction.lower, 2))</b> and \
          <b>\(NumberText.fixed(prediction.upper, 2))</b> is to be expected (95 % prediction interval).
          """
      }
    } else {
      text += " No hospital could state an AUROC."
    }
    if let worst = worstHospital {
      text += """
         It ranks worst at <b>\(worst.site)</b>: AUROC \
        \(NumberText.estimate(worst.auroc.value, worst.auroc.logitInterval, 3)).
        """
    }
    if let ratio = summary(.observedExpectedRatio) {
      text += """
         Over the hospitals, \(NumberText.fixed(ratio.mean, 2)) events were observed for each one \
        predicted\(intervalText(ratio.interval, 2))
        """
      if let extreme = worstCalibrated, summary(.observedExpectedRatio)?.analysis.count ?? 0 > 1 {
        text += "; farthest from 1 at \(extreme.site) (\(NumberText.fixed(extreme.ratio, 2)))"
      }
      text += "."
    }
    if let gain = gainText { text += " \(gain)" }
    return text
  }

  private func intervalText(_ interval: Interval?, _ places: Int = 3) -> String {
    interval.map { ", 95 % interval \(NumberText.interval($0, places))" } ?? ""
  }

  /// The hospital with the lowest AUROC.
  var worstHospital: (site: String, auroc: AUROC)? {
    var worst: (site: String, auroc: AUROC)?
    for site in sites {
      guard let auroc = performance[site]?.discrimination else { continue }
      if let current = worst, current.auroc.value <= auroc.value { continue }
      worst = (site, auroc)
    }
    return worst
  }

  private var worstCalibrated: (site: String, ratio: Double)? {
    sites.compactMap { site -> (site: String, ratio: Double)? in
      guard let ratio = performance[site]?.observedExpected, ratio.logEstimate != nil else {
        return nil
      }
      return (site, ratio.ratio)
    }.max { left, right in
      max(left.ratio, 1 / left.ratio) < max(right.ratio, 1 / right.ratio)
    }
  }

  /// Own model against the federated one, in one sentence.
  private var gainText: String? {
    let gains = ownModelGains.compactMap(\.difference).sorted()
    guard !gains.isEmpty else { return nil }
    let better = gains.count { $0 > 0 }
    let middle = gains.count / 2
    let median = gains.count % 2 == 1 ? gains[middle] : (gains[middle - 1] + gains[middle]) / 2
    return """
      At \(better) of \(NumberText.quantity(gains.count, "hospital")) it ranks better than a model \
      trained on the hospital’s own patients alone (median difference in AUROC \
      \(signed(median, 3))).
      """
  }

  /// A number with its sign, also a plus.
  func signed(_ value: Double?, _ places: Int) -> String {
    guard let value, value.isFinite else { return NumberText.absent }
    let text = NumberText.fixed(value, places)
    return value > 0 && text.contains(where: { $0 != "0" && $0 != "." }) ? "+" + text : text
  }

  // MARK: The task

  mutating func taskSection() -> Markup {
    let task = result.study.task
    var entries: [(String, String)] = [
      ("Outcome", result.study.outcome), ("User", task.user), ("Decision", task.decision),
      (
        "Action above the threshold",
        "\(task.action) (risk of \(NumberText.percent(result.study.threshold, 1)) or more)"
      ), ("Harm of a false alarm", task.harmOfFalsePositive),
      ("Harm of a missed patient", task.harmOfFalseNegative),
      ("Who answers for the model", task.responsibleRole),
    ]
    for model in result.models {
      guard let target = model.trees?.model.target else { continue }
      entries.append(
        (
          "What \(model.name) predicts",
          "\(target.subjectInWords); the risk of \(result.study.outcome) is \(target.riskInWords)"
        ))
    }
    entries.append(("Human oversight", task.oversight ?? "not stated in the study file"))
    return section("task", "What the model is for", Self.definitions(entries))
  }

  /// A list of terms with their descriptions.
  static func definitions(_ entries: [(String, String)]) -> Markup {
    let items = entries.map { entry -> Markup in "<dt>\(entry.0)</dt><dd>\(entry.1)</dd>\n" }
    return "<dl>\(items)</dl>\n"
  }
}
