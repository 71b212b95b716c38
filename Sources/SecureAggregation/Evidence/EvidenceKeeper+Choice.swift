/// Which faults deserve evidence: the one rule of both roles.
extension EvidenceKeeper {
  /// A fault that may be somebody's misbehaviour, and its round (0: keys were being agreed).
  public struct NotableFault: Sendable, Equatable {
    public let round: UInt64
    public let fault: SecureAggregationError
  }

  /// At a site: what the message ended here. Nothing where it is an Abort: the fault is then another
  /// party's to prove, and `evidence(ofComplaint:key:)` looks at it.
  ///
  /// - Parameters:
  ///   - actions: what the session made of the message.
  ///   - lastRound: the highest round this site knows, after the message was taken.
  public static func notableFaults(
    in actions: [SiteAction], after message: [UInt8], lastRound: UInt64
  ) -> [NotableFault] {
    let envelope = Envelope.unchecked(message)
    guard envelope?.kind != .abort else { return [] }
    return actions.compactMap { action in
      switch action {
      case .aborted(let round, let fault, _): notable(round, fault)
      case .halted(let fault, _): notable(envelope?.round ?? lastRound, fault)
      default: nil
      }
    }
  }

  /// At the aggregator: sites that were left out or blamed for the message. Nothing where it is an
  /// Abort: a site that gives up has told why, and that is no offence.
  public static func notableFaults(
    in actions: [AggregatorAction], after message: [UInt8]
  ) -> [NotableFault] {
    let envelope = Envelope.unchecked(message)
    guard envelope?.kind != .abort else { return [] }
    return actions.compactMap { action in
      switch action {
      case .dropped(_, let fault), .blamed(_, let fault): notable(envelope?.round ?? 0, fault)
      default: nil
      }
    }
  }

  /// Lateness, restarts and refusals by policy leave nothing to prove.
  private static func notable(_ round: UInt64, _ fault: SecureAggregationError) -> NotableFault? {
    switch fault.code {
    case .timeout, .restarted, .stopped, .refused, .answerInvalid, .prefetchMissing, .siteMissing:
      nil
    default: NotableFault(round: round, fault: fault)
    }
  }
}
