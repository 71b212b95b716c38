import Cohort
import Foundation
import PortableNumerics
import Study
import Validation

@testable import Reports

/// Studies whose outcome is a number, a count or a class, really run over four hospitals, the last of them
/// with patients of no event alone.
enum ValueFixture: String, CaseIterable, Sendable {
  case number, count, classes

  static let sites = ["Northfield", "St. \"Mary's\" & Sons", "Eastgate", "Quiet <b>Clinic"]
  static let classNames = ["home <script>", "nursing home & \"rest\"", "died"]

  /// The outcome's name is the same words everywhere in the report.
  var outcome: OutcomeSpecification {
    switch self {
    case .number:
      OutcomeSpecification(
        column: "stay", positive: .comparison(.greater, 7), name: "a long stay",
        values: .number(0...20), unit: "d <days>")
    case .count:
      OutcomeSpecification(
        column: "falls", positive: .comparison(.greaterOrEqual, 7), name: "many falls",
        values: .count(maximum: 20))
    case .classes:
      OutcomeSpecification(
        column: "to", positive: .oneOf(["died"]), name: "death",
        values: .classes(Self.classNames))
    }
  }

  var plan: StudyPlan {
    var plan = StudyFixture.plan
    plan.cohort.outcome = outcome
    var boosted = TreeSettings(.boostedTrees)
    boosted.treeCount = 10
    boosted.maximumDepth = 3
    boosted.minimumChildCount = 8
    boosted.minimumChildWeight = 8
    var shapes = TreeSettings(.additive)
    shapes.treeCount = 6
    shapes.pairCount = 1
    shapes.minimumChildWeight = 8
    switch self {
    case .number:
      boosted.objective = .squaredError
      shapes.objective = .squaredError
    case .count: boosted.objective = .poisson
    case .classes: boosted.objective = .multiclass
    }
    plan.models = [
      ModelSpecification(name: "trees <\(rawValue)>", training: .trees(boosted)),
      ModelSpecification(name: "ridge", training: .newton(.init(ridge: 1))),
    ]
    if self == .number {
      plan.models.append(ModelSpecification(name: "shapes", training: .trees(shapes)))
    }
    return plan
  }

  /// Patients whose value rises with age and creatinine.
  func table(seed: UInt64, rows: Int, hasEvents: Bool = true) throws -> CohortTable {
    let table = try StudyFixture.table(seed: seed, rows: rows)
    var random = Xoshiro256StarStar(seed: seed &+ 1000)
    let values = table.outcome.indices.map { row -> Double in
      let age = Self.number(table.columns[0], row) ?? 60
      let creatinine = Self.number(table.columns[1], row) ?? 1
      let noise = Double(random.next() >> 11) * 0x1p-53
      var stay = min(max(1 + (age - 40) / 8 + creatinine + 3 * noise, 0), 20)
      if !hasEvents { stay = min(stay, 5) }
      switch self {
      case .number: return (stay * 10).rounded() / 10
      case .count: return stay.rounded(.down)
      case .classes: return stay > 8 ? 2 : stay > 5 ? 1 : 0
      }
    }
    let event = outcome.positive
    return try CohortTable(
      features: table.features, columns: table.columns,
      outcome: values.map { value in
        let happened =
          self == .classes ? event.holds(word: Self.classNames[Int(value)]) : event.holds(value)
        return happened ? 1 : 0
      }, isHoldout: table.isHoldout, outcomeValues: values)
  }

  private static func number(_ column: CohortTable.Column, _ row: Int) -> Double? {
    guard case .number(let values) = column, values[row].isFinite else { return nil }
    return values[row]
  }

  /// The finished study of each kind; run once for all tests.
  static let results = Dictionary(
    uniqueKeysWithValues: allCases.map { kind in (kind, Task { try await kind.run() }) })

  static func result(_ kind: ValueFixture) async throws -> StudyResult {
    guard let task = results[kind] else { throw CancellationError() }
    return try await task.value
  }

  func cohorts() throws -> [String: CohortTable] {
    var cohorts: [String: CohortTable] = [:]
    for (index, site) in Self.sites.enumerated() {
      cohorts[site] = try table(
        seed: UInt64(index + 41), rows: [420, 380, 350, 60][index], hasEvents: index < 3)
    }
    return cohorts
  }

  private func run() async throws -> StudyResult {
    let study = AgreedStudy(plan: plan, sites: Self.sites, disclosures: [])
    let cohorts = try cohorts()
    return try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run()
  }
}
