/// A study file to start from: a task that hospitals often ask for, with every choice written out and
/// explained where a person has to check it.
public enum StudyTemplate: String, Sendable, Hashable, CaseIterable {
  case readmission = "readmission-30d"
  case intensiveCareMortality = "icu-mortality-24h"
  case sepsis = "sepsis-6h"
  case heartDisease = "heart-disease"
  case cancerSurvival = "cancer-survival"

  /// What it predicts, in a line.
  public var summary: String {
    switch self {
    case .readmission: "readmission within 30 days of a discharge, from records"
    case .intensiveCareMortality:
      "death in hospital, 24 hours after admission to intensive care, from records"
    case .sepsis: "sepsis within 6 hours, from hourly rows (PhysioNet 2019)"
    case .heartDisease: "coronary artery disease before angiography, from a table"
    case .cancerSurvival: "death within five years of a cancer diagnosis, from records"
    }
  }

  /// Whether it starts from records rather than from a table.
  public var startsFromRecords: Bool { self != .heartDisease }

  /// The text of the study file.
  ///
  /// - Parameter study: the identifier, as `StudyPlan` takes it.
  public func text(study: String) -> String {
    Self.head(study, self) + "\n" + body + "\n" + Self.tail
  }

  private static func head(_ study: String, _ template: StudyTemplate) -> String {
    let (title, task) = template.task
    return """
      # Written by `wardround study new --template \(template.rawValue)`. Read every line: what is
      # written here is what the hospitals approve and what the report prints.
      study: \(study)
      title: \(title)

      # What the model is for. An empty answer stops the study; these are proposals to be replaced.
      task:
      \(task.map { "  \($0.0): \($0.1)" }.joined(separator: "\n"))

      """
  }

  /// What every study file ends in.
  public static let tail = """
    # Who is kept aside: whole patients, by a keyed hash that nobody can steer.
    holdout: {fraction: 0.3}

    # What carries nothing is left out over all hospitals together.
    selection: {near_constant: 0.01, duplicates: 0}

    # Missing numbers of the linear model: their medians. `chained` fits equations over the other values
    # from sums of products, which disclose more: README and SECURITY say what.
    imputation: {method: median}

    # The first model is the primary one.
    models:
      - {name: logistic regression, learner: logistic, training: newton, ridge: 1}
      - {name: boosted trees, learner: boosted_trees}

    # Risk from which a patient is flagged. Choose it by what a needless and a missed flag cost.
    validation: {threshold: 0.2}

    # No sum over fewer hospitals, and no cell of fewer patients. For a proven bound add
    # `epsilon: 3, delta: 1.0e-5`, a `range` for every number, and drop selection and imputation.
    privacy: {minimum_sites: 3, minimum_cell: 10}

    # How long a step waits for a hospital.
    deadlines: {round_seconds: 60, answer_seconds: 600, presence_seconds: 600}

    """
}
