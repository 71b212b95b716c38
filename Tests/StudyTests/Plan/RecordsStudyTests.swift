import Cohort
import Records
import StrictYAML
import TestSupport
import Testing

@testable import Study

/// Studies that start from records: the `records` section and what follows from it.
@Suite struct RecordsStudyTests {
  private func plan(_ text: String = SyntheticRecords.study()) throws -> StudyPlan {
    try StudyPlan(yaml: text, file: "study.yaml")
  }

  @Test func outcomeAndFeaturesFollowFromTheRecords() throws {
    let plan = try plan()
    #expect(plan.cohort.patientColumn == "subject" && plan.cohort.rowsPerPatient == .all)
    #expect(plan.cohort.outcome.column == "died" && plan.cohort.outcome.positive == .oneOf(["1"]))
    #expect(
      plan.cohort.features.map(\.name) == [
        "sex", "age", "lactate_max_since", "lactate_count_since", "pulse_mean_last24h",
        "pulse_last_last24h",
      ])
    #expect(
      plan.cohort.features[2].kind
        == .number(unit: "mmol/L", hardRange: 0...50, resolution: 0.001))
    #expect(plan.cohort.features[3].kind == .number(unit: nil, hardRange: nil, resolution: 1))
    #expect(plan.cohort.features[0].kind == .category(levels: nil))
    #expect(
      plan.flowSteps == [
        "subjects in the records", "index events", "with: adults",
        "outcome not before the prediction", "outcome known",
      ])
    #expect(plan.neededQueries.isSuperset(of: [.flow, .cohortFlow]))
  }

  @Test func featuresAreChosenByName() throws {
    let plan = try plan(
      SyntheticRecords.study(
        "features: [age, {name: top, column: lactate_max_since, type: number, range: [1, 30]}]\n"
          + "outcome: {column: died, positive: [1], name: death}\n"
          + "cohort: {rows_per_patient: last, order: index_time}\n"))
    #expect(plan.cohort.features.map(\.name) == ["age", "top"])
    #expect(plan.cohort.features[0].unit == "a")
    #expect(plan.flowSteps.last == "last row per patient")
  }

  /// A category that is a label may say who is one person; a feature of the model may not.
  @Test func personsAreALabel() throws {
    let plan = try plan(SyntheticRecords.study("cohort: {patient: site}\n"))
    #expect(plan.cohort.patientColumn == "site" && plan.cohort.rowsPerPatient == .all)
    #expect(throws: YAMLProblem.self) {
      try self.plan(SyntheticRecords.study("cohort: {patient: sex}\n"))
    }
  }

  /// Everything in the recipe is part of what sites approve; a plan without records has the bytes it had.
  @Test func everyChangeOfTheRecipeChangesTheDigest() throws {
    let text = SyntheticRecords.study()
    var seen: Set<String> = [try plan().digest.hex]
    for (old, new) in [
      ("after: 24 h", "after: 25 h"), ("at_least: 18", "at_least: 19"),
      ("within: 30 d", "within: 29 d"),
      ("codes: [lact]", "codes: [lactate]"), ("[mean, last]", "[mean, first]"),
      ("{event: stay}", "{event: stay, occurrence: every}"),
      ("functions: last, name: site, label: true", "functions: first, name: site, label: true"),
      ("window: last 24 h", "window: last 23 h"), ("because: adults", "because: grown up"),
    ] {
      let changed = text.replacing(old, with: new, maxReplacements: 1)
      #expect(changed != text, "\(old)")
      #expect(seen.insert(try plan(changed).digest.hex).inserted, "\(old)")
    }
    var without = try plan()
    without.records = nil
    #expect(
      without.canonicalBytes
        == Array(try plan().canonicalBytes.prefix(without.canonicalBytes.count)))
  }

  /// Nothing that is known only after the prediction can be named, nor a column that is not made.
  @Test(arguments: [
    ("features: [age, died_hours]\n", YAMLProblem.Code.unknownWord),
    ("features: [{name: x, column: died_hours, type: number}]\n", .inconsistent),
    ("features: [{name: x, column: died_censored, type: flag}]\n", .inconsistent),
    ("features: [{name: x, column: subject, type: category}]\n", .inconsistent),
    ("features: [agee]\n", .unknownWord),
    ("cohort: {include: [{column: died_hours, above: 1, because: x}]}\n", .inconsistent),
    ("cohort: {patient: id}\n", .inconsistent),
    ("cohort: {order: died_hours, rows_per_patient: first}\n", .inconsistent),
    ("outcome: {column: age, above: 80, name: old}\n", .inconsistent),
  ])
  func theFutureCannotBeNamed(more: String, code: YAMLProblem.Code) throws {
    #expect(throws: YAMLProblem.self) { try plan(SyntheticRecords.study(more)) }
    do { _ = try plan(SyntheticRecords.study(more)) } catch let problem as YAMLProblem {
      #expect(problem.code == code, "\(problem)")
    }
  }

  @Test func aRecipeWithoutOutcomeIsNoStudy() throws {
    let text = SyntheticRecords.study().replacing(
      "  outcome: {name: died, event: death, within: 30 d}\n", with: "")
    #expect(throws: YAMLProblem.self) { try plan(text) }
  }

  // MARK: - The flow

  /// Whatever the flow and the minimum cell, shown numbers differ by nothing or by a cell, the end is
  /// shown first, and a flow of large steps is shown whole.
  @Test func shownCountsDifferByACell() {
    var draws = SeededBytes(seed: 5)
    for _ in 0..<2000 {
      var counts = [Int64(draws.integer(below: 200))]
      for _ in 0..<6 {
        counts.append(max(0, counts[counts.count - 1] - Int64(draws.integer(below: 25))))
      }
      let cell = 1 + draws.integer(below: 12)
      let leavers = zip([counts[0]] + counts, counts).map { Int($0 - $1) }
      let shown = CohortFlowAnswer.shown(
        counts, leavers: leavers, patientCount: Int(counts[counts.count - 1]), minimumCell: cell)
      let seen = shown.compactMap { $0 }
      #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 == $1 || $0 - $1 >= Int64(cell) })
      #expect(seen.allSatisfy { $0 == 0 || $0 >= Int64(cell) })
      #expect(zip(counts, shown).allSatisfy { $1 == nil || $0 == $1 })
      let last = counts[counts.count - 1]
      #expect((shown[shown.count - 1] == nil) == (last > 0 && last < Int64(cell)))
      if cell == 1 { #expect(seen == counts) }
    }
  }

  /// A step that takes many rows of few patients is held back.
  @Test func aStepIsShownByItsPatients() {
    func shown(_ leavers: [Int], _ patients: Int) -> [Int64?] {
      CohortFlowAnswer.shown(
        [400, 300, 240, 200], leavers: leavers, patientCount: patients, minimumCell: 10)
    }
    #expect(shown([0, 40, 30, 20], 150) == [400, 300, 240, 200])
    #expect(shown([0, 40, 1, 20], 150) == [400, nil, 240, 200])
    #expect(shown([0, 1, 30, 20], 150) == [nil, 300, 240, 200])
    #expect(shown([0, 40, 30, 20], 9) == [400, 300, 240, nil])
    #expect(shown([0, 0, 0, 0], 9) == [nil, nil, nil, nil])
  }

  /// A total is opened only where it tells no fewer than three hospitals' own.
  @Test func totalsDoNotTellWhatOneOrTwoSitesHoldBack() throws {
    let study = AgreedStudy(
      plan: try plan(SyntheticRecords.study()), sites: ["a", "b", "c", "d"], disclosures: [])
    let program = StudyProgram(study, over: PooledFederation(study, cohorts: [:]))
    #expect(program.opensTotals([0, 0, 0]) && program.opensTotals([0, 3, 4]))
    for hidden in 1...2 { #expect(!program.opensTotals([0, hidden, 3])) }
  }

  @Test func flowAnswersSurviveTheWireAndImpossibleOnesDoNot() throws {
    let query = SiteQuery.cohortFlow(stepCount: 3, minimumCell: 5)
    let data = [UInt8](repeating: 7, count: 32)
    let good = SiteAnswer.cohortFlow(CohortFlowAnswer(counts: [9, nil, 0], data: data))
    #expect(try SiteAnswer(bytes: good.canonicalBytes, to: query) == good)
    for counts in [[9, 9], [4, 4, 4], [-1, 0, 0], [Int64.max, 0, 0]] as [[Int64?]] {
      let bad = SiteAnswer.cohortFlow(CohortFlowAnswer(counts: counts, data: data))
      #expect(throws: StudyError.self) { try SiteAnswer(bytes: bad.canonicalBytes, to: query) }
    }
    var draws = SeededBytes(seed: 8)
    for _ in 0..<500 {
      _ = try? SiteAnswer(bytes: draws.damaged(good.canonicalBytes), to: query)
    }
  }
}
