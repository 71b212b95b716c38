import BoostedTrees
import CanonicalBytes
import Cohort
import PortableNumerics

/// What a model of trees predicts where that is not the event itself, and how the risk of the event follows
/// from it.
///
/// Of a number y with prediction m, the risk of y > b is that of a normal distribution with mean m and the
/// residuals' standard deviation; of a count, that of a Poisson distribution with the predicted mean, cut off
/// at the count's maximum; of classes, the summed probability of those that are the event.
public struct ValueTarget: Sendable, Hashable {
  public let values: OutcomeValues
  /// Which values are the event.
  public let event: OutcomeSpecification.Rule
  /// Standard deviation of number and prediction, in the number's unit, over the patients who measured the
  /// loss; 0 for other values.
  public let spread: Double
  /// Unit of a number; nil where the study names none.
  public let unit: String?

  /// - Parameter spread: finite, at least 0; taken as a millionth of the range where it is below.
  public init(
    values: OutcomeValues, event: OutcomeSpecification.Rule, spread: Double = 0,
    unit: String? = nil
  ) {
    self.values = values
    self.event = event
    self.unit = unit
    if case .number(let range) = values {
      self.spread = max(spread, (range.upperBound - range.lowerBound) * 1e-6)
    } else {
      self.spread = 0
    }
  }

  /// The standard deviation that a mean loss of squared errors stands for.
  static func spread(meanLoss: Double, of values: OutcomeValues) -> Double {
    guard case .number(let range) = values else { return 0 }
    return (2 * max(meanLoss, 0)).squareRoot() * (range.upperBound - range.lowerBound)
  }

  /// Throws `invalidModel` unless values, event and spread are possible, and an objective predicts them.
  func check(_ objective: Objective) throws(BoostedTreesError) {
    let fits =
      switch (values, objective) {
      case (.number(let range), .squaredError(let lower, let upper)):
        range.lowerBound == lower && range.upperBound == upper
      case (.count(let maximum), .poisson(let largest)): Double(maximum) == largest
      case (.classes(let classes), .multiclass(let count)): classes.count == count
      default: false
      }
    guard fits, spread.isFinite, spread >= 0, (try? values.validate(event)) != nil else {
      throw BoostedTreesError(.invalidModel)
    }
  }

  /// The values predicted, as they are shown: a number within its range, a mean count, the probabilities of
  /// the classes.
  func values(of predictions: [Double]) -> [Double] {
    if case .number(let range) = values {
      return predictions.map { min(max($0, range.lowerBound), range.upperBound) }
    }
    return predictions
  }

  /// Risk of the event, 0 … 1, from an objective's predictions; the same bits on every machine.
  func risk(of predictions: [Double]) -> Double {
    switch values {
    case .number:
      guard case .comparison(_, let bound) = event, let mean = predictions.first else { return 0 }
      return NormalDistribution.upperTail((bound - mean) / spread)
    case .count(let maximum):
      return Self.countRisk(mean: predictions.first ?? 0, maximum: maximum, event: event)
    case .classes(let words):
      var sum = 0.0
      for (word, probability) in zip(words, predictions) where event.holds(word: word) {
        sum += probability
      }
      return min(max(sum, 0), 1)
    }
  }

  /// Σ over the event's counts of λ^k / k!, over the same sum of all counts up to the maximum.
  private static func countRisk(
    mean: Double, maximum: Int, event: OutcomeSpecification.Rule
  ) -> Double {
    guard mean > 0 else { return event.holds(0) ? 1 : 0 }
    let logMean = Portable.log(mean)
    // The logarithm of the largest weight, that of k near λ, is taken off all.
    var logWeights = [0.0]
    for count in 1...max(maximum, 1) {
      logWeights.append(logWeights[count - 1] + logMean - Portable.log(Double(count)))
    }
    let largest = logWeights.max() ?? 0
    var all = 0.0
    var events = 0.0
    for (count, logWeight) in logWeights.enumerated() {
      let weight = Portable.exp(logWeight - largest)
      all += weight
      if event.holds(Double(count)) { events += weight }
    }
    return min(max(events / all, 0), 1)
  }

  /// What contributions are counted in units of before they are summed over patients, so that a number of any
  /// size fits the sum: the width of its range, 1 of other values.
  var contributionUnit: Double {
    guard case .number(let range) = values else { return 1 }
    return range.upperBound - range.lowerBound
  }

  /// How the margins of the outputs make the one score that is explained: the margin itself; of classes, the
  /// mean margin of the event's less that of the others.
  var outputWeights: [Double] {
    guard case .classes(let words) = values else { return [1] }
    let events = words.map { event.holds(word: $0) }
    let count = max(events.count { $0 }, 1)
    let others = max(events.count - count, 1)
    return events.map { $0 ? 1 / Double(count) : -1 / Double(others) }
  }

  func write(to writer: inout ByteWriter) {
    OutcomeSpecification(
      column: "", positive: event, name: "", values: values, unit: unit
    ).write(to: &writer)
    writer.double(spread)
  }
}

extension ValueTarget: Codable {
  private enum CodingKeys: String, CodingKey {
    case range, maximum, classes, positive, above, atLeast, spread, unit
  }

  /// One of `range`, `maximum` and `classes`, one of `positive`, `above` and `atLeast`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func wrong(_ key: CodingKeys) -> DecodingError {
      .dataCorruptedError(forKey: key, in: container, debugDescription: "not a target of values")
    }
    let values: OutcomeValues
    if let bounds = try container.decodeIfPresent([Double].self, forKey: .range) {
      guard bounds.count == 2, bounds[0] < bounds[1] else { throw wrong(.range) }
      values = .number(bounds[0]...bounds[1])
    } else if let maximum = try container.decodeIfPresent(Int.self, forKey: .maximum) {
      values = .count(maximum: maximum)
    } else {
      values = .classes(try container.decode([String].self, forKey: .classes))
    }
    let event: OutcomeSpecification.Rule
    if let bound = try container.decodeIfPresent(Double.self, forKey: .above) {
      event = .comparison(.greater, bound)
    } else if let bound = try container.decodeIfPresent(Double.self, forKey: .atLeast) {
      event = .comparison(.greaterOrEqual, bound)
    } else {
      event = .oneOf(try container.decode([String].self, forKey: .positive))
    }
    guard (try? values.validate(event)) != nil else { throw wrong(.positive) }
    self.init(
      values: values, event: event,
      spread: try container.decodeIfPresent(Double.self, forKey: .spread) ?? 0,
      unit: try container.decodeIfPresent(String.self, forKey: .unit))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch values {
    case .number(let range):
      try container.encode([range.lowerBound, range.upperBound], forKey: .range)
      try container.encode(spread, forKey: .spread)
    case .count(let maximum): try container.encode(maximum, forKey: .maximum)
    case .classes(let words): try container.encode(words, forKey: .classes)
    }
    try container.encodeIfPresent(unit, forKey: .unit)
    switch event {
    case .oneOf(let words): try container.encode(words, forKey: .positive)
    case .comparison(.greater, let bound): try container.encode(bound, forKey: .above)
    case .comparison(_, let bound): try container.encode(bound, forKey: .atLeast)
    }
  }
}
