import Cohort
import Foundation
import LinearModels
import PortableNumerics
import TestSupport
import Testing

@testable import Study

/// Choosing features from sums over the sites.
@Suite struct SelectionStudyTests {
  /// The synthetic study with an almost constant number, a copy of another, a number without any relation
  /// to the outcome, and one that nobody has.
  private static func yaml(
    _ selection: String, models: String = SyntheticStudy.newton
  ) -> String {
    let more = """
        - {name: scale, type: number, resolution: 1}
        - {name: months, type: number, resolution: 1}
        - {name: chance, type: number, resolution: 0.01}
        - {name: nothing, type: number}

      """
    return SyntheticStudy.yaml(models: models).replacing("holdout:", with: more + "holdout:")
      + "\nselection: \(selection)\n"
  }

  private static func plan(
    _ selection: String, models: String = SyntheticStudy.newton
  ) throws -> StudyPlan {
    try StudyPlan(yaml: yaml(selection, models: models), file: "study.yaml")
  }

  private static func table(_ plan: StudyPlan, patients: Int = 400) throws -> CohortTable {
    let base = try SyntheticCohort.table(
      StudyPlan(yaml: SyntheticStudy.yaml(), file: ""), patients: patients, seed: 21)
    guard case .number(let ages) = base.columns[0] else { throw CohortError(.shapeMismatch) }
    var generator = SplitMix64(seed: 4)
    return try CohortTable(
      features: plan.cohort.features,
      columns: base.columns + [
        .number((0..<patients).map { $0 % 151 == 7 ? 3 : 0 }), .number(ages.map { 12 * $0 }),
        .number(ages.map { _ in (generator.uniformDouble() * 100).rounded() / 100 }),
        .number(ages.map { _ in .nan }),
      ], outcome: base.outcome, isHoldout: base.isHoldout)
  }

  private static func reasons(_ result: StudyResult) -> [String: String] {
    (result.selection ?? []).reduce(into: [:]) { $0[$1.feature] = $1.leftOut }
  }

  /// Near-constant, missing, copied and irrelevant features go, by name and reason, the same over any
  /// partition; the model, its file and the distributions are of the others alone.
  @Test(arguments: 0..<3) func theSameFeaturesStayOverAnyPartition(seed: Int) async throws {
    let plan = try Self.plan("{near_constant: 0.02, screen: auroc, at_least: 0.54}")
    let table = try Self.table(plan)
    let pooled = try await FederatedEqualsPooledTests.run(plan, ["everybody": table])
    let cohorts = try SyntheticCohort.partition(table, into: 3 + seed, seed: UInt64(seed))
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    let reasons = Self.reasons(result)
    #expect(reasons["scale"] == "near constant" && reasons["nothing"] == "missing")
    #expect(reasons["months"] == "duplicate of age")
    #expect(reasons["chance"]?.hasPrefix("screen: AUROC below") == true, "\(reasons)")
    #expect(reasons["age"] == nil && reasons["lactate"] == nil)
    let names = result.transform.features.map(\.name)
    #expect(names.contains("age") && !names.contains("months") && !names.contains("scale"))
    #expect(result.transform == pooled.transform && result.digest == pooled.digest)
    #expect(Self.reasons(pooled) == reasons)
    #expect(FrozenPreparation(plan, result.transform).features.map(\.name) == names)
    for summaries in result.distributions.values {
      #expect(summaries.dropLast().map(\.feature) == names)
    }
    #expect(result.features.count == plan.cohort.features.count)
    let direct = try fit(table, transform: result.transform, ridge: 1, plan: plan)
    #expect(bits(direct) == bits(result.models[0].coefficients))
  }

