/// Which codes' words a recipe looks at, so that a reader keeps those and no others: free texts are as
/// many as the records.
public struct WordNeed: Sendable {
  private let patterns: [CodePattern]
  private var known: [Bool] = []

  /// The words that a recipe reads: of its categories and of what it compares with a condition.
  /// Without a recipe nobody reads any.
  public init(_ recipe: RecordsRecipe?) {
    guard let recipe else {
      patterns = []
      return
    }
    let measured = (recipe.features.map(\.measure) + recipe.criteria.map(\.measure))
      .filter { $0.function == .first || $0.function == .last }
    var compared: [String] = []
    if case .event(let variable, .some) = recipe.index.anchor { compared.append(variable) }
    if let outcome = recipe.outcome, outcome.condition != nil { compared.append(outcome.variable) }
    patterns = recipe.variables.filter { variable in
      compared.contains(variable.name)
        || variable.kind == .category && measured.contains { $0.variable == variable.name }
    }.flatMap(\.codes)
  }

  /// Whether somebody reads the words of a code of `codes`.
  mutating func isNeeded(_ code: Int32, in codes: borrowing Interner) -> Bool {
    while known.count < codes.count {
      let text = codes.text(Int32(known.count))
      // A diagnosis whose system is not decided yet may be either.
      let diagnoses = DiagnosisCode.System.allCases.map { DiagnosisCode(text, undeclared: $0) }
      known.append(
        patterns.contains { pattern in diagnoses.contains { pattern.matches(text, $0) } })
    }
    return known.indices.contains(Int(code)) && known[Int(code)]
  }
}

extension Lexicon {
  /// The longest word that is kept, in bytes; longer ones are cut.
  public static let maximumWordBytes = 256

  /// The number of a word of some codes: one to look it up by where ``words`` says that somebody reads
  /// the words of one of them, else one below ``none`` that tells it from other words and whether it
  /// is a number with a decimal comma. Nil when there are too many words.
  public mutating func word(
    _ bytes: UnsafeBufferPointer<UInt8>, of codes: some Sequence<Int32>
  ) -> Int32? {
    var isNeeded = words == nil
    for code in codes where !isNeeded {
      isNeeded = words?.isNeeded(code, in: self.codes) ?? true
    }
    guard isNeeded else {
      let isComma = FieldText.isDecimalComma(bytes)
      let print = Int32(Interner.hash(bytes) & 0x1FFF_FFFF)
      return -2 - (print << 1 | (isComma ? 1 : 0))
    }
    var length = min(bytes.count, Self.maximumWordBytes)
    if length < bytes.count {
      while length > 0, bytes[length] & 0xC0 == 0x80 { length -= 1 }
    }
    return texts.index(UnsafeBufferPointer(rebasing: bytes[..<length]))
  }

  /// `word` of a text.
  public mutating func word(_ text: String, of codes: some Sequence<Int32>) -> Int32? {
    var text = text
    return text.withUTF8 { word($0, of: codes) }
  }

  /// Whether the value of an event is a number with a decimal comma.
  public func isDecimalComma(_ event: Event) -> Bool {
    event.text > Self.none
      ? FieldText.isDecimalComma(texts.text(event.text)) : Self.isDecimalComma(event.text)
  }

  /// Whether a word that is not kept is a number with a decimal comma.
  static func isDecimalComma(_ text: Int32) -> Bool { text < none && (-2 - text) & 1 == 1 }
}
