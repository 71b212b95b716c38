import Cohort
import Study

/// The text of small study files over the synthetic cohort's columns.
public enum SyntheticStudy {
  /// A Newton model with ridge 1.
  public static let newton = "  - {name: newton, training: newton, ridge: 1}\n"

  /// A short federated averaging with the named server optimiser.
  public static func averaging(_ server: String, rounds: Int = 4) -> String {
    "  - {name: \(server), training: federated-averaging, server: \(server), rounds: \(rounds),"
      + " batch_size: 32, learning_rate: 0.1, seed: 3}\n"
  }

  /// A complete study file.
  ///
  /// - Parameters:
  ///   - models: lines of the `models` list.
  ///   - disclose: both named disclosures.
  ///   - declaresWards: whether the levels of `ward` stand in the plan; otherwise the sites are
  ///     asked for them.
  ///   - epsilon: of differential privacy at δ = 1e-5; nil for none.
  ///   - name: the study's identifier.
  ///   - reopenings: the reserve of sums asked again; the default when nil.
  ///   - roundSeconds: deadline of one step of a round.
  ///   - deadlines: further entries of the `deadlines` section.
  ///   - votes: the `votes` section, in braces; nil for none.
  ///   - outcome: the `outcome` section, in braces.
  public static func yaml(
    models: String = newton, disclose: Bool = false, minimumCell: Int = 1,
    declaresWards: Bool = true, epsilon: Double? = nil, name: String = "synthetic",
    reopenings: Int? = nil, roundSeconds: Double = 5, deadlines: String = "",
    votes: String? = nil,
    outcome: String = "{column: died, positive: [1], name: death in hospital}"
  ) -> String {
    let goal =
      (epsilon.map { ", epsilon: \($0), delta: 1e-5" } ?? "")
      + (reopenings.map { ", reopenings: \($0)" } ?? "")
    let disclosures = disclose ? "[model-by-site-matrix, leave-one-site-out]" : "[]"
    let levels = declaresWards ? ", levels: [medicine, surgery, neurology, attic]" : ""
    return """
      study: \(name)
      title: A synthetic study
      task:
        user: ward doctor
        decision: who is seen first
        action: an early visit
        harm_of_false_positive: a visit that was not needed
        harm_of_false_negative: a late visit
        responsible_role: medical director
        oversight: monthly review
      cohort:
        patient: patient
      outcome: \(outcome)
      features:
        - {name: age, type: number, unit: a, range: [18, 110], resolution: 1}
        - {name: lactate, type: number, unit: mmol/L, range: [0, 30], resolution: 0.1}
        - {name: ward, type: category\(levels)}
        - {name: diabetes, type: flag}
      holdout: {fraction: 0.3, key: synthetic}
      models:
      \(models.hasSuffix("\n") ? String(models.dropLast()) : models)
      validation: {threshold: 0.3, disclose: \(disclosures)}
      drift: {bins: 8, false_discovery_rate: 0.01}
      privacy: {minimum_sites: 3, minimum_cell: \(minimumCell), maximum_colluders: 1\(goal)}
      deadlines: {round_seconds: \(roundSeconds), answer_seconds: 10, presence_seconds: 20\(deadlines)}
      \(votes.map { "votes: " + $0 } ?? "")
      """
  }

  /// The plan of `yaml`.
  public static func plan(
    models: String = newton, disclose: Bool = false, minimumCell: Int = 1,
    declaresWards: Bool = true
  ) throws -> StudyPlan {
    try StudyPlan(
      yaml: yaml(
        models: models, disclose: disclose, minimumCell: minimumCell,
        declaresWards: declaresWards), file: "study.yaml")
  }
}

extension AgreedStudy {
  /// The plan with every disclosure it asks for agreed by the sites.
  public static func synthetic(_ plan: StudyPlan, sites: [String]) -> AgreedStudy {
    AgreedStudy(plan: plan, sites: sites, disclosures: plan.validation.disclosures)
  }
}
