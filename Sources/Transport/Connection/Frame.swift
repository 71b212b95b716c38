/// One message between a site and the aggregator, as the roles see it.
public struct Frame: Sendable {
  /// What the body means; registered in `protocol/README.md`.
  public var kind: UInt16
  /// The study it belongs to; empty when it belongs to none. At most 256 bytes of UTF-8.
  public var study: String
  /// The canonical bytes of the message, at most `ConnectionSettings.maximumBodyBytes`.
  public var body: [UInt8]
  /// What is too long for a body, such as a masked vector: up to
  /// `ConnectionSettings.maximumPayloadBytes`.
  public var payload: Payload?

  /// Makes a frame.
  public init(kind: UInt16, study: String = "", body: [UInt8] = [], payload: Payload? = nil) {
    self.kind = kind
    self.study = study
    self.body = body
    self.payload = payload
  }

  /// Bytes this frame holds in memory while it waits in a queue.
  var queuedBytes: Int {
    var count = 64 + body.count + study.utf8.count
    if let payload, !payload.isSpooled { count += payload.count }
    return count
  }
}
