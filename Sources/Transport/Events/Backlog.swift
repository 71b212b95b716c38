import Synchronization

/// How much of each sender waits to be handled, and how much may.
///
/// Senders that follow a protocol wait for an answer after every few messages. With a bound, one that
/// sends on and on is noticed and cut off instead of filling the memory.
public final class Backlog<Sender: Hashable & Sendable>: Sendable {
  /// Most messages of one sender.
  public let limit: Int
  private let waiting = Mutex<[Sender: Int]>([:])

  /// - Parameter limit: most messages of one sender that wait, at least 1.
  public init(limit: Int) {
    self.limit = limit
  }

  /// Counts a message of a sender; false, and not counted, when too many wait already.
  public func enter(_ sender: Sender) -> Bool {
    waiting.withLock { waiting in
      guard waiting[sender, default: 0] < limit else { return false }
      waiting[sender, default: 0] += 1
      return true
    }
  }

  /// A message of the sender is about to be handled.
  public func leave(_ sender: Sender) {
    waiting.withLock { $0[sender, default: 1] -= 1 }
  }
}
