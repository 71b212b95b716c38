import Cohort
import Study
import Validation

/// The model card: what a reader must know before using the model, in fields.
public struct ModelCard: Sendable, Equatable {
  /// One field of the card.
  public struct Field: Sendable, Equatable {
    /// What the field is about.
    public var name: String
    /// What there is to say; never empty.
    public var text: String
    /// Whether the study file does not say it and someone has to.
    public var isMissing: Bool
  }

  /// The heading.
  public let title: String
  /// In the order in which they are printed.
  public let fields: [Field]

  /// The card of a study's primary model.
  public init(_ result: StudyResult, provenance: ReportProvenance) {
    title = "Model card: \(result.study.title)"
    var fields: [Field] = []
    func add(_ name: String, _ text: String) {
      fields.append(Field(name: name, text: text, isMissing: false))
    }
    let study = result.study
    let model = result.models.first
    let writer = ReportWriter(result, provenance)
    add("Name", "\(study.id), model \(model?.name ?? NumberText.absent)")
    add("Made", "\(provenance.generatedAt), Wardround \(provenance.softwareVersion)")
    add("Plan digest", study.planDigest)
    add("Transcript digest", provenance.transcriptDigest)
    add("Answers for it", study.task.responsibleRole)
    add("Intended user", study.task.user)
    add("Decision it informs", study.task.decision)
    add(
      "Action",
      "\(study.task.action) (from a risk of \(NumberText.percent(study.threshold, 1)) on)")
    add("Harm of a false alarm", study.task.harmOfFalsePositive)
    add("Harm of a missed patient", study.task.harmOfFalseNegative)
    if let oversight = study.task.oversight {
      add("Human oversight", oversight)
    } else {
      fields.append(
        Field(
          name: "Human oversight", text: "MISSING: not stated in the study file", isMissing: true))
    }
    add(
      "Not intended for",
      """
      Deciding alone; patients outside the cohort’s criteria; hospitals whose data differ from those \
      named here without a local check first.
      """)
    if let target = model?.trees?.model.target {
      add(
        "Output",
        """
        \(target.outputInWords), and from it the probability of \(study.outcome), 0 to 1: \
        \(target.riskInWords).
        """)
    } else {
      add("Output", "The probability of \(study.outcome), 0 to 1.")
    }
    if let trees = model?.trees {
      add("Kind", "Trees: \(trees.learnerInWords); \(trees.costInWords).")
    } else {
      add("Kind", "Logistic regression; \(model?.training ?? NumberText.absent).")
    }
    add(
      "Inputs",
      result.transform.features.map { feature -> String in
        if case .number(let number) = feature, let unit = number.unit {
          return "\(number.name) (\(unit))"
        }
        return feature.name
      }.joined(separator: ", "))
    add(
      "When an input is missing",
      model?.trees != nil
        ? """
        Missing values have a bin of their own, and go the way the trees learnt from training patients \
        without the value. No prediction is refused for missing input.
        """
        : """
        It is replaced by the value in the preparation table, and a column tells the model so where \
        that table says yes. No prediction is refused for missing input; a patient with none of the \
        inputs gets the risk of a typical one.
        """)
    let totals = result.totals
    add(
      "Trained on",
      """
      \(NumberText.quantity(totals.trainingCount, "patient")), \
      \(NumberText.quantity(totals.trainingEventCount, "event")), of \
      \(NumberText.list(writer.sites))
      """)
    add("Performance", Self.performance(writer))
    if let model, let values = writer.valuesInWords(model.name) {
      add("Predicted values against recorded ones", "\(values).")
    }
    add("By hospital", Self.bySite(writer))
    add("Differences between hospitals", Self.differences(result))
    add(
      "Privacy",
      "\(writer.privacyStatement.heading) \(writer.privacyStatement.text) \(writer.releasedText)")
    fields.append(
      Field(
        name: "Groups of patients",
        text: "MISSING: no comparison of groups is part of this study", isMissing: true))
    fields.append(
      Field(
        name: "Monitoring and change plan",
        text: "MISSING: decide limits, owner and what happens when they are passed, before use",
        isMissing: true))
    fields.append(
      Field(name: "Licence", text: "MISSING: not stated in the study file", isMissing: true))
    self.fields = fields
  }

  private static func performance(_ writer: ReportWriter) -> String {
    let parts = PerformanceSummary.Measure.allCases.compactMap { measure -> String? in
      guard let summary = writer.summary(measure) else { return nil }
      let prediction =
        summary.predictionInterval.map {
          "; prediction interval \(NumberText.interval($0, 2))"
        } ?? ""
      return
        "\(measure.inWords) \(NumberText.estimate(summary.mean, summary.interval, 3))\(prediction)"
    }
    return parts.isEmpty ? "not available" : parts.joined(separator: ". ") + "."
  }

  private static func bySite(_ writer: ReportWriter) -> String {
    writer.sites.map { site in
      guard let auroc = writer.performance[site]?.discrimination else {
        return "\(site) – (\(writer.reason(site) ?? "not available"))"
      }
      return "\(site) AUROC \(NumberText.estimate(auroc.value, auroc.logitInterval, 2))"
    }.joined(separator: "; ")
  }

  private static func differences(_ result: StudyResult) -> String {
    let top = result.drift.findings.prefix(3).map(\.sentence)
    return top.isEmpty ? "none found" : top.joined(separator: "; ")
  }

  /// The card as Markdown. Text of a study or site cannot become a link, an element or a heading.
  public var markdown: String {
    var lines = ["# \(Self.plain(title))", "", "| Field | |", "| --- | --- |"]
    lines += fields.map { "| \(Self.plain($0.name)) | \(Self.plain($0.text)) |" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Text with the characters that mean something in Markdown escaped, on one line.
  private static func plain(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n", "\r", "\t": result += " "
      case "\\", "`", "*", "_", "[", "]", "|", "#": result += "\\" + String(scalar)
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      default: result.unicodeScalars.append(Markup.isHarmless(scalar) ? scalar : "\u{FFFD}")
      }
    }
    return result
  }
}

extension ReportWriter {
  mutating func modelCardSection() -> Markup {
    let card = ModelCard(result, provenance: provenance)
    let items = card.fields.map { field -> Markup in
      let text: Markup =
        field.isMissing ? "<span class=\"missing\">\(field.text)</span>" : "\(field.text)"
      return "<dt>\(field.name)</dt><dd>\(text)</dd>\n"
    }
    return section("model-card", "Model card", "<dl>\(items)</dl>")
  }
}
