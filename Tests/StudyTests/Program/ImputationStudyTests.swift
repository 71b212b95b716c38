import Cohort
import Foundation
import PortableNumerics
import Synchronization
import TestSupport
import Testing

@testable import Study

/// Studies that fill missing numbers by equations or by similar patients.
@Suite struct ImputationStudyTests {
  private static func yaml(_ imputation: String, models: String = SyntheticStudy.newton) -> String {
    SyntheticStudy.yaml(models: models) + "\nimputation: \(imputation)\n"
  }

  private static func plan(_ imputation: String) throws -> StudyPlan {
    try StudyPlan(yaml: yaml(imputation), file: "study.yaml")
  }

  /// The synthetic patients, some of them without an age.
  private static func table(_ plan: StudyPlan, patients: Int = 500) throws -> CohortTable {
    let table = try SyntheticCohort.table(plan, patients: patients, seed: 11)
    var columns = table.columns
    if case .number(var ages) = columns[0] {
      for row in ages.indices where row % 5 == 2 { ages[row] = .nan }
      columns[0] = .number(ages)
    }
    return try CohortTable(
      features: table.features, columns: columns, outcome: table.outcome,
      isHoldout: table.isHoldout)
  }

  /// Chained equations over any sites are those of the pooled patients, bit for bit, and so is the model.
  @Test(arguments: 0..<6) func chainedEquationsEqualThePooledOnes(seed: Int) async throws {
    let plan = try Self.plan("{method: chained, cycles: 4}")
    let table = try Self.table(plan)
    let pooled = try await FederatedEqualsPooledTests.run(plan, ["everybody": table])
    let cohorts = try SyntheticCohort.partition(table, into: 3 + seed, seed: UInt64(seed))
    let federated = try await FederatedEqualsPooledTests.run(plan, cohorts)
    let equations = try #require(federated.transform.completion?.equations)
    #expect(equations.targets.map(\.feature) == [0, 1] && equations.cycles.count == 4)
    #expect(federated.transform == pooled.transform)
    #expect(federated.preparation == pooled.preparation)
    #expect(bits(federated.models[0].coefficients) == bits(pooled.models[0].coefficients))
    #expect(federated.digest == pooled.digest)
    let plain = try await FederatedEqualsPooledTests.run(
      StudyPlan(yaml: SyntheticStudy.yaml(), file: "study.yaml"), cohorts)
    #expect(plain.transform.features == federated.transform.features)
    #expect(bits(plain.models[0].coefficients) != bits(federated.models[0].coefficients))
    #expect(
      federated.notes.contains { $0.contains("age, lactate were predicted from") },
      "\(federated.notes)")
    #expect(
      federated.disclosures.contains {
        $0.purpose == "sums of products of columns" && $0.queryCount == 4
      })
  }

  /// Donors stay at their site: the transform and every question are the same whatever they are, and the
  /// model file has the median.
  @Test func similarCasesFillAtTheSiteAndTheProgramIsTheSame() async throws {
    let plan = try Self.plan("{similar_cases: [lactate], neighbours: 5, minimum_shared: 2}")
    let table = try Self.table(plan)
    let cohorts = try SyntheticCohort.partition(table, into: 4, seed: 3)
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    let similar = try #require(result.transform.completion?.similarCases)
    #expect(similar.features == [1] && similar.neighbours == 5)
    #expect(result.transform.completion?.equations == nil)
    let plain = try await FederatedEqualsPooledTests.run(
      StudyPlan(yaml: SyntheticStudy.yaml(), file: "study.yaml"), cohorts)
    #expect(plain.transform.features == result.transform.features)
    #expect(bits(plain.models[0].coefficients) != bits(result.models[0].coefficients))
    #expect(result.disclosures.map(\.purpose) == plain.disclosures.map(\.purpose))
    #expect(result.notes.contains { $0.contains("the medians stand in") })
    // Sites may be summed in any order, and asked again.
    let again = try await FederatedEqualsPooledTests.run(plan, cohorts)
    #expect(again.digest == result.digest)
    let cell = try #require(
      (0..<table.rowCount).first { table.columns[1].isMissing($0) && !table.isHoldout[$0] })
    let byFile = try result.transform.apply(to: table)
    let median = try plain.transform.apply(to: table)
    #expect(byFile == median && byFile.row(cell).elementsEqual(median.row(cell)))
  }

  /// Donors are looked for once, however many cycles of equations follow, and the design is the one that
  /// looking for them anew gives.
  @Test func donorsAreLookedForOnce() throws {
    let plan = try Self.plan("{similar_cases: [lactate], neighbours: 3, minimum_shared: 2}")
    let table = try Self.table(plan)
    var answers = LocalAnswers(site: "a", plan: plan, cohort: table, noiseKey: nil)
    func number(_ name: String, center: Double) -> TransformedFeature {
      .number(
        .init(
          name: name, imputation: center, center: center, scale: 2, hasMissingIndicator: false))
    }
    let features = [number("age", center: 60), number("lactate", center: 2)]
    let similar = SimilarCases(
      features: [1], neighbours: 3, minimumShared: 1, maximumDonors: 1000)
    for cycle in 0..<4 {
      let transform = try FrozenTransform(
        features,
        completion: Completion(
          similarCases: similar,
          equations: ChainedEquations(
            targets: [.init(feature: 0, low: -5, high: 5)],
            cycles: (0..<cycle).map { [[0.1 * Double($0), 0, 0.5]] })))
      let design = try answers.prepare(transform)
      let anew = try transform.apply(to: table, donors: table.rowIndices(.training))
      #expect(bits(design.storage) == bits(anew.values))
      #expect(answers.donorSearchCount == 1)
    }
    // Other neighbours are another search.
    var wider = similar
    wider.neighbours = 4
    _ = try answers.prepare(
      FrozenTransform(features, completion: Completion(similarCases: wider)))
    #expect(answers.donorSearchCount == 2)
  }

  /// A replay of the published sums gives the same equations without any patient.
  @Test func equationsAreReplayed() async throws {
    let plan = try Self.plan("{chained: [lactate], cycles: 2}")
    let cohorts = try SyntheticCohort.partition(Self.table(plan), into: 3, seed: 1)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let recording = RecordingFederation(
      PooledFederation(study, cohorts: cohorts), study: study)
    let first = try await StudyProgram(study, over: recording).run()
    let transcript = Transcript(
      studyText: Self.yaml("{chained: [lactate], cycles: 2}"), sites: study.sites, disclosures: [],
      manifest: [], entries: recording.entries, result: first.digest)
    let result = try await transcript.replayed()
    #expect(result.digest == first.digest)
    #expect(result.transform.completion?.equations?.cycles.count == 2)
  }

  /// Without enough patients for so many columns there are no equations, and the report says so.
  @Test func tooFewValuesKeepTheMedian() async throws {
    let plan = try Self.plan("{method: chained}")
    let cohorts = try SyntheticCohort.partition(
      Self.table(plan, patients: 90), into: 3, seed: 1)
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    #expect(result.transform.completion == nil)
    #expect(result.notes.contains { $0.contains("too few for equations") }, "\(result.notes)")
  }

  /// Sums that no patients have stop the study with what was asked.
  @Test func impossibleSumsStopTheStudy() async throws {
    let plan = try Self.plan("{method: chained}")
    let cohorts = try SyntheticCohort.partition(Self.table(plan), into: 3, seed: 1)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    for change in [Int64(1) << 24 * 2, 1] {
      let federation = AlteredFederation(
        PooledFederation(study, cohorts: cohorts),
        total: { query, total in
          guard case .crossProducts = query else { return total }
          var values = total.values
          values[0] += change << 20
          values[0] += change
          return Total(values: values, participants: total.participants)
        })
      await #expect(throws: StudyError.self) {
        try await StudyProgram(study, over: federation).run()
      }
    }
  }

  /// A number whose sums give no equation has its median, at every site and in predictions; the others
  /// have their equations, and the report says so. Decided by the sums only.
  @Test(arguments: [0, 2]) func anUnsolvableEquationFallsBackToTheMedian(cycle: Int) async throws {
    let plan = try Self.plan("{method: chained, cycles: 4}")
    let cohorts = try SyntheticCohort.partition(Self.table(plan), into: 3, seed: 1)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    func run(_ emptied: Set<Int>, from first: Int) async throws -> (StudyResult, [[Int?]]) {
      let asked = Mutex<[[Int?]]>([])
      let federation = AlteredFederation(
        PooledFederation(study, cohorts: cohorts),
        total: { query, total in
          guard case .crossProducts(let products) = query else { return total }
          let count = asked.withLock {
            $0.append(products.targets)
            return $0.count
          }
          guard count > first else { return total }
          let length = ChainedEquations.sumCount(products.transform)
          var values = total.values
          for (place, target) in products.targets.enumerated()
          where target.map(emptied.contains) ?? false {
            for index in (place * length)..<((place + 1) * length) { values[index] = 0 }
          }
          return Total(values: values, participants: total.participants)
        })
      let result = try await StudyProgram(study, over: federation).run()
      return (result, asked.withLock { $0 })
    }
    let (result, asked) = try await run([0], from: cycle)
    let equations = try #require(result.transform.completion?.equations)
    #expect(equations.targets.map(\.feature) == [1])
    #expect(equations.cycles.count == 4 && equations.cycles.allSatisfy { $0.count == 1 })
    #expect(asked == (0..<4).map { $0 <= cycle ? [0, 1] : [1] })
    #expect(
      result.notes.contains { $0.contains("of age have their medians: their equations could") },
      "\(result.notes)")
    #expect(result.notes.contains { $0.contains("of lactate were predicted from") })
    // Without any equation left nothing more is asked, and the transform is the plain one.
    let (plain, once) = try await run([0, 1], from: cycle)
    #expect(plain.transform.completion == nil && once.count == cycle + 1)
    #expect(plain.notes.contains { $0.contains("of age, lactate have their medians") })
    #expect(!plain.notes.contains { $0.contains("were predicted from") })
  }

  @Test func indicatorsMayBeLeftOut() async throws {
    let plan = try Self.plan("{indicators: false}")
    let cohorts = try SyntheticCohort.partition(Self.table(plan), into: 3, seed: 1)
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    #expect(!result.transform.designColumnNames.contains("lactate (missing)"))
    #expect(result.transform.completion == nil)
  }

  @Test(arguments: [
    ("{method: chained, median: [lactates]}", "did you mean `lactate`"),
    ("{chained: [ward]}", "`ward` is not a number"),
    ("{chained: [age], median: [age]}", "named twice"),
    ("{cycles: 3}", "`cycles` has no effect"),
    ("{method: chained, neighbours: 3}", "`neighbours` has no effect"),
    ("{method: kriging}", "similar_cases"),
    ("{method: chained, cycles: 0}", "1"),
  ])
  func badSectionsAreExplained(_ section: String, _ expected: String) throws {
    do {
      _ = try Self.plan(section)
      Issue.record("accepted \(section)")
    } catch {
      #expect("\(error)".contains(expected), "\(error)")
    }
  }

  @Test func whatCannotWorkIsRefused() throws {
    let trees = "  - {name: t, learner: boosted_trees, trees: 3}\n"
    #expect(throws: (any Error).self) {
      try StudyPlan(yaml: Self.yaml("{method: chained}", models: trees), file: "study.yaml")
    }
    #expect(throws: (any Error).self) {
      try StudyPlan(
        yaml: SyntheticStudy.yaml(epsilon: 3) + "\nimputation: {method: chained}\n",
        file: "study.yaml")
    }
    let plan = try Self.plan("{method: chained, median: [age]}")
    #expect(plan.neededQueries.contains(.crossProducts))
    #expect(plan.numbers(imputedBy: .chained) == [1])
    #expect(plan.digest != (try StudyPlan(yaml: SyntheticStudy.yaml(), file: "")).digest)
    #expect(!(try Self.plan("{}")).neededQueries.contains(.crossProducts))
  }
}
