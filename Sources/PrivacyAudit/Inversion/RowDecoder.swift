import Cohort
import Study

/// From a row of the design matrix back to what was recorded.
struct RowDecoder {
  /// What stands in one cell, as far as the design matrix can tell.
  enum Cell: Hashable {
    /// A number, in steps of the recorded precision (a hundredth of a standard deviation where the
    /// study states none).
    case number(Int64)
    /// Position among the feature's possible values.
    case choice(Int)
    case missing
  }

  private let parts: [TransformedFeature]
  private let features: [FeatureSpecification]

  init(_ transform: FrozenTransform, _ features: [FeatureSpecification]) {
    parts = transform.features
    self.features = features
  }

  /// One cell per feature; values that no patient can have are moved to the nearest that one can.
  func cells(_ row: [Double]) -> [Cell] {
    var rest = row[...]
    return parts.enumerated().map { index, part in
      let own = Array(rest.prefix(part.designColumns.count))
      rest = rest.dropFirst(own.count)
      switch part {
      case .number(let number):
        if number.hasMissingIndicator, own[1] > 0.5 { return .missing }
        return .number(steps(own[0], number, features[index]))
      case .flag(let flag):
        if flag.hasMissingIndicator, own[1] > 0.5 { return .missing }
        return .choice(own[0] > 0.5 ? 1 : 0)
      case .category:
        // The reference level has no column and is what is left of one.
        let reference = 1 - own.reduce(0, +)
        var best = (choice: own.count, value: reference)
        for (choice, value) in own.enumerated() where value > best.value {
          best = (choice, value)
        }
        return .choice(best.choice)
      }
    }
  }

  /// Which cells two rows agree in: exactly, and with numbers a quarter of a scale apart at most.
  func agreement(_ guess: [Double], _ truth: [Double]) -> (exact: [Bool], close: [Bool]) {
    let guessed = cells(guess)
    let actual = cells(truth)
    var column = 0
    var exact: [Bool] = []
    var close: [Bool] = []
    for (index, part) in parts.enumerated() {
      let isExact = guessed[index] == actual[index]
      exact.append(isExact)
      if case .number = part, guessed[index] != .missing, actual[index] != .missing {
        close.append(isExact || (guess[column] - truth[column]).magnitude <= 0.25)
      } else {
        close.append(isExact)
      }
      column += part.designColumns.count
    }
    return (exact, close)
  }

  private func steps(
    _ value: Double, _ number: TransformedFeature.Number, _ feature: FeatureSpecification
  ) -> Int64 {
    guard value.isFinite, case .number(_, let range, let resolution) = feature.kind else {
      return 0
    }
    var recorded = value * number.scale + number.center
    if let range { recorded = min(max(recorded, range.lowerBound), range.upperBound) }
    let step = resolution.map { $0 > 0 ? $0 : number.scale / 100 } ?? number.scale / 100
    return Int64(min(max((recorded / step).rounded(), -0x1p52), 0x1p52))
  }
}
