import Cohort
import Records
import StrictYAML

/// Reading `study.yaml`. Unknown keys are refused with the nearest known key; every problem carries
/// file, line, column and what to do.
extension StudyPlan {
  /// Decodes and checks the text of a study file.
  public init(yaml text: String, file: String) throws {
    let document = try YAMLDocument(text: text, file: file)
    let root = try document.root.mapping(keys: [
      "study", "title", "task", "records", "cohort", "outcome", "features", "holdout", "selection",
      "imputation",
      "models", "validation",
      "drift", "privacy", "votes", "deadlines",
    ])
    let recipe = try root.optional("records").map { (node) throws(YAMLProblem) in
      try RecordsRecipe(yaml: node)
    }
    let holdout = try HoldoutRule(yaml: root.required("holdout"), study: root.string("study"))
    let privacy = try PrivacySpecification(yaml: root.optional("privacy"))
    let models = try root.list("models", count: 1...16) { (node) throws(YAMLProblem) in
      let isPrivate = privacy.goal != nil
      try ModelSpecification.refuseIdleKeys(node, isPrivate: isPrivate)
      return try ModelSpecification(
        yaml: node, isPrivate: isPrivate, minimumCell: privacy.minimumCell)
    }
    try Self.refuseRepeats(models.map(\.name), at: root.required("models"), what: "model")
    let cohort = try CohortSpecification(study: root, holdout: holdout, recipe: recipe)
    try Self.refuseRepeats(
      cohort.features.map(\.name), at: root.optional("features") ?? root.node, what: "feature")
    do {
      try cohort.validate()
    } catch {
      throw root.problem(
        .inconsistent, at: "features", error.description,
        advice: "correct the cohort, the outcome or this feature")
    }
    let plan = StudyPlan(
      id: try Self.identifier(root.required("study")), title: try root.string("title"),
      task: try TaskDescription(yaml: root.required("task")), cohort: cohort, models: models,
      validation: try ValidationSpecification(yaml: root.optional("validation")),
      drift: try DriftSpecification(yaml: root.optional("drift")),
      privacy: privacy, votes: try VoteSpecification(yaml: root.optional("votes")),
      deadlines: try Deadlines(yaml: root.optional("deadlines")), records: recipe,
      imputation: try ImputationSpecification(
        yaml: root.optional("imputation"), features: cohort.features),
      selection: try SelectionSpecification(
        yaml: root.optional("selection"), features: cohort.features))
    do {
      try plan.checkImputation()
      try plan.checkSelection()
    } catch {
      throw root.problem(
        .inconsistent, at: plan.imputation == nil ? "selection" : "imputation", error.message,
        advice: "correct the study file")
    }
    let hasTrees = plan.models.contains {
      if case .trees = $0.training { return true }
      return false
    }
    guard plan.votes == nil || !hasTrees else {
      throw root.problem(
        .inconsistent, at: "votes", "the sites vote on linear models only",
        advice: "remove `votes`, or choose `learner: logistic` for every model")
    }
    do {
      try plan.checkTrees()
    } catch {
      throw root.problem(
        .inconsistent, at: "models", error.message, advice: "correct the study file")
    }
    do {
      _ = try PrivacyPlan(plan)
    } catch {
      throw root.problem(
        .inconsistent, at: "privacy", error.message, advice: "correct the study file")
    }
    self = plan
  }

  private static func identifier(_ node: YAMLNode) throws(YAMLProblem) -> String {
    let text = try node.string(limit: 64)
    let allowed = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
    }
    guard allowed, text.first != "-" else {
      throw node.problem(
        .outOfRange, "a study's name has lower-case letters, digits and hyphens only",
        advice: "write something like heart-disease-2026")
    }
    return text
  }

  private static func refuseRepeats(
    _ names: [String], at node: YAMLNode, what: String
  ) throws(YAMLProblem) {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw node.problem(
        .duplicateKey, "the \(what) `\(name)` stands twice", advice: "give each \(what) one name")
    }
  }
}

extension TaskDescription {
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    let keys = [
      "user", "decision", "action", "harm_of_false_positive", "harm_of_false_negative",
      "responsible_role", "oversight",
    ]
    let map = try node.mapping(keys: keys)
    func answer(_ key: String) throws(YAMLProblem) -> String {
      let text = try map.string(key)
      guard text.contains(where: { !$0.isWhitespace }) else {
        throw map.problem(
          .outOfRange, at: key, "`\(key)` is empty",
          advice: "a study without an answer to this question is not started; answer it in words")
      }
      return text
    }
    self.init(
      user: try answer("user"), decision: try answer("decision"), action: try answer("action"),
      harmOfFalsePositive: try answer("harm_of_false_positive"),
      harmOfFalseNegative: try answer("harm_of_false_negative"),
      responsibleRole: try answer("responsible_role"),
      oversight: try map.optionalString("oversight"))
  }
}

extension ValidationSpecification {
  init(yaml node: YAMLNode?) throws(YAMLProblem) {
    self.init()
    guard let map = try node?.mapping(keys: ["threshold", "disclose"]) else { return }
    threshold = try map.double("threshold", in: 0.001...0.999, default: threshold)
    disclosures = Set(
      try map.optionalList("disclose") { (entry) throws(YAMLProblem) in
        try entry.choice(Disclosure.self)
      })
  }
}

extension DriftSpecification {
  init(yaml node: YAMLNode?) throws(YAMLProblem) {
    self.init()
    guard let map = try node?.mapping(keys: ["bins", "false_discovery_rate"]) else { return }
    bins = try map.integer("bins", in: 4...10, default: bins)
    falseDiscoveryRate = try map.double(
      "false_discovery_rate", in: 0.0001...0.5, default: falseDiscoveryRate)
  }
}

extension PrivacySpecification {
  init(yaml node: YAMLNode?) throws(YAMLProblem) {
    self.init()
    let keys = [
      "minimum_sites", "minimum_cell", "maximum_colluders", "epsilon", "delta", "linked_sites",
      "reopenings",
    ]
    guard let map = try node?.mapping(keys: keys) else { return }
    minimumSites = try map.integer("minimum_sites", in: 3...200, default: minimumSites)
    minimumCell = try map.integer("minimum_cell", in: 1...1000, default: minimumCell)
    maximumColluders = try map.integer("maximum_colluders", in: 0...66, default: maximumColluders)
    goal = try PrivacyGoal(yaml: map)
  }
}

extension Deadlines {
  init(yaml node: YAMLNode?) throws(YAMLProblem) {
    self.init()
    let keys = [
      "round_seconds", "answer_seconds", "presence_seconds", "return_seconds", "approval_days",
    ]
    guard let map = try node?.mapping(keys: keys) else { return }
    roundSeconds = try map.double("round_seconds", in: 0.2...3600, default: roundSeconds)
    answerSeconds = try map.double("answer_seconds", in: 0.2...86_400, default: answerSeconds)
    presenceSeconds = try map.double(
      "presence_seconds", in: 0.2...604_800, default: presenceSeconds)
    returnSeconds = try map.double("return_seconds", in: 0...86_400, default: returnSeconds)
    approvalDays = try map.double("approval_days", in: 0.00001...365, default: approvalDays)
  }
}
