import Synchronization

/// What happens to an actor, from any thread, one after the other: an unbounded queue with one reader.
///
/// An `AsyncStream` would do the same, but its reader is resumed on the general pool and only then
/// goes back to its actor; this one is resumed on the actor itself.
public final class Mailbox<Event: Sendable>: Sendable {
  private typealias Reader = CheckedContinuation<Event?, Never>

  private struct State {
    var events = FIFO<Event>()
    var reader: Reader?
    var isFinished = false
  }

  private let state = Mutex(State())

  /// An empty mailbox.
  public init() {}

  /// Adds an event; one that comes after `finish` is dropped.
  public func post(_ event: Event) {
    let reader = state.withLock { state -> Reader? in
      guard !state.isFinished else { return nil }
      if let reader = state.reader {
        state.reader = nil
        return reader
      }
      state.events.append(event)
      return nil
    }
    // Outside of the lock: see `BoundedQueue`.
    reader?.resume(returning: event)
  }

  /// Drops what is there and ends the reader.
  public func finish() {
    let reader = state.withLock { state -> Reader? in
      state.isFinished = true
      _ = state.events.removeAll()
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume(returning: nil)
  }

  /// The next event, in the order of `post`; nil after `finish`. One reader at a time.
  public func next(isolation: isolated (any Actor)? = #isolation) async -> Event? {
    switch take() {
    case .event(let event): return event
    case .finished: return nil
    case .empty: break
    }
    return await withCheckedContinuation { (continuation: Reader) in
      let now = state.withLock { state -> Next? in
        if state.isFinished { return .finished }
        if let event = state.events.popFirst() { return .event(event) }
        precondition(
          state.reader == nil, "a mailbox belongs to one actor, which reads it in one loop")
        state.reader = continuation
        return nil
      }
      switch now {
      case .event(let event): continuation.resume(returning: event)
      case .finished: continuation.resume(returning: nil)
      case .empty, nil: break
      }
    }
  }

  private enum Next {
    case event(Event)
    case finished
    case empty
  }

  private func take() -> Next {
    state.withLock { state in
      if let event = state.events.popFirst() { return .event(event) }
      return state.isFinished ? .finished : .empty
    }
  }
}
