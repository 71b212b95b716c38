import Cohort
import TestSupport
import Testing

@testable import Study

/// A known answer that needs no data and no Python: `Oracles/synthetic_newton.py` draws the same
/// patients from the recipe in `SyntheticCohort` and fits them with scikit-learn 1.9.1, C = 1.
@Suite struct SyntheticOracleTests {
  private static let columns = [
    "age", "lactate", "lactate (missing)", "ward = surgery", "ward = neurology", "ward = attic",
    "ward (missing)", "diabetes", "diabetes (missing)",
  ]
  /// Intercept first.
  private static let coefficients = [
    -1.6925604553038383, 0.8412274025564953, 0.2762468577120415, -0.41665618969414747,
    1.0234211174957528, 0.4162278030891762, -0.4836846778558298, 0.3873238134151735,
    0.26812666928760853, 0.5274628520598913,
  ]

  @Test(arguments: [3, 4, 5, 8]) func equalsScikitLearn(siteCount: Int) async throws {
    let plan = try SyntheticStudy.plan()
    let table = try SyntheticCohort.table(plan)
    let cohorts = try SyntheticCohort.partition(table, into: siteCount, seed: 2)
    let result = try await FederatedEqualsPooledTests.run(plan, cohorts)
    #expect(result.totals.trainingCount == 413 && result.totals.trainingEventCount == 95)
    let model = result.models[0]
    #expect(model.columns == Self.columns)
    for (found, expected) in zip(model.coefficients, Self.coefficients) {
      // The moments are summed in units of 2⁻²⁰ standard deviations.
      #expect(abs(found - expected) < 1e-6)
    }
  }

  /// Sites and researchers compare this text: it changes only with a new version of the program. The plans
  /// are of a table, of models of trees, and of records, whose recipe has bytes of its own.
  @Test(arguments: [
    ("table", "2f5b73e22f3eab127d20907275ef58d3d36b0cda1211f33ef58f799bfddbef04"),
    ("trees", "b4770e8e26abeca3c62bc637643e55621da3153071fa3b70b53762c33fa92e2b"),
    ("records", "c90a48311b17c04991d6d05bba11b6969d2b0304b41946d97a261704f0c750a7"),
  ])
  func theDigestOfAPlanIsFixed(kind: String, expected: String) throws {
    #expect(StudyPlan.programVersion == 4)
    let text =
      switch kind {
      case "records": SyntheticRecords.study()
      case "trees":
        SyntheticStudy.yaml(
          models: "  - {name: a, learner: boosted_trees}\n  - {name: b, learner: random_forest}\n"
            + "  - {name: c, learner: ebm}\n")
      default: SyntheticStudy.yaml()
      }
    let digest = try StudyPlan(yaml: text, file: "study.yaml").digest.hex
    #expect(digest == expected)
  }
}
