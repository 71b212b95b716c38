import Cohort
import Foundation
import LinearModels
import PortableNumerics
import Study

@testable import Reports

/// A small study that is really run: five hospitals with hostile names, one with patients of one
/// outcome only, one too small to release its classes, one that records creatinine in another unit.
enum StudyFixture {
  static let hostileName = "<script>alert(\"x\")</script>"
  static let quotedName = "St. \"Mary's\" & Sons"
  static let oneClassName = "One-Class \u{202E}Clinic"
  static let smallName = "Tiny ]]> Hospital"
  static let plainName = "Northfield"
  static let sites = [plainName, quotedName, hostileName, oneClassName, smallName]

  static let features = [
    FeatureSpecification("age", kind: .number(unit: "a", hardRange: 0...120, resolution: 1)),
    FeatureSpecification(
      "creatinine", column: "crea",
      kind: .number(unit: "mg/dL", hardRange: nil, resolution: 0.01), missingCodes: ["-9"]),
    FeatureSpecification(
      "lactate <b>", kind: .number(unit: "mmol/L", hardRange: nil, resolution: 0.1)),
    FeatureSpecification("ward", kind: .category(levels: ["medicine", "surgery & <i>trauma</i>"])),
    FeatureSpecification("diabetes", kind: .flag),
  ]

  static let provenance = ReportProvenance(
    softwareVersion: "0.1.0", transcriptDigest: String(repeating: "ab", count: 32),
    generatedAt: "21 November 2025, 13:00 UTC", absences: ["Faraway <Clinic>": "refused the study"],
    transcriptFile: "five & more.transcript")

  /// The finished study; run once for all tests.
  static let result = Task { try await run(disclosures: Set(Disclosure.allCases)) }

  static var plan: StudyPlan {
    let averaging = try? FederatedAveragingSettings(
      rounds: 4,
      local: LocalTrainingSettings(
        epochs: 1, batchSize: 32, learningRate: 0.1, l2Penalty: 0, proximalStrength: 0),
      clipNorm: 1, serverOptimiser: .adam)
    var models = [ModelSpecification(name: "ridge <newton>", training: .newton(.init(ridge: 1)))]
    if let averaging {
      models.append(
        ModelSpecification(name: "averaging (adam)", training: .federatedAveraging(averaging)))
    }
    return StudyPlan(
      id: "five-hospitals", title: "Death & \"complications\" after <admission>",
      task: TaskDescription(
        user: "ward physician & nurse", decision: "who needs a <closer> look",
        action: "call the outreach team", harmOfFalsePositive: "a needless visit",
        harmOfFalseNegative: "late treatment", responsibleRole: "head of \"medicine\""),
      cohort: CohortSpecification(
        features: features,
        outcome: OutcomeSpecification(
          column: "died", positive: .oneOf(["1"]), name: "death in hospital"),
        holdout: .hash(fraction: 0.4, key: "five-hospitals")), models: models,
      validation: ValidationSpecification(
        threshold: 0.3, disclosures: Set(Disclosure.allCases)),
      privacy: PrivacySpecification(minimumSites: 3, minimumCell: 8, maximumColluders: 1))
  }

  /// The same study with a model of every learner of trees, the first of them primary.
  static let treeResult = Task {
    try await run(plan: treePlan, disclosures: [.modelBySiteMatrix])
  }

  static var treePlan: StudyPlan {
    var plan = plan
    var boosted = TreeSettings(.boostedTrees)
    boosted.treeCount = 12
    boosted.maximumDepth = 3
    // Stopped early as stated, while the shapes leave it to the number of events.
    boosted.unstated = TreeSettings.Unstated()
    var forest = TreeSettings(.randomForest)
    forest.treeCount = 4
    forest.maximumDepth = 4
    forest.explanation = .interventional
    var shapes = TreeSettings(.additive)
    shapes.treeCount = 8
    shapes.pairCount = 1
    plan.models = [
      ModelSpecification(name: "trees <boosted>", training: .trees(boosted)),
      ModelSpecification(name: "ridge <newton>", training: .newton(.init(ridge: 1))),
      ModelSpecification(name: "forest & trees", training: .trees(forest)),
      ModelSpecification(name: "shapes", training: .trees(shapes)),
    ]
    return plan
  }

