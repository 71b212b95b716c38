/// A condition of a comorbidity index: the codes that begin with one of its prefixes.
public struct Comorbidity: Sendable {
  public let key: String
  public let label: String
  /// The original and a newer weight, in the order of the index's table.
  public let weights: [Int]
  /// The more severe condition beside which this one does not count.
  public let hiddenBy: String?
  let icd9: [[UInt8]]
  let icd10: [[UInt8]]

  init(
    _ key: String, _ label: String, weights: [Int], hiddenBy: String?, icd9: String, icd10: String
  ) {
    self.key = key
    self.label = label
    self.weights = weights
    self.hiddenBy = hiddenBy
    self.icd9 = icd9.split(separator: " ").map { Array($0.utf8) }
    self.icd10 = icd10.split(separator: " ").map { Array($0.utf8) }
  }

  /// Whether a diagnosis begins with one of the prefixes of its system.
  public func contains(_ diagnosis: DiagnosisCode) -> Bool {
    let code = Array(diagnosis.code.utf8)
    return (diagnosis.system == .icd9 ? icd9 : icd10).contains { code.starts(with: $0) }
  }

  /// The index of a set of conditions: the sum of the weights of those that no more severe one
  /// hides.
  public static func score(_ index: DiagnosisGrouping, _ present: Set<String>, weights: Int = 0)
    -> Int
  {
    let table = index == .elixhauser ? elixhauser : charlson
    return table.filter { condition in
      present.contains(condition.key)
        && !(condition.hiddenBy.map { $0.split(separator: " ") } ?? [])
          .contains { present.contains(String($0)) }
    }.reduce(0) { sum, condition in
      sum + (condition.weights.indices.contains(weights) ? condition.weights[weights] : 0)
    }
  }

  /// Charlson's points for age: one for each full decade from 50, at most four (Charlson 1994).
  public static func agePoints(_ years: Double) -> Int {
    guard years >= 50 else { return 0 }
    return Int(min(4, ((years - 40) / 10).rounded(.down)))
  }
}
