import Cohort
import LinearModels

/// Length and plausible range of the answers, known to everybody from the query and the plan.
extension SumQuery {
  /// Number of coordinates of the answer.
  public func vectorLength(in plan: StudyPlan) throws -> Int {
    switch self {
    case .profile: 4 + 2 * plan.cohort.features.count
    case .flow: plan.flowSteps.count
    case .levels(let requests): requests.reduce(0) { $0 + $1.levels.count + 2 }
    case .below(let requests): requests.reduce(0) { $0 + $1.probes.count + 1 }
    case .moments(let requests): 3 * requests.count
    case .screen(let query): query.length
    case .directions(let query): 2 * query.features.count
    case .crossProducts(let query): query.length
    case .newton(let query):
      query.fits.count * LogisticNewton.vectorLength(featureCount: query.transform.columnCount)
    case .averaging(let query):
      try query.vectorLength
    case .marginals(let query): query.length
    case .privateStep(let query):
      switch query.model.training {
      case .newton: PrivateNewton.vectorLength(featureCount: query.transform.columnCount)
      case .federatedAveraging(let settings):
        PrivateGradient.vectorLength(
          featureCount: query.transform.columnCount, settings: settings)
      case .trees: query.transform.columnCount + 1
      }
    case .privateTrees(let query): query.length
    case .treeGrowth(let query): query.length
    case .shapes(let query): query.length
    case .contributions(let query): query.length
    case .background(let query): query.length
    case .vote: 1
    }
  }

  /// Whether every coordinate is a count, so that a negative one cannot be true.
  var isCounts: Bool {
    switch self {
    case .profile, .flow, .levels, .below, .screen, .directions, .background, .vote: true
    case .moments, .crossProducts, .newton, .averaging, .marginals, .privateStep, .privateTrees,
      .treeGrowth, .shapes, .contributions:
      false
    }
  }

  /// Checks a site's own answer before it may leave: length, sign of counts, magnitude. The door
  /// calls this; an answer that fails never reaches the network.
  public func check(_ answer: [Int64], in plan: StudyPlan, rowCount: Int) throws {
    let expected = try vectorLength(in: plan)
    guard answer.count == expected else {
      throw StudyError(
        .malformedAnswer,
        "this site computed \(answer.count) numbers for the \(purpose) instead of \(expected);"
          + " nothing was sent")
    }
    guard isCounts else { return }
    // The flow begins with everybody in the records, whatever the cohort.
    let limit: Int64 =
      switch self {
      case .vote, .directions: 1
      case .flow: Int64(Int32.max)
      default: Int64(rowCount)
      }
    guard answer.allSatisfy({ $0 >= 0 && $0 <= limit }) else {
      throw StudyError(
        .malformedAnswer,
        "this site computed a count below zero or above its number of patients for the \(purpose);"
          + " nothing was sent")
    }
  }
}

extension SumQuery.AveragingQuery {
  /// Number of integers of the answer.
  var vectorLength: Int {
    get throws {
      guard case .federatedAveraging(let settings) = model.training else {
        throw StudyError(.malformedAnswer, "the query's model is not trained by averaging")
      }
      return try FederatedAveraging(parameterCount: weights.count, settings: settings).vectorLength
    }
  }
}
