import Synchronization

/// Calls back at an instant that is moved again and again, as a deadline is with every message.
///
/// Moving it on costs next to nothing: the one task that sleeps looks at the instant when it wakes,
/// and sleeps again when it has been moved meanwhile.
public final class Alarm: Sendable {
  public typealias Instant = ContinuousClock.Instant

  private struct State {
    var target: Instant?
    var sleeper: (task: Task<Void, Never>, until: Instant)?
    /// Tells the present sleeper from those that were cancelled.
    var serial: UInt64 = 0
  }

  private let state = Mutex(State())
  private let ring: @Sendable () -> Void

  /// - Parameter ring: is called when the instant has come, at most once for each `set`. It may come a
  ///   moment after a later `set` or `clear`: the owner compares with the clock.
  public init(_ ring: @escaping @Sendable () -> Void) {
    self.ring = ring
  }

  deinit { state.withLock { $0.sleeper }?.task.cancel() }

  /// Sets the instant, in the place of an earlier one.
  public func set(_ instant: Instant) {
    state.withLock { state in
      state.target = instant
      if let sleeper = state.sleeper {
        // It wakes in time and goes on sleeping as long as needed.
        if sleeper.until <= instant { return }
        sleeper.task.cancel()
      }
      sleep(until: instant, &state)
    }
  }

  /// No call any more until the next `set`.
  public func clear() { state.withLock { $0.target = nil } }

  private func sleep(until instant: Instant, _ state: inout State) {
    state.serial &+= 1
    let serial = state.serial
    // Proof of life: the task holds the alarm weakly, and ends at its instant or when it is cancelled.
    let task = Task { [weak self] in
      do { try await Task.sleep(until: instant, clock: .continuous) } catch { return }
      self?.wake(serial)
    }
    state.sleeper = (task, instant)
  }

  private func wake(_ serial: UInt64) {
    let isDue = state.withLock { state in
      guard state.serial == serial else { return false }
      state.sleeper = nil
      guard let target = state.target else { return false }
      guard ContinuousClock.now >= target else {
        sleep(until: target, &state)
        return false
      }
      state.target = nil
      return true
    }
    if isDue { ring() }
  }
}
