import Synchronization

/// Decides how many long payloads may be on their way to or from this process at once, over all its
/// connections, so that its memory does not grow with their number.
///
/// A payload holds one of a few places while its bytes come fast. One that comes slowly (a slow
/// link) or not at all (a frozen peer) gives its place up and goes on without one: it hardly uses
/// any memory, and nobody waits for it.
final class PayloadAdmission: Sendable {
  private struct Entry {
    var connection: UInt64
    var bytesSinceTick = 0
    var grantedAt: ContinuousClock.Instant
    var holdsPlace = true
  }

  private struct State {
    var granted: [UInt64: Entry] = [:]
    var waiting = FIFO<(connection: UInt64, grant: @Sendable () -> Void)>()
    var lastTick: ContinuousClock.Instant?
  }

  /// A payload slower than this, in bytes per second, holds no place.
  static let slowBytesPerSecond = 8.0 * 1_048_576

  private let state = Mutex(State())
  private let places: Int

  /// - Parameter places: how many fast payloads at once; at least one.
  init(places: Int) {
    self.places = max(1, places)
  }

  /// Asks for room; `grant` is called once, now or later.
  func request(_ connection: UInt64, grant: @escaping @Sendable () -> Void) {
    let grants = state.withLock { state in
      state.waiting.append((connection, grant))
      return admit(&state)
    }
    for grant in grants { grant() }
  }

  /// Bytes of a granted payload have arrived.
  func progress(_ connection: UInt64, bytes: Int) {
    state.withLock { $0.granted[connection]?.bytesSinceTick += bytes }
  }

  /// The payload is complete, or its connection has ended.
  func finish(_ connection: UInt64) {
    let grants = state.withLock { state in
      state.granted[connection] = nil
      _ = state.waiting.remove { $0.connection == connection }
      return admit(&state)
    }
    for grant in grants { grant() }
  }

  /// Measures the payloads under way; called now and then by every connection.
  func tick(_ now: ContinuousClock.Instant) {
    let grants = state.withLock { state -> [@Sendable () -> Void] in
      guard let last = state.lastTick else {
        state.lastTick = now
        return []
      }
      let elapsed = (now - last) / .seconds(1)
      guard elapsed >= 0.2 else { return [] }
      state.lastTick = now
      for (connection, var entry) in state.granted where now - entry.grantedAt >= .milliseconds(200)
      {
        entry.holdsPlace = Double(entry.bytesSinceTick) / elapsed >= Self.slowBytesPerSecond
        entry.bytesSinceTick = 0
        state.granted[connection] = entry
      }
      return admit(&state)
    }
    for grant in grants { grant() }
  }

  private func admit(_ state: inout State) -> [@Sendable () -> Void] {
    var grants: [@Sendable () -> Void] = []
    var taken = state.granted.values.count { $0.holdsPlace }
    while taken < places, let next = state.waiting.popFirst() {
      state.granted[next.connection] = Entry(connection: next.connection, grantedAt: .now)
      grants.append(next.grant)
      taken += 1
    }
    return grants
  }
}
