import Cohort
import Study

/// What left the hospitals, the preparation, the notes and the lineage.
extension ReportWriter {
  mutating func disclosureSection() -> Markup {
    let rows = result.disclosures.map { record -> [Markup] in
      let isSum = record.kind == "secure sum"
      return [
        .cell(record.stage), .cell(record.purpose), .cell(record.kind),
        .cell(NumberText.count(record.queryCount)),
        .cell(NumberText.count(record.valueCount) + (isSum ? " numbers" : " bytes")),
        .cell("\(record.fewestSites)"),
      ]
    }
    let ledger = table(
      "What left the hospitals, in the order it happened",
      reading: """
        A secure sum is one vector of integers: every hospital masks its own, and only the total over \
        the hospitals can be read. A site answer is a small table of aggregates that a hospital \
        signs and releases by name. Values: the largest one answer held. No patient record is in \
        either.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Stage"), .words("Purpose"), .words("Kind"), .numbers("Asked"),
            .numbers("Values, at most"), .numbers("Fewest hospitals"),
          ], rows: rows)
      ])
    let agreed: [Markup] = Disclosure.allCases.map { disclosure in
      let isAgreed = result.study.disclosures.contains(disclosure)
      return """
        <b>\(disclosure.rawValue)</b>: \
        \(isAgreed ? "took place, allowed by every hospital by name." : "did not take place.") \
        \(isAgreed ? disclosure.explanation : "")
        """
    }
    let intro: Markup = """
      <p><b>\(privacyStatement.heading)</b> \(privacyStatement.text) \(releasedText) \
      \(result.privacy == nil ? "No cell published by a hospital holds fewer than \(minimumCell) patients, and no" : "No") sum was opened over fewer than \
      \(result.study.minimumSites) hospitals.</p>

      """
    return section(
      "disclosure", "What left the hospitals",
      intro + ledger + "<h3>Disclosures that hospitals allow by name</h3>\n" + .list(agreed))
  }

  // MARK: Preparation

  mutating func preparationSection() -> Markup {
    let rows = result.transform.features.enumerated().map { position, feature -> [Markup] in
      switch feature {
      case .number(let number):
        [
          .cell(number.name), .cell("number"), .cell(number.unit ?? NumberText.absent),
          .cell(standIn(position, number)),
          .cell(
            """
            (x − \(NumberText.significant(number.center, 5))) / \
            \(NumberText.significant(number.scale, 5)), kept within ± \
            \(NumberText.significant(number.clip))
            """), .cell(number.hasMissingIndicator ? "yes" : "no"),
        ]
      case .flag(let flag):
        [
          .cell(flag.name), .cell("flag"), .cell(NumberText.absent),
          .cell(NumberText.significant(flag.imputation)), .cell("0 or 1"),
          .cell(flag.hasMissingIndicator ? "yes" : "no"),
        ]
      case .category(let category):
        [
          .cell(category.name), .cell("category"), .cell(NumberText.absent),
          .cell(NumberText.absent),
          .cell(
            "against \(category.reference): "
              + category.levels.filter { $0 != category.reference }.joined(separator: ", ")
              + (category.hasOther ? ", other" : "")),
          .cell(category.hasMissingLevel ? "yes" : "no"),
        ]
      }
    }
    return section(
      "preparation", "How the values were prepared",
      table(
        "From a recorded value to a column of the model",
        reading: """
          The same steps at every hospital and in every prediction, fixed before training. A missing \
          value is replaced by the number given, where nothing else is said; where the last column says \
          yes, a column of its own also tells the model that it was missing.
          """, released: .secureSum(.prepare),
        [
          Table(
            columns: [
              .words("Feature"), .words("Kind"), .words("Unit"), .numbers("Stands in"),
              .words("Becomes"), .words("Missing column"),
            ], rows: rows)
        ]) + selectionTable())
  }

  /// What stands in for a missing value of a number.
  private func standIn(_ position: Int, _ number: TransformedFeature.Number) -> String {
    let median = NumberText.significant(number.imputation, 4)
    if let equations = result.transform.completion?.equations,
      equations.targets.contains(where: { $0.feature == position })
    {
      return "predicted from the other values"
    }
    if result.transform.completion?.similarCases?.features.contains(position) == true {
      return "similar patients of the hospital; \(median) in a prediction"
    }
    return median
  }

  /// What the features were chosen by; nothing for a study that takes all.
  private mutating func selectionTable() -> Markup {
    guard let selection = result.selection else { return "" }
    let hasDirections = selection.contains { $0.sitesHigher != nil }
    let rows = selection.map { facts -> [Markup] in
      let directions: [Markup] =
        hasDirections ? [.cell("\(facts.sitesHigher ?? 0) : \(facts.sitesLower ?? 0)")] : []
      return [
        .cell(facts.feature), .cell(NumberText.percent(facts.missingShare)),
        .cell(NumberText.percent(facts.differingShare)), .cell(NumberText.fixed(facts.auroc, 3)),
        .cell("\(NumberText.significant(facts.likelihoodRatio, 4)) (\(facts.freedom))"),
        .cell(NumberText.significant(facts.pValue, 2)),
      ] + directions + [.cell(facts.leftOut ?? "kept")]
    }
    let kept = selection.count { $0.leftOut == nil }
    return table(
      "Which features the models get",
      reading: """
        \(kept) of \(selection.count) features, chosen by sums over the training patients of all hospitals, \
        each looked at alone. Varies: share of the recorded values outside the most frequent bin. AUROC and \
        likelihood ratio (degrees of freedom) are of bins, the ratio with missing values as a bin of their \
        own. Hospitals: how many, of those that can tell, see more of the outcome at higher values, and at lower ones. The p-values \
        are for ranking; they do not count how many were looked at.
        """, released: .secureSum(.prepare),
      [
        Table(
          columns: [
            .words("Feature"), .numbers("Missing"), .numbers("Varies"), .numbers("AUROC"),
            .numbers("Likelihood ratio"), .numbers("p"),
          ] + (hasDirections ? [.numbers("Hospitals")] : []) + [.words("Selection")], rows: rows,
          isDense: true)
      ])
  }

  mutating func notesSection() -> Markup {
    let notes = result.notes.map { Markup(escaping: $0) }
    let body: Markup =
      notes.isEmpty ? .paragraph("Nothing out of the ordinary happened.") : .list(notes)
    return section("notes", "Notes of the run", body)
  }

  // MARK: Lineage

  mutating func lineageSection() -> Markup {
    let study = result.study
    let definitions = Self.definitions([
      ("Study", study.id), ("Plan digest", study.planDigest),
      ("Transcript digest", provenance.transcriptDigest),
      ("Transform digest", result.preparation ?? result.transform.digest.hex),
      ("Program version", "\(study.programVersion)"), ("Software", provenance.softwareVersion),
      ("Report made", provenance.generatedAt),
      ("Hospitals", NumberText.list(sites)),
    ])
    let command: Markup = """
      <p>Anyone who holds the transcript can compute this result again without any patient data, and \
      sees whether it is the same to the last bit:</p>
      <pre><code>wardround study replay \(provenance.transcriptFile)</code></pre>

      """
    return section("lineage", "Lineage", definitions + command)
  }
}
