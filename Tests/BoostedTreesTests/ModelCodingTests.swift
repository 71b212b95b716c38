import Foundation
import Testing

@testable import BoostedTrees

/// The coded form of a model.
@Suite struct ModelCodingTests {
  private func model(_ objective: Objective = .logistic) throws -> TreeEnsemble {
    let patients = try SyntheticPatients(seed: 61, count: 300)
    var plan = TrainingPlan()
    plan.treeCount = 3
    plan.patientLimit = 300
    plan.objective = objective
    let outcomes: [Double]
    if case .multiclass = objective {
      outcomes = patients.margins.map { $0 < 0 ? 0 : 1 }
    } else {
      outcomes = patients.binary
    }
    return try PooledTraining.train(
      plan: plan, features: patients.features, sites: [try patients.rows(outcomes: outcomes)]
    ).model
  }

  @Test func decodingGivesTheModelBack() throws {
    for objective in [
      Objective.logistic, .squaredError(lower: -1, upper: 2), .poisson(maximum: 4),
      .multiclass(classCount: 2),
    ] {
      let model = try model(objective)
      let data = try JSONEncoder().encode(model)
      #expect(try JSONDecoder().decode(TreeEnsemble.self, from: data) == model)
    }
  }

  @Test func impossibleModelsAreRefused() throws {
    let model = try model()
    let text = String(decoding: try JSONEncoder().encode(model), as: UTF8.self)
    let changes = [
      ("\"version\":1", "\"version\":2"), ("wardround-trees", "other"),
      ("\"feature\":", "\"feature\":9"), ("\"left\":1,", "\"left\":0,"),
      ("\"right\":2,", "\"right\":1,"), ("\"upTo\":", "\"upTo\":2"),
      ("\"name\":\"logistic\"", "\"name\":\"other\""),
    ]
    var refused = 0
    for (old, new) in changes {
      let changed = text.replacingOccurrences(of: old, with: new)
      guard changed != text else { continue }
      refused += 1
      #expect(throws: (any Error).self, "\(old) → \(new)") {
        try JSONDecoder().decode(TreeEnsemble.self, from: Data(changed.utf8))
      }
    }
    #expect(refused >= 6)
  }
}
