/// Finds the permitted word that a mistyped one probably means.
public enum Suggestion {
  /// The nearest of `candidates` to `word`, ignoring case, `-`, `_` and blanks; nil when none is
  /// near: the edit distance must be at most 2 and below half the word, or one must begin with
  /// the other. Ties go to the first candidate.
  public static func nearest(to word: String, among candidates: [String]) -> String? {
    let given = folded(word)
    guard !given.isEmpty, given.count <= 256 else { return nil }
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let other = folded(candidate)
      let begins =
        given.count >= 4 && other.count >= 4
        && (other.starts(with: given) || given.starts(with: other))
      let distance = begins ? 1 : editDistance(given, other)
      let limit = max(1, min(max(given.count, other.count) / 3, 3))
      guard distance <= limit else { continue }
      if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// The optimal string alignment distance: insertions, deletions, substitutions and swaps of
  /// neighbours, each at cost 1 (Damerau 1964, without repeated edits of one substring).
  public static func editDistance<Element: Equatable>(_ left: [Element], _ right: [Element]) -> Int
  {
    if left.isEmpty { return right.count }
    if right.isEmpty { return left.count }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 1...left.count {
      var current = [row] + [Int](repeating: 0, count: right.count)
      for column in 1...right.count {
        let same = left[row - 1] == right[column - 1]
        var cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
        if row > 1, column > 1, left[row - 1] == right[column - 2],
          left[row - 2] == right[column - 1]
        {
          cost = min(cost, beforeLast[column - 2] + 1)
        }
        current[column] = cost
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }

  private static func folded(_ word: String) -> [Character] {
    word.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }.map { $0 }
  }
}
