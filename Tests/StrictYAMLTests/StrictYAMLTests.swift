import Testing

@testable import StrictYAML

private func root(_ text: String) throws -> YAMLNode {
  try YAMLDocument(text: text, file: "site.yaml").root
}

private func problem(_ body: () throws -> Void) -> YAMLProblem? {
  do {
    try body()
    return nil
  } catch {
    return error as? YAMLProblem
  }
}

@Suite struct StrictYAMLTests {
  @Test func readsEveryKindOfValue() throws {
    let map = try root(
      """
      name: st-anna
      port: 8443
      share: 0.25
      automatic: true
      codes: ["", "?", -9, NA]
      kind: number
      inner: {low: 1, high: 2}
      """
    ).mapping(keys: ["name", "port", "share", "automatic", "codes", "kind", "inner", "absent"])
    #expect(try map.string("name") == "st-anna")
    #expect(try map.integer("port", in: 1...65535) == 8443)
    #expect(try map.double("share", in: 0...1) == 0.25)
    #expect(try map.boolean("automatic", default: false))
    #expect(try map.codes("codes") == ["", "?", "-9", "NA"])
    #expect(try map.required("kind").choice([("number", 1), ("flag", 2)]) == 1)
    #expect(try map.mapping("inner", keys: ["low", "high"]).integer("high") == 2)
    #expect(try map.optionalString("absent") == nil)
    #expect(try map.integer("absent", default: 7) == 7)
  }

  @Test func namesTheUnknownKeyItsPlaceAndTheNearestKey() throws {
    let found = problem {
      let map = try root("site: a\ndata:\n  colums: []\n").mapping(keys: ["site", "data"])
      _ = try map.mapping("data", keys: ["file", "columns"])
    }
    let fault = try #require(found)
    #expect(fault.code == .unknownKey)
    #expect(fault.line == 3 && fault.column == 3)
    #expect(fault.keyPath == "data.colums")
    #expect(fault.advice.contains("`columns`"))
    #expect(
      fault.description
        == "site.yaml:3:3: data.colums: unknown key `colums`; did you mean `columns`?")
  }

  @Test func refusesWhatIsNotOfTheType() throws {
    let map = try root("a: yes\nb: '7'\nc: 0x1f\nd: [1]\ne: 1_000\nf: .nan\ng: 12\nh: ~\n")
      .mapping(keys: ["a", "b", "c", "d", "e", "f", "g", "h"])
    #expect(problem { _ = try map.boolean("a", default: true) }?.code == .wrongType)
    #expect(problem { _ = try map.integer("b") }?.code == .wrongType)
    #expect(problem { _ = try map.double("c") }?.code == .wrongType)
    #expect(problem { _ = try map.string("d") }?.code == .wrongType)
    #expect(problem { _ = try map.integer("e") }?.code == .wrongType)
    #expect(problem { _ = try map.double("f") }?.code == .wrongType)
    #expect(problem { _ = try map.integer("g", in: 0...10) }?.code == .outOfRange)
    #expect(problem { _ = try map.string("h") }?.code == .missingKey)
  }

  @Test func suggestsWords() {
    #expect(
      Suggestion.nearest(to: "minimum-cohrt", among: ["minimum_cohort", "x"]) == "minimum_cohort")
    #expect(Suggestion.nearest(to: "creatinine", among: ["sodium", "lactate"]) == nil)
    #expect(Suggestion.nearest(to: "col", among: ["columns", "file"]) == nil)
    #expect(Suggestion.nearest(to: "tpye", among: ["type", "name"]) == "type")
    #expect(Suggestion.editDistance(Array("kitten"), Array("sitting")) == 3)
    #expect(Suggestion.editDistance(Array("ab"), Array("ba")) == 1)
  }

  @Test func duplicateKeysAndBadSyntaxHaveAPlace() {
    #expect(problem { _ = try root("a: 1\na: 2\n") }?.code == .duplicateKey)
    let bad = problem { _ = try root("a: [1, 2\nb: 3\n") }
    #expect(bad?.code == .syntax)
    #expect((bad?.line ?? 0) > 0)
    #expect(problem { _ = try root("") }?.code == .missingKey)
  }

  @Test func deepAndWideTextsAreRefusedNotFollowed() {
    #expect(
      problem { _ = try root(String(repeating: "[", count: 100_000)) }?.code == .tooLarge)
    #expect(
      problem { _ = try root(String(repeating: "- ", count: 100_000) + "a") }?.code == .tooLarge)
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...8 {
      let reference = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      bomb += "a\(level): &a\(level) [\(reference)]\n"
    }
    #expect(problem { _ = try root(bomb) }?.code == .tooLarge)
    #expect(
      problem { _ = try root(String(repeating: "a", count: 1 << 21)) }?.code == .tooLarge)
  }

  @Test func randomTextNeverTraps() {
    var state: UInt64 = 0x5EED
    let alphabet = Array("ab:-[]{}'\"\n \t&*#!|>%@,?0~.\u{0}é")
    for trial in 0..<400 {
      var text = ""
      for _ in 0..<60 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      let fault = problem { _ = try root(text).mapping(keys: ["a", "b"]) }
      #expect(fault?.message.isEmpty != true, "seed 0x5EED trial \(trial)")
    }
  }
}
