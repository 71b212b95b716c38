import Cohort
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Study

/// What one patient with several rows moves, over every release of a study as the program asks for it.
@Suite("One patient moves a release by no more than it is charged for")
struct ReleaseSensitivityTests {
  /// Keeps every question that the program asks.
  private actor Questions: Federation {
    private let base: PooledFederation
    private(set) var sums: [SumQuery] = []
    private(set) var tables: [SiteQuery] = []

    init(_ base: PooledFederation) { self.base = base }

    func sum(_ query: SumQuery) async throws -> Total {
      sums.append(query)
      return try await base.sum(query)
    }

    func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
      tables.append(query)
      return try await base.perSite(query)
    }

    func report(_ progress: StageProgress) async {}
  }

  /// The cohort with one to five rows per patient, all on one side of the holdout.
  private static func repeated(_ table: CohortTable) throws -> CohortTable {
    var patients: [Int32] = []
    while patients.count < table.rowCount {
      let patient = patients.last.map { $0 + 1 } ?? 0
      patients += [Int32](repeating: patient, count: 1 + Int(patient) % 5)
    }
    patients.removeLast(patients.count - table.rowCount)
    var holdout = table.isHoldout
    for row in 1..<table.rowCount where patients[row] == patients[row - 1] {
      holdout[row] = holdout[row - 1]
    }
    return try CohortTable(
      features: table.features, columns: table.columns, outcome: table.outcome,
      isHoldout: holdout, hasOutcome: table.hasOutcome, patients: patients,
      sourceRows: table.sourceRows, flow: table.flow, faults: table.faults)
  }

  @Test(
    "with and without a patient",
    arguments: [
      SyntheticStudy.newton,
      "  - {name: steps, training: federated-averaging, rounds: 3, clip: 0.5, sampling_rate: 0.5}\n",
      "  - {name: shapes, learner: ebm, passes: 3}\n",
      "  - {name: steps, training: federated-averaging, rounds: 3, clip: 2, clip_quantile: 0.5}\n",
      "  - {name: forest, learner: random_forest, trees: 9, maximum_depth: 3}\n",
      "  - {name: trees, learner: boosted_trees, trees: 2, maximum_depth: 2}\n",
    ])
  func removingOnePatient(models: String) async throws {
    let plan = try StudyPlan(
      yaml: SyntheticStudy.yaml(models: models, epsilon: 8), file: "study.yaml")
    let table = try Self.repeated(try SyntheticCohort.table(plan, patients: 300))
    let sites = try SyntheticCohort.partition(table, into: 3, seed: 9)
    let study = AgreedStudy.synthetic(plan, sites: sites.keys.sorted())
    let questions = Questions(
      PooledFederation(study, cohorts: sites, noiseKey: [UInt8](repeating: 4, count: 32)))
    _ = try await StudyProgram(study, over: questions).run()
    let (sums, tables) = (await questions.sums, await questions.tables)
    let planned = try #require(try PrivacyPlan(plan)).releases.filter(\.isSum)
    #expect(sums.count == planned.reduce(0) { $0 + $1.count } && tables.count == 2)
    func answers(_ table: CohortTable) throws -> [[Int64]] {
      var local = LocalAnswers(site: "site-1", plan: plan, cohort: table, noiseKey: nil)
      return try sums.map { try local.answer($0) }
        + tables.map {
          guard case .noisyCounts(let counts) = try local.answer($0) else { return [] }
          return counts
        }
    }
    let noises = sums.map(\.noise) + tables.map(\.noise)
    let whole = try answers(table)
    var largest = [Double](repeating: 0, count: whole.count)
    for patient in Set(table.patients).sorted().prefix(60) {
      let fewer = try table.selecting(
        (0..<table.rowCount).filter { table.patients[$0] != patient })
      for (position, answer) in try answers(fewer).enumerated() {
        let distance = zip(whole[position], answer).reduce(0.0) {
          $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
        }
        let noise = try #require(noises[position])
        #expect(
          distance <= Double(noise.sensitivitySquared),
          "patient \(patient), release \(position): \(distance)")
        largest[position] = max(largest[position], distance / Double(noise.sensitivitySquared))
      }
    }
    // The bound is not loose: somebody comes near it, in every table of counts all the way.
    #expect(largest.allSatisfy { $0 > 0.05 }, "\(largest)")
    #expect(largest[0] > 0.99 && largest[whole.count - 1] > 0.99, "\(largest)")
  }
}