  /// The statistics are those of the definition, over the pooled rows.
  @Test func theStatisticsAreThoseOfThePooledRows() async throws {
    let plan = try Self.plan("{screen: likelihood_ratio, p_value: 0.01, duplicates: 0}")
    let table = try Self.table(plan)
    let cohorts = try SyntheticCohort.partition(table, into: 4, seed: 2)
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    let facts = try #require(result.selection)
    let rows = table.rowIndices(.training)
    guard case .flag(let diabetes) = table.columns[3] else { return }
    // The flag by hand: pairs won by brute force, and the 3 × 2 table.
    var won = 0.0
    var pairs = 0.0
    for a in rows where table.outcome[a] == 1 && !diabetes[a].isNaN {
      for b in rows where table.outcome[b] == 0 && !diabetes[b].isNaN {
        won += diabetes[a] > diabetes[b] ? 1 : diabetes[a] == diabetes[b] ? 0.5 : 0
        pairs += 1
      }
    }
    let flag = try #require(facts.first { $0.feature == "diabetes" })
    #expect(abs((flag.auroc ?? 0) - won / pairs) < 1e-12)
    var cells = [[Double]](repeating: [0, 0], count: 3)
    for row in rows {
      cells[diabetes[row].isNaN ? 2 : Int(diabetes[row])][Int(table.outcome[row])] += 1
    }
    let all = Double(rows.count)
    var statistic = 0.0
    for cell in cells {
      for outcome in 0..<2 where cell[outcome] > 0 {
        let column = cells.reduce(0) { $0 + $1[outcome] }
        statistic +=
          2 * cell[outcome] * log(cell[outcome] * all / ((cell[0] + cell[1]) * column))
      }
    }
    #expect(abs(flag.likelihoodRatio - statistic) < 1e-9 && flag.freedom == 2)
    #expect(abs(flag.missingShare - cells[2].reduce(0, +) / all) < 1e-12)
    let age = try #require(facts.first { $0.feature == "age" })
    #expect(age.pValue < 0.01 && age.leftOut == nil && (age.auroc ?? 0) > 0.55)
    #expect(facts.first { $0.feature == "chance" }?.leftOut?.hasPrefix("screen: p above") == true)
    #expect(facts.first { $0.feature == "months" }?.leftOut == nil)
  }

  /// A number that points the other way at half of the sites goes; a name under `always` stays.
  @Test func unstableDirectionsGoAndNamedFeaturesStay() async throws {
    let plan = try Self.plan("{stable: 0.8, duplicates: 0, always: [scale]}")
    let table = try Self.table(plan, patients: 800)
    var cohorts = try SyntheticCohort.partition(table, into: 4, seed: 6)
    for site in cohorts.keys.sorted().prefix(2) {
      guard let own = cohorts[site], case .number(let ages) = own.columns[0] else { continue }
      var columns = own.columns
      columns[0] = .number(ages.map { 130 - $0 })
      cohorts[site] = try CohortTable(
        features: own.features, columns: columns, outcome: own.outcome, isHoldout: own.isHoldout)
    }
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    let reasons = Self.reasons(result)
    #expect(reasons["age"] == "unstable: 2 sites one way, 2 the other", "\(reasons)")
    #expect(reasons["lactate"] == nil && reasons["scale"] == nil)
    let lactate = try #require(result.selection?.first { $0.feature == "lactate" })
    // No site can tell: it stays.
    #expect(lactate.sitesHigher == 0 && lactate.sitesLower == 0)
    let ward = try #require(result.selection?.first { $0.feature == "ward" })
    #expect(ward.sitesHigher == 0 && ward.sitesLower == 0 && ward.leftOut == nil)
  }

  /// A small hospital where a useful number points the other way by chance has no vote, and does not put the
  /// number out against two that can tell.
  @Test func aSmallHospitalDoesNotVoteByChance() async throws {
    let plan = try Self.plan("{stable: 0.8, duplicates: 0}")
    var cohorts = try SyntheticCohort.partition(
      try Self.table(plan, patients: 900), into: 3, seed: 6)
    let last = try #require(cohorts.keys.max())
    var small = try #require(cohorts[last])
    small = try small.selecting(Array(0..<min(90, small.rowCount)))
    // Ages that say nothing: those of other patients.
    if case .number(let ages) = small.columns[0] {
      var columns = small.columns
      columns[0] = .number(ages.indices.map { 130 - ages[($0 * 7 + 3) % ages.count] })
      small = try CohortTable(
        features: small.features, columns: columns, outcome: small.outcome,
        isHoldout: small.isHoldout)
    }
    cohorts[last] = small
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    let age = try #require(result.selection?.first { $0.feature == "age" })
    #expect(age.leftOut == nil, "\(age.leftOut ?? "")")
    #expect(age.sitesHigher == 2 && age.sitesLower == 0)
  }

