import Cohort
import LinearModels
import StrictYAML
import TestSupport
import Testing

@testable import Study

/// `study.yaml` to a plan: every key, every refusal with its place and what to do.
@Suite struct StudyPlanDecodingTests {
  static let everyKey = """
    study: all-keys
    title: Every key
    task:
      user: u
      decision: d
      action: a
      harm_of_false_positive: fp
      harm_of_false_negative: fn
      responsible_role: r
      oversight: o
    cohort:
      patient: pid
      rows_per_patient: last
      order: admitted
      include:
        - {column: age, at_least: 18, because: adults}
        - {column: age, below: 100, because: b}
        - {column: age, at_most: 99.5, because: c}
        - {column: admitted, above: 2020-01-31, because: d}
        - {column: ward, equals: medicine, because: e}
        - {column: ward, not: attic, because: f}
        - {column: ward, one_of: [medicine, surgery], because: g}
        - {column: lactate, recorded: true, because: h}
    outcome: {column: died, positive: [1, dead], name: death}
    features:
      - {name: age, column: alter, type: number, unit: a, range: [18, 110], resolution: 0.5, missing: ["999", ""]}
      - {name: ward, type: category, levels: [1.0, medicine]}
      - {name: unit, type: category}
      - {name: diabetes, type: flag, missing: ["9"]}
    holdout: {fraction: 0.25, key: secret}
    models:
      - {name: n, learner: logistic, training: newton, ridge: 2.5, maximum_iterations: 12, tolerance: 1e-6}
      - {name: f, training: federated-averaging, rounds: 7, local_epochs: 2, batch_size: 5, learning_rate: 0.2, proximal: 0.1, ridge: 0.01, clip: 2, server: yogi, server_learning_rate: 0.04, seed: 9}
      - {name: defaults, training: federated-averaging}
      - {name: plain}
    validation: {threshold: 0.2, disclose: [leave-one-site-out, model-by-site-matrix]}
    drift: {bins: 6, false_discovery_rate: 0.05}
    privacy: {minimum_sites: 4, minimum_cell: 5, maximum_colluders: 2}
    deadlines: {round_seconds: 1, answer_seconds: 2, presence_seconds: 3, return_seconds: 4}
    """

  private func decode(_ text: String) throws -> StudyPlan {
    try StudyPlan(yaml: text, file: "folder/study.yaml")
  }

