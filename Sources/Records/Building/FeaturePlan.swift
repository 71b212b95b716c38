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
  /// Position among the channels with sums alone; -1 for any other.
  private(set) var sumSlots: [Int] = []
  private(set) var sumCount = 0
  /// Position among the channels with moments; -1 for any other.
  private(set) var momentSlots: [Int] = []
  private(set) var momentCount = 0
  /// Channels in the order of their variables, and where those of each variable begin; one more at
  /// the end.
  private var channelsInOrder: [Int] = []
  private var channelStarts: [Int] = [0]
  private(set) var features: [Slot] = []
  private(set) var criteria: [Slot] = []
  let outcomeVariable: Int?
  let followUpVariable: Int?
  let birthVariable: Int?
  /// Variable whose events are the index events; nil when the source's start is.
  let anchorVariable: Int?
  /// The outcome is the recipe's death: nobody is at risk after it.
  let isOutcomeDeath: Bool
  /// Whether a record of the index event's own day, which may be on either side of it, is the outcome.
  let countsSameDay: Bool

  init(_ recipe: RecordsRecipe) {
    var numbers: [String: Int] = [:]
    for (number, variable) in recipe.variables.enumerated() { numbers[variable.name] = number }
    var channelsOfVariable: [[Int]] = recipe.variables.map { _ in [] }
    outcomeVariable = recipe.outcome.flatMap { numbers[$0.variable] }
    followUpVariable = recipe.outcome?.followUpVariable.flatMap { numbers[$0] }
    birthVariable = recipe.birth.flatMap { numbers[$0] }
    if case .event(let variable, _) = recipe.index.anchor {
      anchorVariable = numbers[variable]
    } else {
      anchorVariable = nil
    }
    isOutcomeDeath = recipe.death.map { $0 == recipe.outcome?.variable } ?? false
    let outcomeCodes = outcomeVariable.map { recipe.variables[$0].codes } ?? []
    countsSameDay =
      isOutcomeDeath
      || (recipe.outcome?.countsSameDay
        ?? (outcomeCodes.isEmpty || !outcomeCodes.allSatisfy(\.isStartOfVisit)))
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
      sumSlots.append(depth == .sum ? sumCount : -1)
      momentSlots.append(depth == .moments ? momentCount : -1)
      if depth == .sum { sumCount += 1 }
      if depth == .moments { momentCount += 1 }
    }
    for channels in channelsOfVariable {
      channelsInOrder += channels
      channelStarts.append(channelsInOrder.count)
    }
  }

  /// The channels of a variable as positions in `channel(at:)`.
  @inline(__always)
  func channels(of variable: Int) -> Range<Int> {
    channelStarts[variable]..<channelStarts[variable + 1]
  }

  @inline(__always)
  func channel(at position: Int) -> Int { channelsInOrder[position] }

  private static func depth(_ function: FeatureFunction) -> Depth {
    switch function {
    case .mean, .sum: .sum
    case .slope, .variability: .moments
    default: .extremes
    }
  }
}
