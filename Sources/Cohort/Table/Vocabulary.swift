/// The words of one category and their codes.
struct Vocabulary: Sendable {
  private var levels: [String]
  private var codes: [String: Int32]

  init(_ levels: [String]) {
    self.levels = levels.map { CellText.canonical($0) }
    codes = [:]
    for (index, level) in self.levels.enumerated() where codes[level] == nil {
      codes[level] = Int32(index)
    }
  }

  /// The code of a word; a new word gets the next code while the vocabulary may grow, and counts
  /// as "other" otherwise.
  mutating func code(_ word: String, mayGrow: Bool, limit: Int) -> Int32 {
    if let code = codes[word] { return code }
    guard mayGrow, levels.count < limit else { return CohortTable.Column.otherCode }
    let code = Int32(levels.count)
    levels.append(word)
    codes[word] = code
    return code
  }

  /// The finished column; with `sorted`, levels stand in the order of their Unicode scalars and
  /// only those that occur are kept, so that the column does not depend on the order of rows.
  func column(_ values: [Int32], sorted: Bool) -> CohortTable.Column {
    guard sorted else { return .category(values, levels: levels) }
    let used = Set(values)
    let kept = levels.indices.filter { used.contains(Int32($0)) }
      .sorted { levels[$0].unicodeScalars.lexicographicallyPrecedes(levels[$1].unicodeScalars) }
    var position: [Int32: Int32] = [:]
    for (index, level) in kept.enumerated() { position[Int32(level)] = Int32(index) }
    return .category(values.map { position[$0] ?? $0 }, levels: kept.map { levels[$0] })
  }
}