  @Test func everyKeyArrives() throws {
    let plan = try decode(Self.everyKey)
    #expect(plan.id == "all-keys" && plan.title == "Every key")
    #expect(
      plan.task
        == TaskDescription(
          user: "u", decision: "d", action: "a", harmOfFalsePositive: "fp",
          harmOfFalseNegative: "fn", responsibleRole: "r", oversight: "o"))
    let cohort = plan.cohort
    #expect(cohort.patientColumn == "pid" && cohort.orderColumn == "admitted")
    #expect(cohort.rowsPerPatient == .last)
    #expect(
      cohort.include.map(\.comparison) == [
        .greaterOrEqual, .less, .lessOrEqual, .greater, .equal, .notEqual, .oneOf, .present,
      ])
    #expect(cohort.include[3].values == ["2020-01-31"] && cohort.include[7].values == [])
    #expect(cohort.include[6].values == ["medicine", "surgery"])
    #expect(cohort.include[0].reason == "adults")
    #expect(
      cohort.outcome
        == OutcomeSpecification(column: "died", positive: .oneOf(["1", "dead"]), name: "death"))
    #expect(
      cohort.features == [
        FeatureSpecification(
          "age", column: "alter", kind: .number(unit: "a", hardRange: 18...110, resolution: 0.5),
          missingCodes: ["999", ""]),
        // As the words of the data are held: 1.0 and 1 are one level.
        FeatureSpecification("ward", kind: .category(levels: ["1", "medicine"])),
        FeatureSpecification("unit", kind: .category(levels: nil)),
        FeatureSpecification("diabetes", kind: .flag, missingCodes: ["9"]),
      ])
    #expect(cohort.holdout == .hash(fraction: 0.25, key: "secret"))
    #expect(plan.models.map(\.name) == ["n", "f", "defaults", "plain"])
    #expect(
      plan.models[0].training
        == .newton(.init(ridge: 2.5, maximumIterations: 12, tolerance: 1e-6)))
    #expect(
      plan.models[1].training
        == .federatedAveraging(
          try .init(
            rounds: 7,
            local: .init(
              epochs: 2, batchSize: 5, learningRate: 0.2, l2Penalty: 0.01, proximalStrength: 0.1),
            clipNorm: 2, serverOptimiser: .yogi, serverLearningRate: 0.04, seed: 9)))
    #expect(
      plan.models[2].training
        == .federatedAveraging(
          try .init(
            rounds: 30, local: .init(epochs: 1, batchSize: 16, learningRate: 0.05), clipNorm: 1)))
    #expect(plan.models[3].training == .newton(.init()))
    #expect(
      plan.validation
        == ValidationSpecification(threshold: 0.2, disclosures: Set(Disclosure.allCases)))
    #expect(plan.drift == DriftSpecification(bins: 6, falseDiscoveryRate: 0.05))
    #expect(
      plan.privacy
        == PrivacySpecification(minimumSites: 4, minimumCell: 5, maximumColluders: 2))
    #expect(plan.deadlines.roundSeconds == 1 && plan.deadlines.answerSeconds == 2)
    #expect(plan.deadlines.presenceSeconds == 3 && plan.deadlines.returnSeconds == 4)
  }

  @Test func otherRulesForOutcomeAndHoldout() throws {
    func with(_ old: String, _ new: String) throws -> StudyPlan {
      try decode(Self.everyKey.replacing(old, with: new))
    }
    #expect(
      try with("positive: [1, dead]", "above: 0").cohort.outcome.positive
        == .comparison(.greater, 0))
    #expect(
      try with("positive: [1, dead]", "at_least: 3").cohort.outcome.positive
        == .comparison(.greaterOrEqual, 3))
    #expect(
      try with("{fraction: 0.25, key: secret}", "{fraction: 0.3}").cohort.holdout
        == .hash(fraction: 0.3, key: "all-keys"))
    #expect(
      try with("{fraction: 0.25, key: secret}", "{column: admitted, from: 2024-06-01}").cohort
        .holdout == .time(column: "admitted", from: "2024-06-01"))
    #expect(
      try with("{fraction: 0.25, key: secret}", "{column: split, value: test}").cohort.holdout
        == .column(name: "split", holdoutValue: "test"))
    #expect(
      try with(
        "validation: {threshold: 0.2, disclose: [leave-one-site-out, model-by-site-matrix]}", " "
      )
      .validation == ValidationSpecification())
  }

  /// What is replaced by what, the code, the key path, and words of the message or the advice.
  struct Refusal: Sendable, CustomTestStringConvertible {
    var old: String
    var new: String
    var code: YAMLProblem.Code
    var path: String
    var words: String
    var testDescription: String { "\(path) \(new)" }

    init(
      _ old: String, _ new: String, _ code: YAMLProblem.Code, _ path: String, _ words: String
    ) {
      self.old = old
      self.new = new
      self.code = code
      self.path = path
      self.words = words
    }
  }

  static let refusals: [Refusal] = [
    // Unknown keys, with the nearest known one.
    Refusal("study: all-keys", "studdy: all-keys", .unknownKey, "studdy", "`study`"),
    Refusal("  user: u", "  usr: u", .unknownKey, "task.usr", "`user`"),
    Refusal("patient: pid", "patients: pid", .unknownKey, "cohort.patients", "`patient`"),
    Refusal(
      "{column: died, positive", "{colum: died, positive", .unknownKey, "outcome.colum", "`column`"),
    Refusal(
      "resolution: 0.5", "resolutoin: 0.5", .unknownKey, "features[0].resolutoin", "resolution"),
    Refusal("key: secret", "kee: secret", .unknownKey, "holdout.kee", "`key`"),
    Refusal("batch_size: 5", "batchsizes: 5", .unknownKey, "models[1].batchsizes", "`batch_size`"),
    Refusal("threshold: 0.2", "treshold: 0.2", .unknownKey, "validation.treshold", "`threshold`"),
    Refusal("{bins: 6", "{bin: 6", .unknownKey, "drift.bin", "`bins`"),
    Refusal("minimum_sites: 4", "min_sites: 4", .unknownKey, "privacy.min_sites", " "),
    Refusal(
      "{round_seconds", "{round_secs", .unknownKey, "deadlines.round_secs", "`round_seconds`"),
    Refusal(
      "at_least: 18, because: adults", "at_least: 18, becuase: adults", .unknownKey,
      "cohort.include[0].becuase", "`because`"),
    // Missing and empty.
    Refusal("title: Every key", "", .missingKey, "title", "`title`"),
    Refusal("  user: u\n", "", .missingKey, "task.user", "`user`"),
    Refusal("  user: u", "  user: \"  \"", .outOfRange, "task.user", "not started"),
    Refusal(
      "outcome: {column: died, positive: [1, dead], name: death}", "", .missingKey, "outcome", " "),
    Refusal("holdout: {fraction: 0.25, key: secret}", "", .missingKey, "holdout", " "),
    Refusal("name: death}", "}", .missingKey, "outcome.name", " "),
    Refusal(", because: adults", "", .missingKey, "cohort.include[0].because", " "),
    // Identifiers and repeats.
    Refusal("study: all-keys", "study: All Keys", .outOfRange, "study", "lower-case"),
    Refusal("study: all-keys", "study: -keys", .outOfRange, "study", "lower-case"),
    Refusal("{name: unit, type", "{name: age, type", .duplicateKey, "features", "`age`"),
    Refusal("{name: plain}", "{name: n}", .duplicateKey, "models", "`n`"),
    // Exactly one rule.
    Refusal(
      "positive: [1, dead]", "positive: [1], above: 0", .missingKey, "outcome", "exactly one"),
    Refusal("positive: [1, dead], ", "", .missingKey, "outcome", "exactly one"),
    Refusal(
      "{fraction: 0.25, key: secret}", "{fraction: 0.2, column: a, from: 2024-01-01}",
      .missingKey, "holdout", "exactly one"),
    Refusal("{fraction: 0.25, key: secret}", "{column: a}", .missingKey, "holdout", "exactly one"),
    Refusal(
      "at_least: 18, because: adults", "because: adults", .missingKey, "cohort.include[0]", "one"),
    Refusal(
      "at_least: 18, because: adults", "at_least: 18, below: 3, because: adults", .missingKey,
      "cohort.include[0]", "exactly one"),
    // Ranges.
    Refusal("fraction: 0.25", "fraction: 0.9", .outOfRange, "holdout.fraction", "0.05"),
    Refusal("threshold: 0.2", "threshold: 1", .outOfRange, "validation.threshold", "0.999"),
    Refusal("bins: 6", "bins: 2", .outOfRange, "drift.bins", "4 to 10"),
    Refusal("bins: 6", "bins: 20", .outOfRange, "drift.bins", "4 to 10"),
    Refusal("minimum_sites: 4", "minimum_sites: 2", .outOfRange, "privacy.minimum_sites", "3"),
    Refusal("minimum_cell: 5", "minimum_cell: 0", .outOfRange, "privacy.minimum_cell", "1"),
    Refusal("ridge: 2.5", "ridge: -1", .outOfRange, "models[0].ridge", "0"),
    Refusal("rounds: 7", "rounds: 0", .outOfRange, "models[1].rounds", "1"),
    Refusal("clip: 2", "clip: 0", .outOfRange, "models[1].clip", " "),
    Refusal("seed: 9", "seed: -1", .outOfRange, "models[1].seed", " "),
    Refusal(
      "range: [18, 110]", "range: [110, 18]", .outOfRange, "features[0].range", "lower bound"),
    Refusal("range: [18, 110]", "range: [18]", .outOfRange, "features[0].range", " "),
    Refusal("resolution: 0.5", "resolution: 0", .outOfRange, "features[0].resolution", " "),
    Refusal("round_seconds: 1", "round_seconds: 0", .outOfRange, "deadlines.round_seconds", " "),
    // Types and words.
    Refusal(
      "round_seconds: 1", "round_seconds: soon", .wrongType, "deadlines.round_seconds", "number"),
    Refusal("rounds: 7", "rounds: 7.5", .wrongType, "models[1].rounds", "whole"),
    Refusal("server: yogi", "server: yoga", .unknownWord, "models[1].server", "`yogi`"),
    Refusal(
      "rows_per_patient: last", "rows_per_patient: lst", .unknownWord, "cohort.rows_per_patient",
      "`last`"),
    Refusal("type: flag", "type: flagg", .unknownWord, "features[3].type", "`flag`"),
    Refusal(
      "training: newton", "training: newtn", .unknownWord, "models[0].training", "`newton`"),
    Refusal("learner: logistic", "learner: forest", .unknownWord, "models[0].learner", "logistic"),
    Refusal(
      "disclose: [leave-one-site-out,", "disclose: [leave-one-out,", .unknownWord,
      "validation.disclose[0]", "leave-one-site-out"),
    // Settings without a meaning.
    Refusal(
      "type: flag, missing", "type: flag, unit: a, missing", .outOfRange, "features[3].unit",
      "no meaning"),
    Refusal(
      "type: category}", "type: category, range: [0, 1]}", .outOfRange, "features[2].range",
      "no meaning"),
    Refusal(
      "unit: a, range", "levels: [a], unit: a, range", .outOfRange, "features[0].levels",
      "no meaning"),
    Refusal(
      "ridge: 2.5", "ridge: 2.5, rounds: 3", .inconsistent, "models[0].rounds", "no meaning"),
    Refusal(
      "rounds: 7", "rounds: 7, tolerance: 0.01", .inconsistent, "models[1].tolerance", "no meaning"),
    // Contradictions.
    Refusal("column: alter", "column: died", .inconsistent, "features", "outcome"),
    Refusal("levels: [1.0, medicine]", "levels: [1.0, 1]", .inconsistent, "features", "different"),
    Refusal("recorded: true", "recorded: false", .outOfRange, "cohort.include[7].recorded", "true"),
    Refusal("at_least: 18", "at_least: old", .outOfRange, "cohort.include[0].at_least", "date"),
    Refusal(
      "equals: medicine", "equals: [a, b]", .outOfRange, "cohort.include[4].equals", "one_of"),
    Refusal(
      "one_of: [medicine, surgery]", "one_of: []", .outOfRange, "cohort.include[6].one_of", "value"),
    Refusal(
      "{fraction: 0.25, key: secret}", "{column: a, from: spring}", .outOfRange, "holdout.from",
      "date"),
  ]

  @Test(arguments: refusals) func refusesWithPlaceAndAdvice(refusal: Refusal) throws {
    let text = Self.everyKey.replacing(refusal.old, with: refusal.new, maxReplacements: 1)
    #expect(text != Self.everyKey)
    do {
      _ = try decode(text)
      Issue.record("accepted")
    } catch let problem as YAMLProblem {
      #expect(problem.code == refusal.code)
      #expect(problem.keyPath == refusal.path)
      #expect(problem.description.hasPrefix("folder/study.yaml:\(problem.line):"))
      #expect(!problem.advice.isEmpty)
      #expect(problem.description.contains(refusal.words), "\(problem)")
      let changed = zip(text.split(separator: "\n", omittingEmptySubsequences: false), 1...)
        .first {
          refusal.new.isEmpty ? false : $0.0.contains(refusal.new.split(separator: "\n")[0])
        }
      let isAtFault = [.unknownKey, .wrongType, .unknownWord].contains(problem.code)
      if let changed, isAtFault { #expect(problem.line == changed.1) }
    }
  }

  @Test func brokenTextNeverTraps() {
    var generator = SeededBytes(seed: 12)
    let bytes = Array(Self.everyKey.utf8)
    for _ in 0..<fuzzCount(400) {
      var damaged = bytes
      for _ in 0...generator.integer(below: 4) {
        let place = generator.integer(below: damaged.count)
        switch generator.integer(below: 3) {
        case 0: damaged[place] = UInt8(truncatingIfNeeded: generator.integer(below: 128))
        case 1: damaged.remove(at: place)
        default:
          damaged.insert(UInt8(truncatingIfNeeded: 32 + generator.integer(below: 95)), at: place)
        }
      }
      _ = try? decode(String(decoding: damaged, as: UTF8.self))
    }
  }
}
