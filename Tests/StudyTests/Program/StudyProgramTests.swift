import Cohort
import Foundation
import LinearModels
import TestSupport
import Testing

@testable import Study

/// The whole program over pooled rows, with awkward sites.
@Suite struct StudyProgramTests {
  private static let allModels =
    SyntheticStudy.newton
    + ServerOptimiser.allCases.map { SyntheticStudy.averaging($0.rawValue) }.joined()

  private func run(
    _ plan: StudyPlan, _ cohorts: [String: CohortTable]
  ) async throws -> StudyResult {
    try await FederatedEqualsPooledTests.run(plan, cohorts)
  }

  @Test(arguments: [3, 5]) func runsEndToEnd(siteCount: Int) async throws {
    let plan = try SyntheticStudy.plan(models: Self.allModels, disclose: true, minimumCell: 5)
    let table = try SyntheticCohort.table(plan, patients: 900, seed: 21)
    let cohorts = try SyntheticCohort.partition(table, into: siteCount, seed: 4)
    let result = try await run(plan, cohorts)
    let sites = SyntheticCohort.siteNames(siteCount)

    #expect(result.sites.map(\.name) == sites)
    #expect(result.totals.patientCount == 900)
    #expect(result.totals.trainingCount + result.totals.holdoutCount == 900)
    #expect(result.models.map(\.name) == ["newton"] + ServerOptimiser.allCases.map(\.rawValue))
    #expect(result.performance.map(\.model) == result.models.map(\.name))
    for model in result.models {
      #expect(model.coefficients.count == result.transform.columnCount + 1)
      #expect(areFinite(model.coefficients))
      #expect(model.columns == result.transform.designColumnNames)
    }
    #expect(result.models[0].converged && result.models[0].standardErrors != nil)
    for evaluated in result.performance { #expect(Set(evaluated.sites.keys) == Set(sites)) }
    #expect(Set(result.ownModels.keys) == Set(sites))
    #expect(result.matrix?.models == ["newton"] + sites.map { "only \($0)" })
    #expect(result.matrix?.auroc.allSatisfy { $0.count == siteCount } == true)
    #expect(result.leaveOneSiteOut.map { Set($0.keys) } == Set(sites))
    #expect(!result.summaries.isEmpty)
    #expect(Set(result.distributions.keys) == Set(sites))
    // The diagonal of the matrix is the site's own model on its own holdout.
    for (index, site) in sites.enumerated() {
      #expect(
        result.matrix?.auroc[index + 1][index] == result.ownModels[site]?.discrimination?.value)
    }
    // It discriminates: the outcome was drawn from these features.
    let largest = try #require(result.performance[0].sites[sites[siteCount - 1]])
    #expect(try #require(largest.discrimination).value > 0.65)
    // Everything survives its JSON twin.
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = try encoder.encode(result)
    let decoded = try JSONDecoder().decode(StudyResult.self, from: json)
    #expect(decoded.digest == result.digest)
    #expect(try encoder.encode(decoded) == json)
  }

