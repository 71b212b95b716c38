import Records

/// The recipe's code and the assumed unit of every local code, looked up once.
struct CodeCache {
  private var local = Interner()
  private var found: [(code: Int32, unit: Int32)] = []

  mutating func look(
    _ text: UnsafeBufferPointer<UInt8>, _ mapping: DelimitedMapping, _ lexicon: inout Lexicon
  ) -> (code: Int32, unit: Int32)? {
    if let number = local.existing(text) { return found[Int(number)] }
    guard let own = String(validating: text, as: UTF8.self) else { return nil }
    let prefixed = mapping.codeSystem.isEmpty ? own : "\(mapping.codeSystem):\(own)"
    let name = DiagnosisCode.normalised(mapping.codes[own] ?? prefixed)
    guard let code = lexicon.codes.index(name), local.index(text) != nil else { return nil }
    let unit =
      (mapping.units[name] ?? mapping.units[mapping.codes[own] ?? prefixed])
      .flatMap { lexicon.units.index($0) } ?? Lexicon.none
    found.append((code, unit))
    return (code, unit)
  }
}
