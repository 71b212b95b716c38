import Identity
import Synchronization

/// A connection over a stream of `LinkMessage`s: queues, heartbeats, deadlines, payloads. It knows
/// nothing of gRPC; the client and the server each give it a way to write and a sequence to read.
///
/// Three loops run beside each other until the connection ends: `writeLoop` is the only writer,
/// `readLoop` the only reader, `watch` looks at the clocks. Every one of them ends when the
/// connection is closed, whatever the peer does, except for a write that the network does not
/// take: the owner cancels that after `watch` has returned.
final class StreamConnection: SiteConnection {
  typealias Writer = CheckedContinuation<Void, Never>

  struct State {
    var lane: OutboundLane
    var assembler: InboundAssembler
    var end: TransportError?
    var endedAt: ContinuousClock.Instant?
    var lastHeard: ContinuousClock.Instant
    var lastSent: ContinuousClock.Instant
    var writingSince: ContinuousClock.Instant?
    var awaitingGrantSince: ContinuousClock.Instant?
    var isAccepted = false
    /// The write loop, when it has nothing to do. Resumed outside of the lock; see `BoundedQueue`.
    var writer: Writer?
    var nextTicket: UInt64 = 0
    /// Who takes the frames of a study without waiting for the reader of `frames`.
    var receivers: [String: @Sendable (Frame) -> Bool] = [:]
    var onAccepted: [CheckedContinuation<Void, any Error>] = []

    mutating func takeWriter() -> Writer? {
      defer { writer = nil }
      return writer
    }
  }

  let peer: Principal
  let settings: ConnectionSettings
  let queue: BoundedQueue<Frame>
  let store: PayloadStore
  let identifier: UInt64
  let state: Mutex<State>
  private static let counter = Atomic<UInt64>(0)

  init(peer: Principal, settings: ConnectionSettings, store: PayloadStore) {
    self.peer = peer
    self.settings = settings
    self.store = store
    identifier = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    queue = BoundedQueue(
      maximumCount: settings.maximumUnreadFrames, maximumBytes: settings.maximumUnreadBytes
    ) { $0.queuedBytes }
    let now = ContinuousClock.now
    state = Mutex(
      State(
        lane: OutboundLane(settings: settings), assembler: InboundAssembler(settings: settings),
        lastHeard: now, lastSent: now))
  }

  // MARK: SiteConnection

  var frames: FrameSequence { FrameSequence(queue) }

  var closeReason: TransportError? { state.withLock { $0.end } }

  func forward(_ study: String, to receiver: (@Sendable (Frame) -> Bool)?) {
    state.withLock { $0.receivers[study] = receiver }
  }

  func send(_ frame: Frame) async throws {
    let ticket = state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        do {
          if Task.isCancelled { throw CancellationError() }
          try put(OutboundLane.Item(ticket: ticket, frame: frame, completion: continuation))
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      state.withLock { $0.lane.abandon(ticket) }?.resume(throwing: CancellationError())
    }
  }

  func enqueue(_ frame: Frame) throws {
    try put(OutboundLane.Item(ticket: 0, frame: frame, completion: nil))
  }

  func close(_ reason: TransportError) {
    end(
      reason, inOrder: reason.code == .closed,
      goodbye: .goodbye(code: reason.code.rawValue, reason: String(reason.description.prefix(1024)))
    )
  }

  /// Queues a frame, or throws without having kept its completion.
  private func put(_ item: OutboundLane.Item) throws(TransportError) {
    let (result, writer) = state.withLock { state -> (Result<Bool, TransportError>, Writer?) in
      if let end = state.end { return (.failure(end), nil) }
      do throws(TransportError) {
        guard try state.lane.admits(item.frame) else { return (.success(false), nil) }
      } catch { return (.failure(error), nil) }
      state.lane.append(item)
      return (.success(true), state.takeWriter())
    }
    writer?.resume()
    guard try result.get() else {
      let error = TransportError(.queueFull, subject: peer.description)
      close(error)
      throw error
    }
  }

  // MARK: Control

  /// Sends a message ahead of all frames.
  func control(_ message: LinkMessage) {
    let writer = state.withLock { state in
      state.lane.append(control: message)
      return state.takeWriter()
    }
    writer?.resume()
  }

  /// Ends the connection. The first call wins.
  func end(_ reason: TransportError, inOrder: Bool, goodbye: LinkMessage?) {
    let ended = state.withLock { state -> Ended? in
      guard state.end == nil else { return nil }
      state.end = reason
      state.endedAt = .now
      state.receivers = [:]
      defer { state.onAccepted = [] }
      return Ended(
        completions: state.lane.close(goodbye), accepted: state.onAccepted,
        writer: state.takeWriter())
    }
    guard let ended else { return }
    queue.finish(reason, inOrder: inOrder)
    store.traffic?.finish(identifier)
    ended.writer?.resume()
    for completion in ended.completions { completion.resume(throwing: reason) }
    for waiter in ended.accepted { waiter.resume(throwing: reason) }
  }

  /// Who waits for a connection that has ended.
  private struct Ended {
    var completions: [OutboundLane.Completion]
    var accepted: [CheckedContinuation<Void, any Error>]
    var writer: Writer?
  }

  /// Marks the connection as accepted by both sides.
  func accept() {
    let waiters = state.withLock { state in
      state.isAccepted = true
      defer { state.onAccepted = [] }
      return state.onAccepted
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits until the other side has accepted; throws the reason when it ended before.
  func accepted() async throws {
    try await withCheckedThrowingContinuation {
      (continuation: CheckedContinuation<Void, any Error>) in
      let now: Result<Void, any Error>? = state.withLock { state in
        if let end = state.end { return .failure(end) }
        if state.isAccepted { return .success(()) }
        state.onAccepted.append(continuation)
        return nil
      }
      if let now { continuation.resume(with: now) }
    }
  }
}