  @Test func theLedgerNamesWhatLeft() async throws {
    let plan = try SyntheticStudy.plan(disclose: true, declaresWards: false)
    let table = try SyntheticCohort.table(plan)
    let result = try await run(plan, try SyntheticCohort.partition(table, into: 4, seed: 1))
    let kinds = result.disclosures.map { "\($0.stage): \($0.purpose), \($0.kind)" }
    #expect(
      kinds == [
        "profile: profile counts, secure sum", "prepare: category names, site answer",
        "prepare: category counts, secure sum", "prepare: quantile counts, secure sum",
        "prepare: means and standard deviations, secure sum",
        "fit: logistic regression, Newton step, secure sum", "validate: own model, site answer",
        "validate: performance on own holdout, site answer",
        "drift: distributions for drift, site answer",
      ])
    #expect(result.disclosures.allSatisfy { $0.fewestSites == 4 && $0.queryCount > 0 })
    let newton = try #require(result.disclosures.first { $0.purpose.contains("Newton") })
    #expect(newton.queryCount >= result.models[0].iterationCount)
    #expect(result.sites.allSatisfy { $0.sumsTakenPart == $0.sumCount && $0.sumCount > 5 })
  }

  @Test func withoutTheDisclosuresNothingOfOneSiteIsFitted() async throws {
    let plan = try SyntheticStudy.plan(disclose: true)
    let cohorts = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 4, seed: 2)
    let study = AgreedStudy(plan: plan, sites: cohorts.keys.sorted(), disclosures: [])
    let federation = AlteredFederation(
      PooledFederation(study, cohorts: cohorts),
      total: { query, total in
        if case .newton(let newton) = query {
          #expect(newton.fits.count == 1 && newton.fits[0].excludedSite == nil)
        }
        return total
      },
      answers: { query, answers in
        #expect(query.kind != .ownModel)
        if case .performance(let request) = query {
          #expect(request.models.allSatisfy { $0.origin == .study })
        }
        return answers
      })
    let result = try await StudyProgram(study, over: federation).run()
    #expect(result.matrix == nil && result.leaveOneSiteOut == nil)
    #expect(result.ownModels.count == 4)
    #expect(result.study.disclosures.isEmpty)
  }

  /// One site has only survivors, one has no holdout, one has nobody at all.
  @Test func awkwardSitesFinishAndAreNamed() async throws {
    let plan = try SyntheticStudy.plan(
      models: SyntheticStudy.newton + SyntheticStudy.averaging("adam"), disclose: true)
    let table = try SyntheticCohort.table(plan, patients: 700, seed: 3)
    var rows: [String: [Int]] = [:]
    for row in 0..<table.rowCount {
      switch row % 5 {
      case 0: if table.outcome[row] == 0 { rows["survivors", default: []].append(row) }
      case 1: if !table.isHoldout[row] { rows["no-holdout", default: []].append(row) }
      case 2: rows["usual", default: []].append(row)
      case 3: if table.isHoldout[row] { rows["only-holdout", default: []].append(row) }
      default: rows["also-usual", default: []].append(row)
      }
    }
    rows["nobody"] = []
    let cohorts = try rows.mapValues { try table.selecting($0) }
    let result = try await run(plan, cohorts)
    let primary = result.performance[0].sites
    #expect(primary["survivors"]?.discrimination == nil)
    #expect(primary["survivors"]?.patientCount ?? 0 > 0)
    #expect(primary["survivors"]?.observedExpected != nil)
    #expect(primary["no-holdout"]?.patientCount == 0)
    #expect(primary["nobody"]?.patientCount == 0)
    #expect(primary["usual"]?.discrimination != nil)
    #expect(result.ownModels["survivors"] == nil && result.ownModels["only-holdout"] == nil)
    #expect(result.ownModels["usual"] != nil)
    #expect(result.matrix?.models.contains("only survivors") == false)
    #expect(result.notes.contains { $0.hasPrefix("survivors:") })
    #expect(result.models.allSatisfy { areFinite($0.coefficients) })
  }

  @Test func rareLevelsMergeAndGapsGetIndicators() async throws {
    let plan = try SyntheticStudy.plan(minimumCell: 10)
    let table = try SyntheticCohort.table(plan, patients: 500, seed: 6)
    let result = try await run(plan, try SyntheticCohort.partition(table, into: 4, seed: 6))
    guard case .category(let ward) = result.transform.features[2],
      case .number(let age) = result.transform.features[0],
      case .number(let lactate) = result.transform.features[1],
      case .flag(let diabetes) = result.transform.features[3]
    else {
      Issue.record("the features changed their kinds")
      return
    }
    // Fewer than ten patients are in the attic: they count as "other", without a column of their own.
    #expect(ward.levels == ["medicine", "surgery", "neurology"] && ward.reference == "medicine")
    #expect(!ward.hasOther && ward.hasMissingLevel)
    #expect(!age.hasMissingIndicator && lactate.hasMissingIndicator)
    #expect(diabetes.hasMissingIndicator && diabetes.imputation == 0)
    let training = table.rowIndices(.training)
    let known = training.map { table.numbers(1)[$0] }.filter { !$0.isNaN }.sorted()
    #expect(lactate.imputation == known[(known.count + 1) / 2 - 1])
    let mean = known.reduce(0, +) / Double(known.count)
    let variance = known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count)
    #expect(abs(lactate.center - mean) < 1e-6)
    #expect(abs(lactate.scale - variance.squareRoot()) < 1e-6)
    let facts = result.features[1]
    #expect(facts.presentCount == known.count)
    #expect(abs(facts.missingShare - 1 + Double(known.count) / Double(training.count)) < 1e-12)
    #expect(
      facts.deciles == (1...9).map { known[max(($0 * known.count + 9) / 10, 1) - 1] })
  }

  @Test func aFeatureThatNobodyHasIsHarmless() async throws {
    let plan = try SyntheticStudy.plan()
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 7)
    var columns = table.columns
    columns[1] = .number([Double](repeating: .nan, count: 300))
    let empty = try CohortTable(
      features: table.features, columns: columns, outcome: table.outcome,
      isHoldout: table.isHoldout)
    let result = try await run(plan, try SyntheticCohort.partition(empty, into: 3, seed: 7))
    #expect(result.features[1].deciles == nil && result.features[1].missingShare == 1)
    let column = try #require(result.models[0].columns.firstIndex(of: "lactate"))
    #expect(result.models[0].coefficients[column + 1] == 0)
  }

  @Test func aModelWithoutPenaltyOverACopyIsNamedNotEstimable() async throws {
    let plan = try SyntheticStudy.plan(models: "  - {name: free, ridge: 0}\n")
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 7)
    var columns = table.columns
    columns[1] = .number([Double](repeating: 1, count: 300))
    let constant = try CohortTable(
      features: table.features, columns: columns, outcome: table.outcome,
      isHoldout: table.isHoldout)
    await #expect(throws: StudyError(.notEstimable, "")) {
      _ = try await run(plan, try SyntheticCohort.partition(constant, into: 3, seed: 7))
    }
  }

  @Test func tooFewPatientsStopBeforeAnythingIsFitted() async throws {
    let plan = try SyntheticStudy.plan(minimumCell: 10)
    let table = try SyntheticCohort.table(plan, patients: 18, seed: 1)
    await #expect(throws: StudyError(.tooFew, "")) {
      _ = try await run(plan, try SyntheticCohort.partition(table, into: 3, seed: 1))
    }
  }

  /// Rows with one content are one patient: all of them may be held out.
  @Test func tooFewAreLeftBesideTheHoldout() async throws {
    var plan = try SyntheticStudy.plan(minimumCell: 10)
    plan.cohort.patientColumn = nil
    let table = try SyntheticCohort.table(plan, patients: 90, seed: 1)
    let heldOut = try CohortTable(
      features: table.features, columns: table.columns, outcome: table.outcome,
      isHoldout: (0..<90).map { $0 >= 6 })
    let error = await #expect(throws: StudyError.self) {
      _ = try await run(plan, try SyntheticCohort.partition(heldOut, into: 3, seed: 1))
    }
    #expect(error?.code == .tooFew)
    let text = error?.message ?? ""
    #expect(
      text.contains("84 patients are held out, which leaves 6 for training"), "\(text)")
    #expect(text.contains("`cohort.patient`") && text.contains("`holdout`"), "\(text)")
  }

  @Test func divergedTrainingSendsNothingAndSaysWhere() async throws {
    let plan = try SyntheticStudy.plan(
      models: "  - {name: wild, training: federated-averaging, learning_rate: 100, ridge: 1000}\n")
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 7)
    do {
      _ = try await run(plan, try SyntheticCohort.partition(table, into: 3, seed: 7))
      Issue.record("accepted")
    } catch let error as StudyError {
      #expect(error.code == .diverged)
      #expect(error.message.contains("site-1") && error.message.contains("wild"))
      #expect(error.message.contains("learning_rate"))
    }
  }

  @Test func progressRunsForwardFromStartToEnd() async throws {
    let plan = try SyntheticStudy.plan(models: Self.allModels)
    let cohorts = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 300), into: 3, seed: 2)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let seen = Collected<StageProgress>()
    _ = try await StudyProgram(
      study, over: PooledFederation(study, cohorts: cohorts) { seen.append($0) }
    ).run()
    let fractions = seen.values.map(\.fraction)
    #expect(fractions.first == 0 && fractions.allSatisfy { (0...1).contains($0) })
    #expect(zip(fractions, fractions.dropFirst()).allSatisfy { $0 <= $1 })
    var stages: [String] = []
    for stage in seen.values.map(\.stage) where stages.last != stage { stages.append(stage) }
    #expect(stages == ["profile", "prepare", "fit", "validate", "drift", "report"])
  }
}
