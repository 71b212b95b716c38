/// A node's coded form, which a saved model keeps for ever: a leaf has `value` and `cover`; a split
/// also `feature`, `upTo` or `equals` (a bin), `missingGoesLeft`, `left`, `right` and `gain`.
extension DecisionTree.Node: Codable {
  private enum CodingKeys: String, CodingKey {
    case feature, upTo, equals, missingGoesLeft, left, right, value, cover, gain
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let value = try container.decode(Double.self, forKey: .value)
    let cover = try container.decode(Double.self, forKey: .cover)
    guard let feature = try container.decodeIfPresent(Int.self, forKey: .feature) else {
      self.init(test: nil, left: 0, right: 0, value: value, cover: cover, gain: 0)
      return
    }
    let rule: SplitTest.Rule
    if let bin = try container.decodeIfPresent(UInt8.self, forKey: .upTo) {
      guard !container.contains(.equals) else { throw BoostedTreesError(.invalidModel) }
      rule = .upTo(bin)
    } else {
      rule = .equals(try container.decode(UInt8.self, forKey: .equals))
    }
    let test = SplitTest(
      feature: feature, rule: rule,
      missingGoesLeft: try container.decode(Bool.self, forKey: .missingGoesLeft))
    self.init(
      test: test, left: try container.decode(Int.self, forKey: .left),
      right: try container.decode(Int.self, forKey: .right), value: value, cover: cover,
      gain: try container.decode(Double.self, forKey: .gain))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(value, forKey: .value)
    try container.encode(cover, forKey: .cover)
    guard let test else { return }
    try container.encode(test.feature, forKey: .feature)
    switch test.rule {
    case .upTo(let bin): try container.encode(bin, forKey: .upTo)
    case .equals(let bin): try container.encode(bin, forKey: .equals)
    }
    try container.encode(test.missingGoesLeft, forKey: .missingGoesLeft)
    try container.encode(left, forKey: .left)
    try container.encode(right, forKey: .right)
    try container.encode(gain, forKey: .gain)
  }
}
