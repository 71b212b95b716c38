/// How well the values of an outcome are predicted on one hospital's holdout, where the outcome is more
/// than a yes or no.
public enum ValuePerformance: Sendable, Equatable {
  /// Numbers and counts.
  case numbers(NumberPerformance)
  /// One of several classes.
  case classes(ClassPerformance)

  /// Rows of the holdout.
  public var rowCount: Int {
    switch self {
    case .numbers(let performance): performance.rowCount
    case .classes(let performance): performance.rowCount
    }
  }

  /// All hospitals together (`NumberPerformance.pooled`, `ClassPerformance.pooled`); nil without parts
  /// or for parts of different kinds.
  public static func pooled(_ parts: [ValuePerformance]) -> ValuePerformance? {
    let numbers = parts.compactMap { if case .numbers(let part) = $0 { part } else { nil } }
    let classes = parts.compactMap { if case .classes(let part) = $0 { part } else { nil } }
    if numbers.count == parts.count {
      return NumberPerformance.pooled(numbers).map(ValuePerformance.numbers)
    }
    if classes.count == parts.count {
      return ClassPerformance.pooled(classes).map(ValuePerformance.classes)
    }
    return nil
  }
}

/// The coded form: an object with the one key `numbers` or `classes`.
extension ValuePerformance: Codable {
  private enum CodingKeys: String, CodingKey { case numbers, classes }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let numbers = try container.decodeIfPresent(NumberPerformance.self, forKey: .numbers) {
      self = .numbers(numbers)
    } else {
      self = .classes(try container.decode(ClassPerformance.self, forKey: .classes))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .numbers(let numbers): try container.encode(numbers, forKey: .numbers)
    case .classes(let classes): try container.encode(classes, forKey: .classes)
    }
  }
}

extension SitePerformance {
  /// The same with how the outcome's values are predicted.
  ///
  /// They are held back, and `values` nil, where the small-cell rule holds back measures of the risk
  /// (means of counts would tell how many have the outcome), where the counts carry noise, and where the
  /// rows left out for want of a value are fewer than the minimum cell.
  public func with(values: ValuePerformance?) -> SitePerformance {
    var copy = self
    copy.values = values.flatMap { mayRelease(rowCount: $0.rowCount) ? $0 : nil }
    return copy
  }

  /// Whether values of so many rows may stand beside what is released already.
  func mayRelease(rowCount: Int) -> Bool {
    guard suppressed == .none, countNoiseVariance == nil, let patientCount else { return false }
    let absent = patientCount - rowCount
    return rowCount >= minimumCell && (absent == 0 || absent >= minimumCell)
  }
}
