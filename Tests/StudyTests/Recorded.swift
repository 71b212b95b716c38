import Cohort
import TestSupport

@testable import Study

/// One small study, run once and kept with everything it asked and published.
struct Recorded: Sendable {
  let plan: StudyPlan
  let study: AgreedStudy
  let cohorts: [String: CohortTable]
  let result: StudyResult
  let transcript: Transcript
  let head: String
  let sums: [SumQuery]
  let siteQueries: [SiteQuery]

  /// Every kind of query once at least. Made once, because several suites read it.
  static let shared = Task<Recorded, any Error> {
    let text = SyntheticStudy.yaml(
      models: SyntheticStudy.newton + SyntheticStudy.averaging("adam", rounds: 2), disclose: true,
      declaresWards: false)
    let plan = try StudyPlan(yaml: text, file: "study.yaml")
    let cohorts = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 240, seed: 77), into: 3, seed: 77)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let sums = Collected<SumQuery>()
    let siteQueries = Collected<SiteQuery>()
    let recording = RecordingFederation(
      AlteredFederation(
        PooledFederation(study, cohorts: cohorts),
        total: { query, total in
          sums.append(query)
          return total
        },
        answers: { query, answers in
          siteQueries.append(query)
          return answers
        }), study: study)
    let result = try await StudyProgram(study, over: recording).run()
    let transcript = Transcript(
      studyText: text, sites: study.sites, disclosures: Disclosure.allCases,
      manifest: [1, 2, 3], entries: recording.entries, result: result.digest)
    return Recorded(
      plan: plan, study: study, cohorts: cohorts, result: result, transcript: transcript,
      head: recording.head.hex, sums: sums.values, siteQueries: siteQueries.values)
  }
}
