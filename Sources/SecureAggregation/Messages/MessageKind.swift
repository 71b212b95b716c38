/// The kinds of messages (protocol/README.md §4).
public enum MessageKind: UInt8, Sendable, CaseIterable {
  case epochOpen = 1
  case keyOffer = 2
  case keySet = 3
  case keyConfirm = 4
  case confirmSet = 5
  case catchUp = 6
  case roundOpen = 16
  case shares = 17
  case lock1 = 18
  case masked = 19
  case lock2 = 20
  case ack = 21
  case ackSet = 22
  case unmask = 23
  case result = 24
  case abort = 25

  /// Who may send the kind.
  public enum Direction: Sendable {
    case fromAggregator
    case fromSite
    case either
  }

  public var direction: Direction {
    switch self {
    case .epochOpen, .keySet, .confirmSet, .catchUp, .roundOpen, .lock1, .lock2, .ackSet, .result:
      .fromAggregator
    case .keyOffer, .keyConfirm, .shares, .masked, .ack, .unmask: .fromSite
    case .abort: .either
    }
  }

  /// Whether the kind belongs to setting up an epoch: its round number is 0.
  public var isSetup: Bool { rawValue <= MessageKind.catchUp.rawValue }
}
