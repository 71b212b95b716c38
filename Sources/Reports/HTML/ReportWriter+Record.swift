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
    let rows = result.transform.features.map { feature -> [Markup] in
      switch feature {
      case .number(let number):
        [
          .cell(number.name), .cell("number"), .cell(number.unit ?? NumberText.absent),
          .cell(NumberText.significant(number.imputation, 4)),
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
          value is replaced by the number given; where the last column says yes, a column of its own \
          also tells the model that it was missing.
          """, released: .secureSum(.prepare),
        [
          Table(
            columns: [
              .words("Feature"), .words("Kind"), .words("Unit"), .numbers("Stands in"),
              .words("Becomes"), .words("Missing column"),
            ], rows: rows)
        ]))
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
