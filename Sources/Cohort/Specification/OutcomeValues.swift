import CanonicalBytes

/// What the outcome's column holds beside the event: what a model may learn instead of it.
public enum OutcomeValues: Sendable, Hashable {
  /// A number within a public range.
  case number(ClosedRange<Double>)
  /// A whole number, 0 … maximum.
  case count(maximum: Int)
  /// One of these words or codes, in this order.
  case classes([String])

  /// The largest maximum of a count.
  public static let largestCount = 1000
  /// The most classes.
  public static let largestClassCount = 64

  /// The value of a cell's canonical text: a number, a count, or a class's index. Nil when missing,
  /// unreadable or outside.
  func value(of text: String?) -> Double? {
    guard let text else { return nil }
    switch self {
    case .number(let range):
      guard let number = CellText.number(text), range.contains(number) else { return nil }
      return number
    case .count(let maximum):
      guard let number = CellText.number(text), number >= 0, number <= Double(maximum),
        number.rounded() == number
      else { return nil }
      return number
    case .classes(let words):
      return words.firstIndex { CellText.areEqual(text, $0) }.map(Double.init)
    }
  }

  /// Appends the canonical bytes.
  public func write(to writer: inout ByteWriter) {
    switch self {
    case .number(let range):
      writer.integer(UInt8(1))
      writer.double(range.lowerBound)
      writer.double(range.upperBound)
    case .count(let maximum):
      writer.integer(UInt8(2))
      writer.integer(UInt32(clamping: maximum))
    case .classes(let words):
      writer.integer(UInt8(3))
      writer.array(words) { $0.string($1) }
    }
  }

  /// Throws `badSpecification` unless the values are possible and the event's rule is about them.
  public func validate(_ rule: OutcomeSpecification.Rule) throws(CohortError) {
    func fail(_ detail: String) -> CohortError {
      CohortError(.badSpecification, name: "outcome", detail: detail)
    }
    switch (self, rule) {
    case (.number(let range), .comparison(let comparison, _)):
      let isPossible =
        range.lowerBound.isFinite && range.upperBound.isFinite
        && range.upperBound - range.lowerBound < 0x1p40 && range.lowerBound < range.upperBound
        && max(range.lowerBound.magnitude, range.upperBound.magnitude) < 0x1p50
      guard isPossible else { throw fail("the range of its values must be finite and not empty") }
      guard comparison == .greater || comparison == .greaterOrEqual else {
        throw fail("the event of a number is `above` or `at_least` a bound")
      }
    case (.number, .oneOf): throw fail("the event of a number is `above` or `at_least` a bound")
    case (.count(let maximum), _):
      if case .comparison(let comparison, _) = rule {
        guard comparison == .greater || comparison == .greaterOrEqual else {
          throw fail("the event of a count is `above` or `at_least` a bound, or `positive`")
        }
      }
      guard (1...Self.largestCount).contains(maximum) else {
        throw fail("the maximum of a count is 1 to \(Self.largestCount)")
      }
      let events = (0...maximum).count { rule.holds(Double($0)) }
      guard events > 0, events <= maximum else {
        throw fail("some of the counts must be the event, and some not")
      }
    case (.classes(let words), .oneOf(let positive)):
      let canonical = Set(words.map { CellText.canonical($0) })
      guard (2...Self.largestClassCount).contains(words.count), canonical.count == words.count,
        !canonical.contains("")
      else { throw fail("it needs 2 to \(Self.largestClassCount) different classes") }
      let events = words.count { word in positive.contains { CellText.areEqual(word, $0) } }
      guard positive.allSatisfy({ word in words.contains { CellText.areEqual(word, $0) } }),
        events > 0, events < words.count
      else { throw fail("`positive` must name some of its classes, and not all") }
    case (.classes, .comparison): throw fail("the event of classes is `positive: [some of them]`")
    }
  }
}

extension OutcomeSpecification.Rule {
  /// Whether a number is the event.
  public func holds(_ number: Double) -> Bool {
    switch self {
    case .oneOf(let values):
      return values.contains { CellText.number(CellText.canonical($0)) == number }
    case .comparison(let comparison, let bound):
      return switch comparison {
      case .less: number < bound
      case .lessOrEqual: number <= bound
      case .equal: number == bound
      case .notEqual: number != bound
      case .greaterOrEqual: number >= bound
      case .greater: number > bound
      case .oneOf, .present: false
      }
    }
  }

  /// Whether a word is the event.
  public func holds(word: String) -> Bool {
    guard case .oneOf(let values) = self else {
      return CellText.number(word).map { holds($0) } ?? false
    }
    return values.contains { CellText.areEqual(word, $0) }
  }
}
