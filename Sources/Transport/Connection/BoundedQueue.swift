import Synchronization

/// Values that wait for their reader: bounded, one producer, one consumer.
final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State {
    var elements = FIFO<Element>()
    var bytes = 0
    var end: TransportError?
    var endsInOrder = false
    var reader: (ticket: UInt64, continuation: CheckedContinuation<Element?, any Error>)?
    var writer: CheckedContinuation<Void, Never>?
    var nextTicket: UInt64 = 0
  }

  private let state = Mutex(State())
  private let maximumCount: Int
  private let maximumBytes: Int

  private let bytes: @Sendable (Element) -> Int

  /// - Parameter bytes: what an element weighs.
  init(maximumCount: Int, maximumBytes: Int, bytes: @escaping @Sendable (Element) -> Int) {
    self.bytes = bytes
    self.maximumCount = maximumCount
    self.maximumBytes = maximumBytes
  }

  /// Whether the producer is being held back.
  var isHeldBack: Bool { state.withLock { $0.writer != nil } }

  /// Hands over an element and waits until there is room for the next, or the task is
  /// cancelled. What comes after the end is
  /// dropped.
  func push(_ element: Element) async {
    let mustWait = state.withLock { state -> Bool in
      guard state.end == nil else { return false }
      if let reader = state.reader {
        state.reader = nil
        reader.continuation.resume(returning: element)
        return false
      }
      state.elements.append(element)
      state.bytes += bytes(element)
      return isFull(state)
    }
    guard mustWait else { return }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let goesOn = state.withLock { state in
          if state.end != nil || !isFull(state) || Task.isCancelled { return true }
          state.writer = continuation
          return false
        }
        if goesOn { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in
        state.writer?.resume()
        state.writer = nil
      }
    }
  }

  /// Ends the queue. The first call wins. What was received before stays readable when the end is in
  /// order; after a failure it is dropped.
  func finish(_ error: TransportError, inOrder: Bool) {
    state.withLock { state in
      guard state.end == nil else { return }
      state.end = error
      state.endsInOrder = inOrder
      if !inOrder { _ = state.elements.removeAll() }
      state.writer?.resume()
      state.writer = nil
      if let reader = state.reader {
        state.reader = nil
        Self.resume(reader.continuation, state)
      }
    }
  }

  /// The next element; nil after an end in order.
  ///
  /// - Throws: the connection's error, `CancellationError` when the reading task is cancelled (the
  ///   queue can be read again afterwards), or `concurrentReaders`.
  func next() async throws -> Element? {
    let ticket = state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation {
        (continuation: CheckedContinuation<Element?, any Error>) in
        state.withLock { state in
          if Task.isCancelled {
            continuation.resume(throwing: CancellationError())
          } else if state.reader != nil {
            continuation.resume(throwing: TransportError(.concurrentReaders))
          } else if let element = state.elements.popFirst() {
            state.bytes -= bytes(element)
            if let writer = state.writer, !isFull(state) {
              state.writer = nil
              writer.resume()
            }
            continuation.resume(returning: element)
          } else if state.end != nil {
            Self.resume(continuation, state)
          } else {
            state.reader = (ticket, continuation)
          }
        }
      }
    } onCancel: {
      state.withLock { state in
        guard let reader = state.reader, reader.ticket == ticket else { return }
        state.reader = nil
        reader.continuation.resume(throwing: CancellationError())
      }
    }
  }

  private func isFull(_ state: State) -> Bool {
    state.elements.count >= maximumCount || state.bytes >= maximumBytes
  }

  private static func resume(
    _ continuation: CheckedContinuation<Element?, any Error>, _ state: State
  ) {
    if let end = state.end, !state.endsInOrder {
      continuation.resume(throwing: end)
    } else {
      continuation.resume(returning: nil)
    }
  }
}
