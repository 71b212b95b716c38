import Identity

/// One live connection between a site and the aggregator, seen from either end.
public protocol SiteConnection: AnyObject, Sendable {
  /// Who is at the other end, as its certificate says.
  var peer: Principal { get }

  /// What the other end sends, in order. One task reads at a time; a reader that is slow holds the
  /// sender back. The sequence ends when either side closes in order and throws when the
  /// connection fails.
  var frames: FrameSequence { get }

  /// Hands the frames of a study to `receiver` as they are read, in their order, instead of putting
  /// them among `frames`; one that it returns false for goes there all the same. It is called on the
  /// connection's own thread and must return at once. Nil ends it, and so does the connection's end.
  func forward(_ study: String, to receiver: (@Sendable (Frame) -> Bool)?)

  /// Sends a frame and returns when the network has taken all of it.
  ///
  /// Frames leave in the order of the calls. A payload of more than 512 KiB waits until the
  /// receiver has room.
  ///
  /// - Throws: `TransportError`: `bodyTooLarge` or `payloadTooLarge` (the connection goes on),
  ///   `queueFull` or `peerStalled` (the connection fails), or the reason why it has ended;
  ///   `CancellationError` when the task is cancelled (the frame may or may not have left).
  func send(_ frame: Frame) async throws

  /// Puts a frame in the queue and returns at once; for a sender that must not wait for one peer.
  ///
  /// - Throws: as `send`.
  func enqueue(_ frame: Frame) throws

  /// Closes the connection and tells the other side why. Later calls change nothing.
  func close(_ reason: TransportError)

  /// Why the connection ended; nil while it is open.
  var closeReason: TransportError? { get }
}

extension SiteConnection {
  /// A connection that knows no shortcut: everything goes by way of `frames`.
  public func forward(_ study: String, to receiver: (@Sendable (Frame) -> Bool)?) {}

  /// Closes the connection in order.
  public func close() { close(TransportError(.closed)) }
}

/// The frames that a connection receives.
public struct FrameSequence: AsyncSequence, Sendable {
  public typealias Element = Frame

  private let queue: BoundedQueue<Frame>

  init(_ queue: BoundedQueue<Frame>) {
    self.queue = queue
  }

  /// An iterator; all iterators of a connection share its frames.
  public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

  /// The next frame, without an iterator: nil when the connection was closed in order.
  public func next() async throws -> Frame? { try await queue.next() }

  /// Reads the frames of one connection.
  public struct Iterator: AsyncIteratorProtocol {
    let queue: BoundedQueue<Frame>

    /// The next frame; see `SiteConnection.frames`.
    public mutating func next() async throws -> Frame? { try await queue.next() }
  }
}
