/// Where a site stands in a study and in its round (protocol/README.md §7 and §8).
public enum SiteState: String, Sendable, CaseIterable {
  /// No keys for an epoch yet, or none any more.
  case unkeyed = "UNKEYED"
  /// Its key is offered.
  case offered = "OFFERED"
  /// It has all keys and waits for everybody to confirm the same ones.
  case confirming = "CONFIRMING"
  /// Keyed, no round so far.
  case idle = "IDLE"
  /// Normal mode: its shares are out.
  case shared = "SHARED"
  /// Fast mode: the round is open, the shares were sent before.
  case opened = "OPENED"
  /// It knows with whom it masks and holds their shares.
  case locked = "LOCKED"
  /// Its masked vector is out.
  case committed = "COMMITTED"
  /// It has signed for one set of sites.
  case acked = "ACKED"
  /// It has opened its masks for that set.
  case released = "RELEASED"
  /// It has accepted the sum.
  case done = "DONE"
  /// The round is burned.
  case aborted = "ABORTED"
  /// It was given a false sum: it answers nothing more in this study.
  case halted = "HALTED"

  /// What can happen to a site.
  public enum Event: Sendable, CaseIterable {
    case epochOpen, keySet, catchUp, confirmSet
    case roundOpen, lock1, answer, lock2, ackSet, result
    case abort, deadline, fault
  }

  /// Every transition there is: state, event, the states it may lead to. What is not in the table is
  /// refused as `unexpected-message` or has no effect. A fault of class A is the event `fault`.
  ///
  /// A state that leads to itself answers a repeat or a late Result without moving.
  static let transitions: [SiteState: [Event: Set<SiteState>]] = [
    .unkeyed: [.epochOpen: [.offered], .result: [.unkeyed], .fault: [.unkeyed, .halted]],
    .offered: [
      .epochOpen: [.offered], .keySet: [.confirming], .abort: [.unkeyed], .deadline: [.unkeyed],
      .result: [.offered], .fault: [.unkeyed, .halted],
    ],
    .confirming: [
      .epochOpen: [.offered], .catchUp: [.confirming], .confirmSet: [.idle], .abort: [.unkeyed],
      .deadline: [.unkeyed], .result: [.confirming], .fault: [.unkeyed, .halted],
    ],
    .idle: [
      .epochOpen: [.offered], .roundOpen: [.shared, .opened], .result: [.idle],
      .fault: [.aborted, .unkeyed, .halted],
    ],
    .shared: [
      .epochOpen: [.offered], .lock1: [.locked], .abort: [.aborted], .deadline: [.aborted],
      .fault: [.aborted],
    ],
    .opened: [
      .epochOpen: [.offered], .lock1: [.locked], .abort: [.aborted], .deadline: [.aborted],
      .fault: [.aborted],
    ],
    .locked: [
      .epochOpen: [.offered], .lock1: [], .answer: [.committed], .abort: [.aborted],
      .deadline: [.aborted], .fault: [.aborted],
    ],
    .committed: [
      .epochOpen: [.offered], .lock1: [], .lock2: [.acked], .result: [.done],
      .abort: [.aborted], .deadline: [.aborted], .fault: [.aborted, .halted],
    ],
    .acked: [
      .epochOpen: [.offered], .lock1: [], .lock2: [], .ackSet: [.released], .result: [.done],
      .abort: [.aborted], .deadline: [.aborted], .fault: [.aborted, .halted],
    ],
    .released: [
      .epochOpen: [.offered], .roundOpen: [.shared, .opened], .lock1: [], .lock2: [],
      .ackSet: [.released], .result: [.done], .abort: [.aborted], .fault: [.aborted, .halted],
    ],
    .done: [
      .epochOpen: [.offered], .roundOpen: [.shared, .opened], .fault: [.aborted, .unkeyed],
    ],
    .aborted: [
      .epochOpen: [.offered], .roundOpen: [.shared, .opened], .result: [.done],
      .fault: [.aborted, .unkeyed, .halted],
    ],
    .halted: [:],
  ]

  /// Whether the event means anything in this state. An empty list of targets stands for a message
  /// that is looked at and always a fault: a second Lock1 or Lock2.
  func admits(_ event: Event) -> Bool { Self.transitions[self]?[event] != nil }

  /// The states that the event may lead to.
  public func targets(of event: Event) -> Set<SiteState> {
    Self.transitions[self]?[event] ?? []
  }

  /// A round is in progress and nothing has been released for it.
  var isActive: Bool {
    switch self {
    case .shared, .opened, .locked, .committed, .acked: true
    default: false
    }
  }

  /// An epoch is being set up.
  var isSettingUp: Bool { self == .offered || self == .confirming }

  /// The keys of an epoch are there.
  var isKeyed: Bool {
    switch self {
    case .unkeyed, .offered, .confirming, .halted: false
    default: true
    }
  }
}

extension MessageKind {
  /// The event that the kind is to a site; nil for what sites send.
  var siteEvent: SiteState.Event? {
    switch self {
    case .epochOpen: .epochOpen
    case .keySet: .keySet
    case .catchUp: .catchUp
    case .confirmSet: .confirmSet
    case .roundOpen: .roundOpen
    case .lock1: .lock1
    case .lock2: .lock2
    case .ackSet: .ackSet
    case .result: .result
    case .abort: .abort
    case .keyOffer, .keyConfirm, .shares, .masked, .ack, .unmask: nil
    }
  }
}
