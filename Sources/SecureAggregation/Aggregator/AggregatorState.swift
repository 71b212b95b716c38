/// Where the aggregator stands in a study (protocol/README.md §9): the states in which it waits.
public enum AggregatorState: String, Sendable, CaseIterable {
  case unkeyed = "UNKEYED"
  /// Waits for KeyOffers.
  case offers = "OFFERS"
  /// Waits for KeyConfirms.
  case confirms = "CONFIRMS"
  /// Keyed, no round so far in this epoch.
  case idle = "IDLE"
  case shares = "SHARES"
  case masked = "MASKED"
  case acks = "ACKS"
  case unmask = "UNMASK"
  case published = "PUBLISHED"
  case failed = "FAILED"

  /// What moves the aggregator.
  public enum Event: Sendable, CaseIterable {
    case openEpoch, offersComplete, confirmsComplete, epochFailed
    case openRound, sharesComplete, maskedComplete, acksComplete, sumOpened, roundFailed
  }

  /// Every transition there is.
  static let transitions: [AggregatorState: [Event: Set<AggregatorState>]] = {
    var table: [AggregatorState: [Event: Set<AggregatorState>]] = [
      .unkeyed: [:],
      .offers: [.offersComplete: [.confirms], .epochFailed: [.unkeyed]],
      .confirms: [.confirmsComplete: [.idle], .epochFailed: [.unkeyed]],
      .idle: [.openRound: [.shares, .masked], .epochFailed: [.unkeyed]],
      .shares: [.sharesComplete: [.masked], .roundFailed: [.failed]],
      .masked: [.maskedComplete: [.acks], .roundFailed: [.failed]],
      .acks: [.acksComplete: [.unmask], .roundFailed: [.failed]],
      .unmask: [.sumOpened: [.published], .roundFailed: [.failed]],
      .published: [.openRound: [.shares, .masked], .roundFailed: [.failed]],
      .failed: [.openRound: [.shares, .masked]],
    ]
    // A new epoch may begin at any time; a round in progress is burned.
    for state in allCases { table[state, default: [:]][.openEpoch] = [.offers] }
    return table
  }()

  /// The states that the event may lead to.
  public func targets(of event: Event) -> Set<AggregatorState> {
    Self.transitions[self]?[event] ?? []
  }

  /// The kind of message that the state waits for, within a round.
  var awaited: MessageKind? {
    switch self {
    case .shares: .shares
    case .masked: .masked
    case .acks: .ack
    case .unmask: .unmask
    default: nil
    }
  }

  var isSettingUp: Bool { self == .offers || self == .confirms }
}
