import CanonicalBytes
import Cohort
import Foundation
import Testing

@testable import Records

/// The recipe as it stands in a model file.
@Suite struct RecipeFileTests {
  /// A recipe with every kind of part.
  static let recipe = RecordsRecipe(
    variables: [
      RecordVariable("stay", codes: [.exact("stay"), .prefix("adm")]),
      RecordVariable("death", codes: [.exact("death")]),
      RecordVariable("unit", codes: [.exact("unit")], kind: .category),
      RecordVariable("heart failure", codes: [.group(.charlson, "chf")]),
      RecordVariable("creatinine", clinical: "crea", codes: [.exact("c")])
        ?? RecordVariable("creatinine", codes: [.exact("c")]),
      RecordVariable(
        "score", codes: [.exact("s")],
        kind: .number(unit: nil, hardRange: nil, warnRange: nil), missingValues: [-1, 999]),
    ],
    birth: "stay", death: "death",
    index: IndexRule(
      .event(variable: "stay", condition: ValueCondition(.greaterOrEqual, ["1"])), .every,
      minimumGap: 86_400),
    predictionOffset: 3600,
    criteria: [
      RecordCriterion(
        Measure("score", .last(3600), .maximum), ValueCondition(.present, []), excludes: true,
        reason: "scored")
    ],
    outcome: RecordOutcome(
      "died", variable: "death", condition: ValueCondition(.oneOf, ["a", "b"]), horizon: 7200,
      absence: .unknown, censoring: .exclude, requiresAtRisk: false, followUpVariable: "stay"),
    features: [
      FeatureRequest(Measure("creatinine", .ever, .last)),
      FeatureRequest(Measure("creatinine", .first(60), .slope), name: "rise"),
      FeatureRequest(Measure("unit", .sinceIndex, .first), isLabel: true),
    ],
    derived: [
      DerivedFeature("per", .ratio, of: ["creatinine_last_ever", "rise"])
    ], removesDuplicates: true)

  private static func bytes(_ recipe: RecordsRecipe) -> [UInt8] {
    var writer = ByteWriter()
    recipe.write(to: &writer)
    return writer.bytes
  }

  @Test func readsBackTheSameRecipe() throws {
    try Self.recipe.validate()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(Self.recipe)
    let read = try JSONDecoder().decode(RecordsRecipe.self, from: data)
    #expect(read == Self.recipe)
    #expect(Self.bytes(read) == Self.bytes(Self.recipe))
    #expect(try encoder.encode(read) == data)
    var plain = Self.recipe
    plain.outcome = nil
    plain.index = IndexRule(.start)
    plain.birth = nil
    let second = try JSONDecoder().decode(RecordsRecipe.self, from: encoder.encode(plain))
    #expect(second == plain && second != Self.recipe)
  }

  @Test(arguments: [
    (#""hard":[0,66]"#, #""hard":[66,0]"#), (#""hard":[0,66]"#, #""hard":[0]"#),
    (#""kind":"last""#, #""kind":"next""#), (#""seconds":60"#, #""seconds":"a""#),
    (#""interaction":"ratio""#, #""interaction":"power""#),
  ])
  func refusesWhatIsNoRecipe(_ old: String, _ new: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = try #require(String(data: encoder.encode(Self.recipe), encoding: .utf8))
    let changed = text.replacingOccurrences(of: old, with: new)
    try #require(changed != text)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(RecordsRecipe.self, from: Data(changed.utf8))
    }
  }
}
