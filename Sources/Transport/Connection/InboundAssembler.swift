/// Puts received envelopes and chunks together again: a state machine without I/O or clock, which
/// is where hostile sequences end.
struct InboundAssembler {
  /// A payload that is being received.
  struct Assembly: Sendable {
    var frame: Frame
    var length: Int
    var received: Int
  }

  enum Action {
    /// A frame without chunks.
    case deliver(Frame)
    /// A payload of this many bytes was announced.
    case open(length: Int)
    /// The next bytes of the open payload; when `isLast`, the frame is complete after them.
    case store(offset: Int, data: [UInt8], isLast: Bool)
  }

  private let settings: ConnectionSettings
  private(set) var assembly: Assembly?
  private var isGranted = false

  init(settings: ConnectionSettings) {
    self.settings = settings
  }

  /// Chunks of the announced payload may come.
  mutating func grant() { isGranted = assembly != nil }

  mutating func receive(_ envelope: LinkEnvelope) throws(TransportError) -> Action {
    guard assembly == nil else {
      throw TransportError(.messageMalformed, detail: "a frame began inside another's payload")
    }
    guard let kind = UInt16(exactly: envelope.kind), envelope.study.utf8.count <= 256 else {
      throw TransportError(.messageMalformed, detail: "kind or study out of range")
    }
    guard envelope.body.count <= settings.maximumBodyBytes else {
      throw TransportError(
        .bodyTooLarge, detail: "\(envelope.body.count) bytes, limit \(settings.maximumBodyBytes)")
    }
    var frame = Frame(kind: kind, study: envelope.study, body: envelope.body)
    switch envelope.payload {
    case .none:
      return .deliver(frame)
    case .inline(let bytes):
      guard bytes.count <= settings.maximumInlineBytes else {
        throw TransportError(.payloadTooLarge, detail: "\(bytes.count) bytes inside an envelope")
      }
      frame.payload = Payload(bytes)
      return .deliver(frame)
    case .chunked(let announced):
      guard let length = Int(exactly: announced), length <= settings.maximumPayloadBytes else {
        throw TransportError(
          .payloadTooLarge,
          detail: "\(announced) bytes announced, limit \(settings.maximumPayloadBytes)")
      }
      guard length > 0 else {
        throw TransportError(.messageMalformed, detail: "an empty payload was announced")
      }
      assembly = Assembly(frame: frame, length: length, received: 0)
      isGranted = false
      return .open(length: length)
    }
  }

  mutating func receive(chunk data: [UInt8], at offset: UInt64) throws(TransportError) -> Action {
    guard var open = assembly else {
      throw TransportError(.chunkUnexpected, detail: "no payload was announced")
    }
    guard isGranted else {
      throw TransportError(.chunkUnexpected, detail: "sent before the receiver had room")
    }
    guard offset == UInt64(open.received), !data.isEmpty, data.count <= settings.chunkBytes else {
      throw TransportError(.chunkUnexpected, detail: "out of order, empty or too long")
    }
    guard data.count <= open.length - open.received else {
      throw TransportError(.chunkUnexpected, detail: "beyond the announced length")
    }
    let start = open.received
    open.received += data.count
    assembly = open
    return .store(offset: start, data: data, isLast: open.received == open.length)
  }

  /// Takes the frame whose last chunk was stored.
  mutating func complete(with payload: Payload) -> Frame? {
    guard var frame = assembly?.frame else { return nil }
    assembly = nil
    isGranted = false
    frame.payload = payload
    return frame
  }
}