  static func run(
    plan: StudyPlan = plan, disclosures: Set<Disclosure>
  ) async throws -> StudyResult {
    let study = AgreedStudy(plan: plan, sites: sites, disclosures: disclosures)
    var cohorts: [String: CohortTable] = [:]
    for (index, site) in sites.enumerated() {
      cohorts[site] = try table(
        seed: UInt64(index + 1), rows: [620, 480, 540, 160, 34][index],
        creatinineFactor: index == 1 ? 88.4 : 1, ageShift: index == 2 ? 14 : 0,
        missingLactate: index == 2 ? 0.8 : 0.25, hasEvents: index != 3)
    }
    return try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run()
  }

  /// The same study over twenty hospitals.
  static func runTwenty() async throws -> StudyResult {
    let names = (1...20).map { "County hospital no. \($0)" }
    let study = AgreedStudy(plan: plan, sites: names, disclosures: [.modelBySiteMatrix])
    var cohorts: [String: CohortTable] = [:]
    for (index, name) in names.enumerated() {
      cohorts[name] = try table(
        seed: UInt64(100 + index), rows: 150 + 10 * index, ageShift: Double(index % 4) * 4)
    }
    return try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run()
  }

  /// Seeded admissions whose risk rises with age, creatinine and lactate.
  static func table(
    seed: UInt64, rows: Int, creatinineFactor: Double = 1, ageShift: Double = 0,
    missingLactate: Double = 0.2, hasEvents: Bool = true, hasOutcome: Bool = true
  ) throws -> CohortTable {
    var random = Xoshiro256StarStar(seed: seed)
    func uniform() -> Double { Double(random.next() >> 11) * 0x1p-53 }
    func normal() -> Double { NormalDistribution.quantile(min(max(uniform(), 1e-9), 1 - 1e-9)) }
    var columns: [[Double]] = [[], [], [], []]
    var wards: [Int32] = []
    var outcome: [UInt8] = []
    var isHoldout: [Bool] = []
    for _ in 0..<rows {
      let age = min(max((62 + ageShift + 15 * normal()).rounded(), 18), 110)
      let creatinine = Portable.exp(0.35 * normal())
      let lactate = Portable.exp(0.5 + 0.5 * normal())
      let surgical = uniform() < 0.3
      let diabetic = uniform() < 0.25
      let score =
        -2.2 + 0.05 * (age - 62) + 1.1 * (creatinine - 1) + 0.45 * (lactate - 1.8)
        - (surgical ? 0.5 : 0) + (diabetic ? 0.3 : 0)
      columns[0].append(age)
      columns[1].append(
        uniform() < 0.05 ? .nan : (creatinine * creatinineFactor * 100).rounded() / 100)
      columns[2].append(uniform() < missingLactate ? .nan : (lactate * 10).rounded() / 10)
      columns[3].append(uniform() < 0.1 ? .nan : (diabetic ? 1 : 0))
      wards.append(uniform() < 0.04 ? -1 : (surgical ? 1 : 0))
      outcome.append(hasEvents && uniform() < Portable.sigmoid(score) ? 1 : 0)
      isHoldout.append(uniform() < 0.4)
    }
    return try CohortTable(
      features: features,
      columns: [
        .number(columns[0]), .number(columns[1]), .number(columns[2]),
        .category(wards, levels: ["medicine", "surgery & <i>trauma</i>"]), .flag(columns[3]),
      ], outcome: outcome, isHoldout: isHoldout, hasOutcome: hasOutcome)
  }
}
