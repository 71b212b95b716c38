import Cohort
import TestSupport
import Testing

@testable import Study

/// Votes of the sites on a model.
@Suite struct VoteTests {
  private static let votes = "{every: 1, stop_above: 0.5, tolerance: 0.02}"

  private func plan(_ votes: String? = votes, epsilon: Double? = nil, models: String? = nil) throws
    -> StudyPlan
  {
    try StudyPlan(
      yaml: SyntheticStudy.yaml(
        models: models ?? SyntheticStudy.newton, epsilon: epsilon, votes: votes),
      file: "study.yaml")
  }

  private func run(
    _ plan: StudyPlan, _ sites: [String: CohortTable], noiseKey: [UInt8]? = nil
  ) async throws -> (StudyResult, RecordingFederation) {
    let study = AgreedStudy.synthetic(plan, sites: sites.keys.sorted())
    let federation = RecordingFederation(
      PooledFederation(study, cohorts: sites, noiseKey: noiseKey), study: study)
    return (try await StudyProgram(study, over: federation).run(), federation)
  }

  private func sites(_ plan: StudyPlan, patients: Int = 600) throws -> [String: CohortTable] {
    try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: patients, seed: 3), into: 4, seed: 4)
  }

  @Test("Honest sites accept their models, and votes change no coefficient")
  func honest() async throws {
    for models in [
      SyntheticStudy.newton, SyntheticStudy.averaging("adam", rounds: 6),
    ] {
      let voting = try plan(models: models)
      let sites = try sites(voting)
      let (with, _) = try await run(voting, sites)
      let (without, _) = try await run(try plan(nil, models: models), sites)
      #expect(with.models.map(\.coefficients) == without.models.map(\.coefficients))
      let asked = with.disclosures.filter { $0.purpose == "vote on the model" }
      #expect(!asked.isEmpty)
      #expect(!without.disclosures.contains { $0.purpose == "vote on the model" })
    }
  }

  @Test("Sites whose training outcomes are turned around do not get their model past the others")
  func poisoned() async throws {
    let plan = try plan()
    var sites = try sites(plan)
    // The largest site: more training patients than the others together, all turned around.
    sites["site-4"] = try SyntheticCohort.table(plan, patients: 2_400, seed: 9)
      .withTrainingOutcomesFlipped()
    do {
      _ = try await run(plan, sites)
      Issue.record("the poisoned model was released")
    } catch let error as StudyError {
      #expect(error.code == .modelRejected)
      #expect(error.message.contains("of 4 sites voted against the model `newton`"), "\(error)")
    }
    // Nobody asks without the section, and the model goes through.
    _ = try await run(try self.plan(nil), sites)
  }

  private func query(
    _ plan: StudyPlan, _ sites: [String: CohortTable], noise: NoiseRequirement? = nil
  ) async throws -> SumQuery.VoteQuery {
    let (result, _) = try await run(plan, sites)
    let model = try #require(result.models.first)
    return SumQuery.VoteQuery(
      transform: result.transform, model: "m", step: 1, candidate: model.coefficients,
      reference: model.coefficients.map { -$0 }, tolerance: 0, noise: noise)
  }

  @Test(
    "A site is against what is worse, not against what is better or the same, nor without holdout")
  func oneSite() async throws {
    let plan = try plan(nil)
    let sites = try sites(plan)
    let better = try await query(plan, sites)
    var worse = better
    swap(&worse.candidate, &worse.reference)
    var same = better
    same.reference = same.candidate
    var absurd = better
    absurd.candidate[0] = .nan
    let cohort = try #require(sites["site-4"])
    func vote(_ query: SumQuery.VoteQuery, _ cohort: CohortTable) throws -> [Int64] {
      var answers = LocalAnswers(site: "site-4", plan: plan, cohort: cohort, noiseKey: nil)
      return try answers.answer(.vote(query))
    }
    #expect(try vote(better, cohort) == [0])
    #expect(try vote(worse, cohort) == [1])
    #expect(try vote(same, cohort) == [0])
    #expect(try vote(absurd, cohort) == [1])
    let training = try cohort.selecting(cohort.rowIndices(.training))
    #expect(try vote(worse, training) == [0])
    // The door lets 0 and 1 out, nothing else.
    #expect(throws: StudyError(.malformedAnswer, "")) {
      try SumQuery.vote(better).check([2], in: plan, rowCount: 500)
    }
    try SumQuery.vote(better).check([1], in: plan, rowCount: 500)
  }

  @Test("One patient moves what a site votes by, by at most the planned sensitivity")
  func sensitivity() async throws {
    let plan = try plan(nil)
    let sites = try sites(plan)
    var query = try await query(plan, sites)
    query.candidate = query.candidate.map { 9 * $0 }
    let cohort = try #require(sites["site-3"])
    func sum(_ cohort: CohortTable) throws -> Int64 {
      var answers = LocalAnswers(site: "site-3", plan: plan, cohort: cohort, noiseKey: nil)
      return try #require(try answers.worsening(query)).sum
    }
    let all = try sum(cohort)
    var largest: Int64 = 0
    for left in cohort.rowIndices(.all) {
      let rest = cohort.rowIndices(.all).filter { $0 != left }
      largest = max(largest, abs(try sum(try cohort.selecting(rest)) - all))
    }
    #expect(largest > 0 && largest <= Int64(PrivacyPlan.countUnit))
  }

  @Test("Under differential privacy votes are in the plan and in what is proven")
  func planned() async throws {
    let plan = try plan("{every: 2}", epsilon: 3)
    let privacy = try #require(try PrivacyPlan(plan))
    // Three steps: after the second, after the last, and before release.
    let votes = try #require(privacy.releases.first { $0.content == .votes(model: 0) })
    #expect(votes.count == 3 && !votes.isSum && votes.noise.group == .holdout)
    #expect(votes.noise.sensitivitySquared == PrivacyPlan.countUnit * PrivacyPlan.countUnit)
    #expect(privacy.epsilon <= 3 * (1 + 1e-9) && privacy.epsilon > 2.9)
    // Three thousand patients: noisy votes do not stop an honest study.
    let sites = try sites(plan, patients: 3_000)
    let key = [UInt8](repeating: 5, count: 32)
    let (result, federation) = try await run(plan, sites, noiseKey: key)
    #expect(result.disclosures.contains { $0.purpose == "vote on the model" })
    var asked = 0
    for entry in federation.entries {
      if entry.kind == .vote, case .total(let total) = entry.content {
        asked += 1
        // A count of votes, not a count with noise.
        #expect(0...4 ~= total.values[0])
      }
    }
    #expect(asked == 3)
  }

  @Test("The section's values are checked, and are part of what sites approve")
  func settings() throws {
    #expect(throws: (any Error).self) { try plan("{every: 0}") }
    #expect(throws: (any Error).self) { try plan("{stop_above: 1}") }
    #expect(throws: (any Error).self) { try plan("{often: 3}") }
    let digests = try [nil, "{}", "{every: 3}", "{stop_above: 0.4}", "{tolerance: 0.1}"].map {
      try plan($0).digest
    }
    #expect(Set(digests).count == digests.count)
    #expect(try plan("{}").neededQueries.contains(.vote))
    #expect(try !plan(nil).neededQueries.contains(.vote))
    let votes = VoteSpecification()
    #expect(!votes.stops(against: 2, voters: 4) && votes.stops(against: 3, voters: 4))
    #expect(votes.count(steps: 0) == 0 && votes.count(steps: 5) == 6)
  }
}