  /// The standard error is the spread over all ways of giving the outcome to as many patients.
  @Test(arguments: [[1, 1, 1, 1, 1, 1], [3, 1, 2, 2], [5, 4], [8], [2, 0, 7]])
  func theStandardErrorIsThatOfAllPermutations(bins: [Int]) {
    let patients = bins.enumerated().flatMap { Array(repeating: $0, count: $1) }
    for positives in 1..<patients.count {
      var areas: [Double] = []
      var error = 0.0
      for chosen in 0..<(1 << patients.count) where chosen.nonzeroBitCount == positives {
        var values = [Int](repeating: 0, count: 2 * bins.count + 2)
        for (place, bin) in patients.enumerated() {
          values[2 * bin + (chosen >> place & 1)] += 1
        }
        let counts = ScreenCounts(values)
        areas.append(counts.auroc ?? .nan)
        error = counts.standardErrorWithoutRelation
      }
      let variance =
        areas.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / Double(areas.count)
      #expect(abs(error - variance.squareRoot()) < 1e-9, "\(bins) \(positives)")
    }
  }

  /// Trees and filled values work on the chosen features, and the best are the best.
  @Test func treesAndEquationsTakeTheChosenFeatures() async throws {
    let models =
      SyntheticStudy.newton + "  - {name: t, learner: boosted_trees, trees: 3, increasing: [age]}\n"
    let text = "{screen: auroc, keep: 2}\nimputation: {method: chained, cycles: 2}"
    let plan = try Self.plan(text, models: models)
    let table = try Self.table(plan)
    let pooled = try await FederatedEqualsPooledTests.run(plan, ["everybody": table])
    let cohorts = try SyntheticCohort.partition(table, into: 3, seed: 1)
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    #expect(result.digest == pooled.digest)
    let names = result.transform.features.map(\.name)
    #expect(names.contains("age") && names.contains("lactate") && names.count <= 3, "\(names)")
    #expect(result.models[1].trees?.model.columns.features.map(\.name) == names)
    #expect(result.transform.completion?.equations?.targets.count == 1)
    let replayed = try await Self.replayed(Self.yaml(text, models: models), plan, cohorts)
    #expect(replayed == result.digest.hex)
  }

  private static func replayed(
    _ text: String, _ plan: StudyPlan, _ cohorts: [String: CohortTable]
  ) async throws -> String {
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let recording = RecordingFederation(
      PooledFederation(study, cohorts: cohorts), study: study)
    let result = try await StudyProgram(study, over: recording).run()
    let transcript = Transcript(
      studyText: text, sites: study.sites, disclosures: [], manifest: [],
      entries: recording.entries, result: result.digest)
    let again = try await transcript.replayed()
    return again.digest.hex
  }

  @Test(arguments: [
    ("{screen: auroc}", "the screen leaves nothing out"),
    ("{keep: 3}", "`keep` needs `screen`"),
    ("{screen: auroc, p_value: 0.1}", "screen: likelihood_ratio"),
    ("{screen: likelihood_ratio, at_least: 0.6}", "screen: auroc"),
    ("{always: [lactat]}", "did you mean `lactate`"), ("{stable: 0.2}", "0.5"),
    ("{epsilon: 1}", "epsilon"),
  ])
  func badSectionsAreExplained(_ section: String, _ expected: String) throws {
    do {
      _ = try Self.plan(section)
      Issue.record("accepted \(section)")
    } catch {
      #expect("\(error)".contains(expected), "\(error)")
    }
  }

  @Test func nothingLeftStopsTheStudyAndEpsilonIsRefused() async throws {
    let plan = try Self.plan("{screen: auroc, at_least: 0.99}")
    let cohorts = try SyntheticCohort.partition(Self.table(plan), into: 3, seed: 1)
    do {
      _ = try await FederatedEqualsPooledTests.run(plan, cohorts)
      Issue.record("no feature is left")
    } catch let error as StudyError {
      #expect(error.message.contains("leaves no feature"))
    }
    #expect(throws: (any Error).self) {
      try StudyPlan(
        yaml: SyntheticStudy.yaml(epsilon: 3) + "\nselection: {}\n", file: "study.yaml")
    }
    #expect(try Self.plan("{}").neededQueries.isSuperset(of: [.screen, .crossProducts]))
    #expect(!(try Self.plan("{duplicates: 0}").neededQueries.contains(.crossProducts)))
  }
}
