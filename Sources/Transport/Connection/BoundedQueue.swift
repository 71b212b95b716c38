import Synchronization

/// Values that wait for their reader: bounded, one producer, one consumer.
///
/// Continuations are resumed outside of the lock, always: the runtime holds a task's own lock while
/// it runs a cancellation handler, which takes this one, so resuming inside would be the other order.
final class BoundedQueue<Element: Sendable>: Sendable {
  private typealias Reader = CheckedContinuation<Element?, any Error>
  private typealias Writer = CheckedContinuation<Void, Never>

  private struct State {
    var elements = FIFO<Element>()
    var bytes = 0
    var end: TransportError?
    var endsInOrder = false
    var reader: (ticket: UInt64, continuation: Reader)?
    var writer: Writer?
    var nextTicket: UInt64 = 0

    /// What a reader gets when nothing is left.
    var ending: Result<Element?, any Error> {
      if let end, !endsInOrder { return .failure(end) }
      return .success(nil)
    }

    mutating func takeReader() -> Reader? {
      defer { reader = nil }
      return reader?.continuation
    }

    mutating func takeWriter() -> Writer? {
      defer { writer = nil }
      return writer
    }
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

  /// Hands over an element and waits until there is room for the next, or the task is cancelled.
  /// What comes after the end is dropped.
  func push(_ element: Element) async {
    let (reader, mustWait) = state.withLock { state -> (Reader?, Bool) in
      guard state.end == nil else { return (nil, false) }
      if let reader = state.takeReader() { return (reader, false) }
      state.elements.append(element)
      state.bytes += bytes(element)
      return (nil, isFull(state))
    }
    reader?.resume(returning: element)
    guard mustWait else { return }
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: Writer) in
        let goesOn = state.withLock { state in
          if state.end != nil || !isFull(state) || Task.isCancelled { return true }
          state.writer = continuation
          return false
        }
        if goesOn { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.takeWriter() }?.resume()
    }
  }

  /// Ends the queue. The first call wins. What was received before stays readable when the end is in
  /// order; after a failure it is dropped.
  func finish(_ error: TransportError, inOrder: Bool) {
    let (reader, writer, ending) = state.withLock { state in
      guard state.end == nil else {
        return (Reader?.none, Writer?.none, Result<Element?, any Error>.success(nil))
      }
      state.end = error
      state.endsInOrder = inOrder
      if !inOrder { _ = state.elements.removeAll() }
      return (state.takeReader(), state.takeWriter(), state.ending)
    }
    writer?.resume()
    reader?.resume(with: ending)
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
      try await withCheckedThrowingContinuation { (continuation: Reader) in
        let (result, writer) = state.withLock { take(&$0, ticket, continuation) }
        writer?.resume()
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let reader = state.withLock { state in
        state.reader?.ticket == ticket ? state.takeReader() : nil
      }
      reader?.resume(throwing: CancellationError())
    }
  }

  /// What a reader gets now, and a writer that has room again; without a result the reader waits.
  private func take(
    _ state: inout State, _ ticket: UInt64, _ continuation: Reader
  ) -> (Result<Element?, any Error>?, Writer?) {
    if Task.isCancelled { return (.failure(CancellationError()), nil) }
    if state.reader != nil { return (.failure(TransportError(.concurrentReaders)), nil) }
    if let element = state.elements.popFirst() {
      state.bytes -= bytes(element)
      return (.success(element), isFull(state) ? nil : state.takeWriter())
    }
    if state.end != nil { return (state.ending, nil) }
    state.reader = (ticket, continuation)
    return (nil, nil)
  }

  private func isFull(_ state: State) -> Bool {
    state.elements.count >= maximumCount || state.bytes >= maximumBytes
  }
}
