/// What a connection has to send, and in which order: a state machine without I/O or clock.
///
/// Control messages (hello, grant, heartbeat, goodbye) go first. Frames go in order; a long payload
/// waits for the receiver's grant and for this side's start, and then goes chunk by chunk.
struct OutboundLane {
  typealias Completion = CheckedContinuation<Void, any Error>

  struct Item {
    var ticket: UInt64
    var frame: Frame
    var completion: Completion?
  }

  enum Step: Sendable {
    case write(LinkMessage)
    case wait
    case finished
  }

  /// What the network is given at once: several short messages, or one chunk.
  enum Batch: Sendable {
    case write([LinkMessage])
    case wait
    case finished
  }

  /// Most bytes and messages of a batch.
  private static let batchBytes = 64 << 10
  private static let batchCount = 32

  private let settings: ConnectionSettings
  private var control = FIFO<LinkMessage>()
  private var items = FIFO<Item>()
  private var queuedBytes = 0
  /// The frame whose envelope was given out: its payload is being sent, or its last message is
  /// being written.
  private var current: (item: Item, offset: Int, remaining: Int)?
  /// Of frames that were given out with others behind them in the same batch.
  private var written: [Completion] = []
  private(set) var isAwaitingGrant = false
  private var isGranted = false
  private var isClosing = false

  init(settings: ConnectionSettings) {
    self.settings = settings
  }

  /// Refuses a frame over the limits; true when the queue has room for it.
  func admits(_ frame: Frame) throws(TransportError) -> Bool {
    guard frame.body.count <= settings.maximumBodyBytes, frame.study.utf8.count <= 256 else {
      throw TransportError(
        .bodyTooLarge, detail: "\(frame.body.count) bytes, limit \(settings.maximumBodyBytes)")
    }
    let length = frame.payload?.count ?? 0
    guard length <= settings.maximumPayloadBytes else {
      throw TransportError(
        .payloadTooLarge, detail: "\(length) bytes, limit \(settings.maximumPayloadBytes)")
    }
    if items.isEmpty { return true }
    return items.count < settings.maximumQueuedFrames
      && queuedBytes + frame.queuedBytes <= settings.maximumQueuedBytes
  }

  mutating func append(_ item: Item) {
    queuedBytes += item.frame.queuedBytes
    items.append(item)
  }

  mutating func append(control message: LinkMessage) {
    if !isClosing { control.append(message) }
  }

  /// The receiver has room. False when no payload waits for that.
  mutating func grant() -> Bool {
    guard isAwaitingGrant, !isGranted else { return false }
    isGranted = true
    return true
  }

  /// This side has room, too: the granted payload may go.
  mutating func start() {
    guard isGranted else { return }
    isGranted = false
    isAwaitingGrant = false
  }

  /// Whether a long payload has been announced and not all of it has been written.
  var isSendingPayload: Bool {
    current.map { $0.item.frame.payload?.count ?? 0 } ?? 0 > settings.maximumInlineBytes
  }

  /// Whether `next` would give something other than `wait`.
  var hasWork: Bool {
    if !control.isEmpty || isClosing || !written.isEmpty { return true }
    if let current, current.remaining > 0 { return !isAwaitingGrant }
    return current != nil || !items.isEmpty
  }

  /// Drops a frame that has not started, or its completion; nil when it is gone already.
  mutating func abandon(_ ticket: UInt64) -> Completion? {
    if current?.item.ticket == ticket {
      let completion = current?.item.completion
      current?.item.completion = nil
      return completion
    }
    guard let item = items.remove(where: { $0.ticket == ticket }) else { return nil }
    queuedBytes -= item.frame.queuedBytes
    return item.completion
  }

  /// Gives up everything but the goodbye.
  ///
  /// - Returns: the completions of the frames that will not be sent.
  mutating func close(_ goodbye: LinkMessage?) -> [Completion] {
    guard !isClosing else { return [] }
    isClosing = true
    _ = control.removeAll()
    if let goodbye { control.append(goodbye) }
    var completions = items.removeAll().compactMap(\.completion)
    if let completion = current?.item.completion { completions.append(completion) }
    completions += written
    written = []
    current = nil
    queuedBytes = 0
    isAwaitingGrant = false
    isGranted = false
    return completions
  }

  /// The next messages to write; those of the batch before count as written.
  ///
  /// - Throws: `spoolFailed` when a payload that is a file cannot be read.
  mutating func nextBatch(completed: inout [Completion]) throws(TransportError) -> Batch {
    completed += written
    written = []
    var messages: [LinkMessage] = []
    var bytes = 0
    while messages.count < Self.batchCount, bytes < Self.batchBytes {
      // Of a batch, only the first message follows one that the network has taken.
      var done: Completion?
      let step: Step
      do throws(TransportError) {
        step = try next(completed: &done)
      } catch {
        if let done { written.append(done) }
        throw error
      }
      if let done {
        if messages.isEmpty { completed.append(done) } else { written.append(done) }
      }
      switch step {
      case .wait: return messages.isEmpty ? .wait : .write(messages)
      case .finished: return messages.isEmpty ? .finished : .write(messages)
      case .write(let message):
        messages.append(message)
        bytes += message.byteCount
      }
    }
    return .write(messages)
  }

  /// The next message to write. The one before it counts as written.
  ///
  /// - Throws: `spoolFailed` when a payload that is a file cannot be read.
  mutating func next(completed: inout Completion?) throws(TransportError) -> Step {
    if let done = current, done.remaining == 0 {
      completed = done.item.completion
      current = nil
    }
    if let message = control.popFirst() { return .write(message) }
    if isClosing { return .finished }
    if let sending = current {
      if isAwaitingGrant { return .wait }
      return .write(try chunk(of: sending))
    }
    guard let item = items.popFirst() else { return .wait }
    queuedBytes -= item.frame.queuedBytes
    return .write(.envelope(try begin(item)))
  }

  private mutating func begin(_ item: Item) throws(TransportError) -> LinkEnvelope {
    var envelope = LinkEnvelope(
      kind: UInt32(item.frame.kind), study: item.frame.study, body: item.frame.body, payload: .none)
    current = (item, 0, 0)
    guard let payload = item.frame.payload else { return envelope }
    if payload.count <= settings.maximumInlineBytes {
      envelope.payload = .inline(try Self.read(payload, 0..<payload.count))
    } else {
      envelope.payload = .chunked(UInt64(payload.count))
      current = (item, 0, payload.count)
      isAwaitingGrant = true
    }
    return envelope
  }

  private mutating func chunk(
    of sending: (item: Item, offset: Int, remaining: Int)
  ) throws(TransportError) -> LinkMessage {
    let count = min(settings.chunkBytes, sending.remaining)
    var data: [UInt8] = []
    if let payload = sending.item.frame.payload {
      data = try Self.read(payload, sending.offset..<(sending.offset + count))
    }
    current = (sending.item, sending.offset + count, sending.remaining - count)
    return .chunk(offset: UInt64(sending.offset), data: data)
  }

  private static func read(
    _ payload: Payload, _ range: Range<Int>
  ) throws(TransportError) -> [UInt8] {
    do { return try payload.bytes(in: range) } catch {
      throw error as? TransportError ?? TransportError(.spoolFailed)
    }
  }
}
