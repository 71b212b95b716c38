/// Limits and times of a connection. The defaults are the ones of a deployment; tests shorten them.
public struct ConnectionSettings: Sendable {
  /// A heartbeat is sent when nothing else was sent for this long.
  public var heartbeatInterval: Duration = .seconds(5)
  /// A peer that was not heard for this long is dead.
  public var deadPeerAfter: Duration = .seconds(15)
  /// The longest time one message of at most 1 MiB may wait for the network to take it.
  public var sendDeadline: Duration = .seconds(30)
  /// The longest time an announced payload may wait for the receiver to have room.
  public var grantDeadline: Duration = .seconds(300)
  /// The longest time from opening a connection to its acceptance by the other side.
  public var connectDeadline: Duration = .seconds(15)
  /// How long a closing side waits for its last words to leave.
  public var closeLinger: Duration = .milliseconds(500)
  /// Largest body of a frame, in bytes.
  public var maximumBodyBytes = 512 << 10
  /// Longest payload that travels inside the envelope, in bytes.
  public var maximumInlineBytes = 512 << 10
  /// Longest payload, sent or received, in bytes.
  public var maximumPayloadBytes = 1 << 30
  /// Longest chunk of a payload, in bytes: a few copies of one are in memory per connection while it
  /// travels.
  public var chunkBytes = 256 << 10
  /// Most frames that may wait to be sent.
  public var maximumQueuedFrames = 1024
  /// Most bytes that may wait to be sent; a single frame is always taken.
  public var maximumQueuedBytes = 256 << 20
  /// Most frames that may wait to be read before the peer is held back.
  public var maximumUnreadFrames = 64
  /// Most bytes that may wait to be read before the peer is held back.
  public var maximumUnreadBytes = 8 << 20

  /// The defaults.
  public init() {}

  /// How often a connection looks at its clocks.
  var tick: Duration {
    min(.milliseconds(500), min(heartbeatInterval / 4, deadPeerAfter / 8))
  }
}
