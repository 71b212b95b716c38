import Study

/// The reporting guideline's items and where this report answers them.
extension ReportWriter {
  /// How an item stands.
  private enum Status: String {
    /// From the run.
    case filled
    /// From the study file.
    case stated
    /// Does not apply here.
    case notApplicable = "not applicable"
    /// Nobody has said it yet.
    case missing = "MISSING"

    var style: String {
      switch self {
      case .missing: "missing"
      case .filled, .stated: "filled"
      case .notApplicable: "small"
      }
    }
  }

  private struct Item {
    var number: String
    var subject: String
    var status: Status
    var place: String

    init(_ number: String, _ subject: String, _ status: Status, _ place: String) {
      self.number = number
      self.subject = subject
      self.status = status
      self.place = place
    }
  }

  mutating func guidelineSection() -> Markup {
    let rows = items.map { item -> [Markup] in
      [
        .cell(item.number), .cell(item.subject),
        "<span class=\"\(item.status.style)\">\(item.status.rawValue)</span>", .cell(item.place),
      ]
    }
    return section(
      "guideline", "Reporting guideline",
      table(
        "TRIPOD+AI (2024) and TRIPOD-Cluster (2023), item by item",
        reading: """
          Filled: from the run. Stated: from the study file. MISSING: the authors have to add it \
          before publication; nothing is left out silently.
          """, released: .nothing,
        [
          Table(
            columns: [
              .words("Item"), .words("Asks for"), .words("Status"), .words("Where, or what to add"),
            ], rows: rows)
        ]))
  }

  private var items: [Item] {
    let predictsValues = result.models.contains { $0.trees?.model.target != nil }
    let hasOversight = result.study.task.oversight != nil
    let hasLeftOut = result.leaveOneSiteOut != nil
    let hasValues = result.models.contains { values($0.name) != nil }
    return [
      Item("1", "Title", .stated, "title of this report"),
      Item("2", "Structured summary", .filled, "The answer in one paragraph"),
      Item("3a", "Context and existing models", .missing, "text"),
      Item("3b", "Target population, users", .stated, "What the model is for"),
      Item("3c", "Known inequalities", .missing, "text"),
      Item("4", "Objectives", .stated, "What the model is for"),
      Item("5a", "Data sources", .missing, "source systems of each hospital"),
      Item("5b", "Dates", .missing, "dates of accrual and follow-up"),
      Item("6a", "Setting and centres", .filled, "Hospitals and patients"),
      Item("6b", "Eligibility", .stated, "cohort section of the study file (plan digest)"),
      Item("6c", "Treatments received", .missing, "text"),
      Item("7", "Data preparation", .filled, "How the values were prepared"),
      Item("8a", "Outcome", .stated, "What the model is for; rationale to be added"),
      Item("8b, c", "Assessors, blinding", .missing, "text"),
      Item("9a, b", "Predictors", .filled, "How the values were prepared; rationale to be added"),
      Item("10", "Sample size", .filled, "Hospitals and patients; no calculation beforehand"),
      Item("11", "Missing data", .filled, "Characteristics of the patients; preparation"),
      Item("12a", "Partition of the data", .filled, "Hospitals and patients"),
      Item("12b", "Handling of predictors", .filled, "How the values were prepared"),
      Item("12c", "Model building", .filled, "The study’s models compared"),
      Item(
        "12d", "Heterogeneity over hospitals", .filled, "Performance on every hospital’s patients"),
      Item(
        "12e", "Performance measures", .filled,
        "Performance on every hospital’s patients\(hasValues ? ", of risks and of predicted values" : "")"
      ),
      Item("12f", "Updating", .notApplicable, "no model was updated"),
      Item(
        "12g", "How predictions were computed", .filled,
        "Coefficients; model file\(predictsValues ? "; What the model is for" : "")"),
      Item("13", "Class imbalance", .notApplicable, "no resampling or reweighting was used"),
      Item("14", "Fairness", .missing, "no groups were compared"),
      Item("15", "Output and threshold", .stated, "What the model is for"),
      Item("16", "Development against evaluation", .filled, "How the hospitals differ"),
      Item("17", "Ethics approval", .missing, "references of every hospital"),
      Item("18", "Funding, conflicts, protocol, data, code", .missing, "text; plan digest below"),
      Item("19", "Patient involvement", .missing, "text"),
      Item("20a", "Flow of participants", .missing, "flow at each hospital, from its own records"),
      Item("20b", "Characteristics", .filled, "Characteristics of the patients by hospital"),
      Item("21", "Numbers in each analysis", .filled, "Hospitals and patients"),
      Item("22", "Full model", .filled, "Coefficients of the primary model; model file"),
      Item("23a", "Performance with intervals", .filled, "All measures by hospital"),
      Item("23b", "Heterogeneity", .filled, "forest plots, prediction intervals"),
      Item("24", "Results of updating", .notApplicable, "no model was updated"),
      Item("25", "Interpretation", .missing, "text"),
      Item("26", "Limitations", .filled, "What this study does not show"),
      Item("27a", "Poor or missing input in use", .filled, "Model card"),
      Item(
        "27b", "User interaction", hasOversight ? .stated : .missing,
        hasOversight ? "What the model is for" : "human oversight in the study file"),
      Item("27c", "Next steps", .missing, "text"),
      Item("C 4", "Invited, refused and failed clusters", .filled, "Hospitals and patients"),
      Item(
        "C 9, 15", "Sensitivity over clusters", hasLeftOut ? .filled : .missing,
        hasLeftOut ? "Leaving one hospital out" : "leaving one hospital out was not allowed"),
    ]
  }
}
