import Dispatch
import Records
import Synchronization

/// One block to be parsed, once, by whichever thread comes first.
final class ParseJob: Sendable {
  private enum State {
    case waiting(DelimitedBlock, spare: [Event])
    case running
    case done(DelimitedBlock, DelimitedEvents)
    case over
  }

  private let state: Mutex<State>
  private let finished = DispatchSemaphore(value: 0)

  /// `spare` lends its memory to the events.
  init(_ block: DelimitedBlock, reusing spare: [Event]) {
    state = Mutex(.waiting(block, spare: spare))
  }

  /// Parses the block, unless it has been begun; false then.
  @discardableResult
  func run() -> Bool {
    let work: (DelimitedBlock, [Event])? = state.withLock { state in
      guard case .waiting(let block, let spare) = state else { return nil }
      state = .running
      return (block, spare)
    }
    guard let (block, spare) = work else { return false }
    let events = block.parsed(reusing: spare)
    state.withLock { $0 = .done(block, events) }
    finished.signal()
    return true
  }

  /// The result, which is then no longer here. Waits for the thread that is at it: the work lies in
  /// memory and is bounded, so the wait is. Nil for a job that was cancelled or taken, or that
  /// nobody has begun.
  func take() -> (DelimitedBlock, DelimitedEvents)? {
    let isRunning = state.withLock { state in
      switch state {
      case .running, .done: true
      case .waiting, .over: false
      }
    }
    guard isRunning else { return nil }
    finished.wait()
    return state.withLock { state in
      guard case .done(let block, let events) = state else { return nil }
      state = .over
      return (block, events)
    }
  }

  /// Whether the result is there.
  var isDone: Bool {
    state.withLock { state in
      if case .done = state { return true }
      return false
    }
  }

  /// Nobody needs the result any more.
  func cancel() {
    state.withLock { state in
      if case .waiting = state { state = .over }
    }
  }
}
