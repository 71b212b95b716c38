/// The measures of a recipe laid out for the inner loop: equal variables and windows share one
/// channel, whatever functions are asked of them.
struct FeaturePlan: Sendable {
  struct Channel: Sendable, Hashable {
    let variable: Int
    let window: FeatureWindow
  }

  /// Where a measure is read from.
  struct Slot: Sendable {
    let channel: Int
    let function: FeatureFunction
    let isText: Bool
  }

  /// How much a channel has to keep.
  enum Depth: Int, Sendable, Comparable {
    case extremes
    case sum
    case moments

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  private(set) var channels: [Channel] = []
  private(set) var depths: [Depth] = []
  /// Position among the channels with sums or moments; -1 for a channel without.
  private(set) var momentSlots: [Int] = []
  private(set) var momentCount = 0
  /// Channels of each variable.
  private(set) var channelsOfVariable: [[Int]]
  private(set) var features: [Slot] = []
  private(set) var criteria: [Slot] = []
  let outcomeVariable: Int?
  let followUpVariable: Int?
  let birthVariable: Int?
  /// Variable whose events are the index events; nil when the source's start is.
  let anchorVariable: Int?
  /// The outcome is the recipe's death: nobody is at risk after it.
  let isOutcomeDeath: Bool

  init(_ recipe: RecordsRecipe) {
    var numbers: [String: Int] = [:]
    for (number, variable) in recipe.variables.enumerated() { numbers[variable.name] = number }
    channelsOfVariable = recipe.variables.map { _ in [] }
    outcomeVariable = recipe.outcome.flatMap { numbers[$0.variable] }
    followUpVariable = recipe.outcome?.followUpVariable.flatMap { numbers[$0] }
    birthVariable = recipe.birth.flatMap { numbers[$0] }
    if case .event(let variable, _) = recipe.index.anchor {
      anchorVariable = numbers[variable]
    } else {
      anchorVariable = nil
    }
    isOutcomeDeath = recipe.death.map { $0 == recipe.outcome?.variable } ?? false
    var known: [Channel: Int] = [:]
    func slot(_ measure: Measure) -> Slot {
      let variable = numbers[measure.variable] ?? 0
      let channel = Channel(variable: variable, window: measure.window)
      let position: Int
      if let found = known[channel] {
        position = found
      } else {
        position = channels.count
        known[channel] = position
        channels.append(channel)
        depths.append(.extremes)
        channelsOfVariable[variable].append(position)
      }
      depths[position] = max(depths[position], Self.depth(measure.function))
      let isWord = measure.function == .first || measure.function == .last
      let isText = recipe.variables[variable].kind == .category && isWord
      return Slot(channel: position, function: measure.function, isText: isText)
    }
    features = recipe.features.map { slot($0.measure) }
    criteria = recipe.criteria.map { slot($0.measure) }
    for depth in depths {
      momentSlots.append(depth == .extremes ? -1 : momentCount)
      if depth != .extremes { momentCount += 1 }
    }
  }

  private static func depth(_ function: FeatureFunction) -> Depth {
    switch function {
    case .mean, .sum: .sum
    case .slope, .variability: .moments
    default: .extremes
    }
  }
}
