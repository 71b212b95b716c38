import Synchronization

/// Received frames that wait for their reader: bounded, one producer, one consumer.
final class FrameQueue: Sendable {
  private struct State {
    var frames = FIFO<Frame>()
    var bytes = 0
    var end: TransportError?
    var endsInOrder = false
    var reader: (ticket: UInt64, continuation: CheckedContinuation<Frame?, any Error>)?
    var writer: CheckedContinuation<Void, Never>?
    var nextTicket: UInt64 = 0
  }

  private let state = Mutex(State())
  private let maximumFrames: Int
  private let maximumBytes: Int

  init(maximumFrames: Int, maximumBytes: Int) {
    self.maximumFrames = maximumFrames
    self.maximumBytes = maximumBytes
  }

  /// Whether the producer is being held back.
  var isHeldBack: Bool { state.withLock { $0.writer != nil } }

  /// Hands over a frame and waits until there is room for the next. Frames after the end are dropped.
  func push(_ frame: Frame) async {
    let mustWait = state.withLock { state -> Bool in
      guard state.end == nil else { return false }
      if let reader = state.reader {
        state.reader = nil
        reader.continuation.resume(returning: frame)
        return false
      }
      state.frames.append(frame)
      state.bytes += frame.queuedBytes
      return isFull(state)
    }
    guard mustWait else { return }
    await withCheckedContinuation { continuation in
      let goesOn = state.withLock { state in
        if state.end != nil || !isFull(state) { return true }
        state.writer = continuation
        return false
      }
      if goesOn { continuation.resume() }
    }
  }

  /// Ends the queue. The first call wins. What was received before stays readable when the end is in
  /// order; after a failure it is dropped.
  func finish(_ error: TransportError, inOrder: Bool) {
    state.withLock { state in
      guard state.end == nil else { return }
      state.end = error
      state.endsInOrder = inOrder
      if !inOrder { _ = state.frames.removeAll() }
      state.writer?.resume()
      state.writer = nil
      if let reader = state.reader {
        state.reader = nil
        Self.resume(reader.continuation, state)
      }
    }
  }

  /// The next frame; nil after an end in order.
  ///
  /// - Throws: the connection's error, `CancellationError` when the reading task is cancelled (the
  ///   queue can be read again afterwards), or `concurrentReaders`.
  func next() async throws -> Frame? {
    let ticket = state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation {
        (continuation: CheckedContinuation<Frame?, any Error>) in
        state.withLock { state in
          if Task.isCancelled {
            continuation.resume(throwing: CancellationError())
          } else if state.reader != nil {
            continuation.resume(throwing: TransportError(.concurrentReaders))
          } else if let frame = state.frames.popFirst() {
            state.bytes -= frame.queuedBytes
            if let writer = state.writer, !isFull(state) {
              state.writer = nil
              writer.resume()
            }
            continuation.resume(returning: frame)
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
    state.frames.count >= maximumFrames || state.bytes >= maximumBytes
  }

  private static func resume(
    _ continuation: CheckedContinuation<Frame?, any Error>, _ state: State
  ) {
    if let end = state.end, !state.endsInOrder {
      continuation.resume(throwing: end)
    } else {
      continuation.resume(returning: nil)
    }
  }
}
