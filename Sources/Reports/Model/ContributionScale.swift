import BoostedTrees
import Study

/// What the contributions of a model add up to.
public enum ContributionScale: Sendable, Equatable {
  /// Log-odds of the event.
  case logOdds
  /// The event's probability: a forest's votes.
  case probability
  /// The outcome's number, in the unit that the study names.
  case number(unit: String?)
  /// The logarithm of the outcome's mean count.
  case logCount
  /// Of classes, the mean margin of the event's less that of the others.
  case classScore

  /// The scale of a model of trees.
  public init(_ model: TreeModel) {
    switch (model.target?.values, model.content.objective) {
    case (.number, _): self = .number(unit: model.target?.unit)
    case (.count, _): self = .logCount
    case (.classes, _): self = .classScore
    case (nil, .squaredError): self = .probability
    case (nil, _): self = .logOdds
    }
  }

  /// The unit in words.
  var unit: String {
    switch self {
    case .logOdds: "log-odds"
    case .probability: "probability"
    case .number(let unit): unit ?? "the outcome’s unit"
    case .logCount: "logarithm of the count"
    case .classScore: "score of the event’s classes against the others"
    }
  }

  /// The unit on an axis or in a legend.
  var shortUnit: String {
    switch self {
    case .number(let unit): unit ?? "outcome’s unit"
    case .logCount: "log of count"
    case .classScore: "score"
    case .logOdds, .probability: unit
    }
  }

  /// What the contributions move.
  var subject: String {
    switch self {
    case .logOdds, .probability: "the risk"
    case .number: "the predicted number"
    case .logCount: "the predicted count"
    case .classScore: "the score of the event’s classes"
    }
  }

  /// The loss that the trees are grown by, averaged over patients.
  var lossName: String {
    switch self {
    case .logOdds: "mean log-loss"
    case .probability: "mean squared error"
    case .number: "half the squared error / range²"
    case .logCount: "half the Poisson deviance"
    case .classScore: "mean log-loss of the class"
    }
  }
}

extension FittedTrees {
  /// What the model's contributions add up to.
  var scale: ContributionScale { ContributionScale(model) }

  /// Learner, and what is learnt where that is not the event, in words.
  var learnerInWords: String {
    switch scale {
    case .logOdds, .probability: learner.inWords
    case .number: "\(learner.inWords) of the number"
    case .logCount: "\(learner.inWords) of the count"
    case .classScore: "\(learner.inWords) of the classes"
    }
  }
}

extension ValueTarget {
  /// A blank and the unit; empty where the study names none.
  private var unitSuffix: String { unit.map { " \($0)" } ?? "" }

  /// What is predicted, in words.
  var subjectInWords: String {
    switch values {
    case .number(let range):
      "a number, \(NumberText.significant(range.lowerBound, 6)) to"
        + " \(NumberText.significant(range.upperBound, 6))\(unitSuffix)"
    case .count(let maximum): "a count, 0 to \(maximum)"
    case .classes(let words): "one of the classes \(NumberText.list(words))"
    }
  }

  /// What a prediction is, in words.
  var outputInWords: String {
    switch values {
    case .number: "A number within the study’s range"
    case .count: "A mean count"
    case .classes: "A probability for each class"
    }
  }

  /// How the risk of the event follows from what is predicted, in words.
  var riskInWords: String {
    switch values {
    case .number:
      "that of a normal distribution around the predicted number, with the residuals’ standard deviation of"
        + " \(NumberText.significant(spread, 3))\(unitSuffix)"
    case .count(let maximum):
      "that of a Poisson distribution with the predicted mean, cut off at \(maximum)"
    case .classes(let words):
      "the summed probability of \(NumberText.list(words.filter { event.holds(word: $0) }))"
    }
  }
}
