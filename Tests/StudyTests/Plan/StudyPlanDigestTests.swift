import Cohort
import Cryptography
import TestSupport
import Testing

@testable import Study

/// The digest that sites approve: the same for the same study, another for any other.
@Suite struct StudyPlanDigestTests {
  private func digest(_ text: String) throws -> String {
    try StudyPlan(yaml: text, file: "study.yaml").digest.hex
  }

  @Test func spellingDoesNotMatterAndContentDoes() throws {
    let text = StudyPlanDecodingTests.everyKey
    let base = try digest(text)
    #expect(try digest(text + "\n# a comment\n") == base)
    #expect(try digest(text.replacing("ridge: 2.5", with: "ridge: 2.50")) == base)
    #expect(try digest(text.replacing("title: Every key", with: "title: \"Every key\"")) == base)
    #expect(
      try digest(
        text.replacing(
          "[leave-one-site-out, model-by-site-matrix]",
          with: "[model-by-site-matrix, leave-one-site-out]")) == base)
  }

  static let changes: [(String, String)] = [
    ("study: all-keys", "study: all-key"), ("title: Every key", "title: Every Key"),
    ("  user: u", "  user: v"), ("  decision: d", "  decision: e"), ("  action: a", "  action: b"),
    ("positive: fp", "positive: fq"), ("negative: fn", "negative: fo"),
    ("responsible_role: r", "responsible_role: s"), ("  oversight: o\n", ""),
    ("patient: pid", "patient: pod"), ("  patient: pid\n", ""),
    ("rows_per_patient: last", "rows_per_patient: all"), ("order: admitted", "order: left"),
    ("at_least: 18", "at_least: 19"), ("at_least: 18", "above: 18"),
    ("because: adults", "because: x"),
    ("column: died", "column: dead"), ("[1, dead]", "[1]"), ("positive: [1, dead]", "above: 0"),
    ("name: death", "name: dying"), ("column: alter", "column: age"), ("unit: a,", "unit: mo,"),
    ("range: [18, 110]", "range: [18, 111]"), ("resolution: 0.5", "resolution: 1"),
    ("[\"999\", \"\"]", "[\"999\"]"), ("levels: [1.0, medicine]", "levels: [medicine, 1]"),
    ("name: unit, type: category", "name: unit, type: flag"), ("fraction: 0.25", "fraction: 0.26"),
    ("key: secret", "key: secrets"), ("ridge: 2.5", "ridge: 2"),
    ("maximum_iterations: 12", "maximum_iterations: 13"), ("tolerance: 1e-6", "tolerance: 1e-7"),
    ("rounds: 7", "rounds: 8"), ("local_epochs: 2", "local_epochs: 3"),
    ("batch_size: 5", "batch_size: 6"), ("learning_rate: 0.2,", "learning_rate: 0.3,"),
    ("proximal: 0.1", "proximal: 0.2"), ("ridge: 0.01", "ridge: 0.02"), ("clip: 2", "clip: 3"),
    ("server: yogi", "server: adam"), ("server_learning_rate: 0.04", "server_learning_rate: 0.05"),
    ("seed: 9", "seed: 10"), ("threshold: 0.2", "threshold: 0.3"),
    ("disclose: [leave-one-site-out, model-by-site-matrix]", "disclose: [leave-one-site-out]"),
    ("bins: 6", "bins: 7"), ("false_discovery_rate: 0.05", "false_discovery_rate: 0.01"),
    ("minimum_sites: 4", "minimum_sites: 3"), ("minimum_cell: 5", "minimum_cell: 6"),
    ("maximum_colluders: 2", "maximum_colluders: 1"), ("round_seconds: 1", "round_seconds: 1.5"),
    ("answer_seconds: 2", "answer_seconds: 2.5"), ("presence_seconds: 3", "presence_seconds: 4"),
    ("return_seconds: 4", "return_seconds: 5"),
  ]

  @Test func everyChangeOfContentChangesTheDigest() throws {
    let text = StudyPlanDecodingTests.everyKey
    var seen: Set<String> = [try digest(text)]
    for (old, new) in Self.changes {
      let changed = text.replacing(old, with: new, maxReplacements: 1)
      #expect(changed != text, "\(old)")
      #expect(seen.insert(try digest(changed)).inserted, "\(old) to \(new)")
    }
  }

  @Test func theAgreementCoversSitesAndDisclosures() throws {
    let plan = try SyntheticStudy.plan(disclose: true)
    let base = AgreedStudy(plan: plan, sites: ["a", "b", "c"], disclosures: [])
    let others = [
      AgreedStudy(plan: plan, sites: ["b", "a", "c"], disclosures: []),
      AgreedStudy(plan: plan, sites: ["a", "b"], disclosures: []),
      AgreedStudy(plan: plan, sites: ["a", "bc"], disclosures: []),
      AgreedStudy(plan: plan, sites: ["a", "b", "c"], disclosures: [.leaveOneSiteOut]),
      AgreedStudy(plan: plan, sites: ["a", "b", "c"], disclosures: Set(Disclosure.allCases)),
      AgreedStudy(plan: try SyntheticStudy.plan(), sites: ["a", "b", "c"], disclosures: []),
    ]
    #expect(Set((others + [base]).map(\.digest)).count == 7)
    #expect(Set((others + [base]).map { TranscriptEntry.genesis(of: $0) }).count == 7)
  }

  /// What a site allows and the plan does not ask for does not happen.
  @Test func disclosuresNeedBothSides() throws {
    let asksNothing = try SyntheticStudy.plan(disclose: false)
    let study = AgreedStudy(
      plan: asksNothing, sites: ["a"], disclosures: Set(Disclosure.allCases))
    #expect(study.disclosures.isEmpty)
  }

  @Test func neededQueriesFollowThePlan() throws {
    let newton = try SyntheticStudy.plan()
    #expect(
      newton.neededQueries == [
        .profile, .performance, .distribution, .quantileCounts, .moments, .categoryCounts, .newton,
      ])
    let open = try SyntheticStudy.plan(
      models: SyntheticStudy.averaging("adam"), declaresWards: false)
    #expect(open.neededQueries.isSuperset(of: [.vocabulary, .averaging]))
    #expect(!open.neededQueries.contains(.newton))
  }
}
