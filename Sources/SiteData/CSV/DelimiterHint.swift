/// What a header says about the delimiter that it was read with.
enum DelimiterHint {
  private static let words: [(character: Character, word: String)] = [
    (";", "semicolon"), ("\t", "tab"), ("|", "pipe"),
  ]

  /// Advice where the whole header is one name with another delimiter in it; nil for any other.
  static func advice(_ names: [String]) -> String? {
    guard names.count == 1, let name = names.first,
      let found = words.max(by: { count($0.character, name) < count($1.character, name) }),
      count(found.character, name) > 0
    else { return nil }
    let quoted = found.character == "\t" ? "tab" : "\"\(found.character)\""
    return "the header has no such delimiter and \(count(found.character, name)) of"
      + " the kind `\(found.word)`: write `delimiter: \(quoted)`"
  }

  private static func count(_ character: Character, _ name: String) -> Int {
    name.count { $0 == character }
  }
}
