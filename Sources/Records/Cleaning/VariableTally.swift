/// What cleaning did with the records of one variable. Counts only.
public struct VariableTally: Sendable, Hashable {
  /// Records of the variable.
  public var eventCount = 0
  /// Records without a number, or with one that means "not recorded".
  public var missingCount = 0
  /// Records of a numeric variable whose value is a word; made missing.
  public var wordCount = 0
  /// Of those, words that are numbers with a decimal comma.
  public var decimalCommaCount = 0
  /// Values in a unit that has no conversion; made missing.
  public var unknownUnitCount = 0
  /// Values without a unit, read as the variable's own.
  public var unitAssumedCount = 0
  /// Values converted from another unit.
  public var convertedCount = 0
  /// Values outside the hard range; made missing.
  public var hardRangeCount = 0
  /// Values outside the warn range; kept.
  public var warnRangeCount = 0
  /// Records before birth or more than a day after death; left out.
  public var impossibleTimeCount = 0
  /// Records equal to one before; left out. Counted only when the recipe removes duplicates.
  public var duplicateCount = 0

  /// Records of which nobody can say when they became known; in no feature.
  public var neverKnownCount = 0
  /// Records that say that something happened and not when; in no feature, and as an outcome unknown.
  public var undatedCount = 0

  public init() {}

  /// What to tell the data steward of a variable's words; nil when there are none. No value is in it.
  public func words(of variable: String) -> String? {
    guard wordCount > 0 else { return nil }
    let text = "\(wordCount) values of \(variable) are words and count as missing"
    return decimalCommaCount == 0
      ? text + "; name what means \u{201C}not recorded\u{201D} in `missing`"
      : text
        + "; \(decimalCommaCount) are numbers with a comma: set `decimal: \",\"` in the mapping"
  }
}
