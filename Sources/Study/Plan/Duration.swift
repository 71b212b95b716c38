import Cohort
import Records
import StrictYAML

/// Durations as people write them.
enum Duration {
  /// `30 min`, `24 h`, `30 d`, `1 a`; nil for anything else.
  static func seconds(_ text: some StringProtocol) -> Int64? {
    let parts = text.split(separator: " ")
    guard parts.count == 2, let number = FieldText.number(String(parts[0])), number >= 0 else {
      return nil
    }
    let unit: Double? =
      switch parts[1] {
      case "s": 1
      case "min": 60
      case "h": 3600
      case "d": 86_400
      case "a", "years": RecordTime.year
      default: nil
      }
    guard let unit, number * unit < Double(RecordTime.bound) else { return nil }
    return Int64((number * unit).rounded())
  }
}

extension YAMLNode {
  /// A duration in seconds.
  func duration() throws(YAMLProblem) -> Int64 {
    guard let seconds = Duration.seconds(try string()) else {
      throw problem(
        .outOfRange, "this is not a duration", advice: "write a number and s, min, h, d or a: 24 h")
    }
    return seconds
  }

  /// `[low, high]`.
  func range() throws(YAMLProblem) -> ClosedRange<Double> {
    let bounds = try list(count: 2...2)
    let lower = try bounds[0].double()
    let upper = try bounds[1].double()
    guard lower < upper else {
      throw problem(
        .outOfRange, "the lower bound is not below the upper one", advice: "write [low, high]")
    }
    return lower...upper
  }
}

extension RecordsRecipe {
  /// Seconds of a duration as people write it: `30 min`, `24 h`, `30 d`; nil for anything else.
  public static func seconds(_ duration: String) -> Int64? { Duration.seconds(duration) }
}
