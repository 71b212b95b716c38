extension StreamConnection {
  /// Writes what there is to write until the connection is closed and its goodbye is written.
  ///
  /// - Parameter write: returns when the network has taken the messages.
  func writeLoop(_ write: ([LinkMessage]) async throws -> Void) async {
    while true {
      switch nextBatch() {
      case .finished: return
      case .wait:
        await untilThereIsSomethingToWrite()
        if Task.isCancelled { return endUnwritten() }
      case .write(let messages):
        do { try await write(messages) } catch { return endUnwritten() }
      }
    }
  }

  private func endUnwritten() {
    end(TransportError(.connectionLost, subject: peer.description), inOrder: false, goodbye: nil)
  }

  private func nextBatch() -> OutboundLane.Batch {
    var completed: [OutboundLane.Completion] = []
    let (batch, failure) = state.withLock { state -> (OutboundLane.Batch, TransportError?) in
      let now = ContinuousClock.now
      do throws(TransportError) {
        let batch = try state.lane.nextBatch(completed: &completed)
        if case .write = batch {
          state.writingSince = now
          state.lastSent = now
        } else {
          state.writingSince = nil
        }
        if !state.lane.isAwaitingGrant {
          state.awaitingGrantSince = nil
        } else if state.awaitingGrantSince == nil {
          state.awaitingGrantSince = now
        }
        return (batch, nil)
      } catch {
        return (.wait, error)
      }
    }
    for completion in completed { completion.resume() }
    if let failure { close(failure) }
    if let outgoing = store.traffic?.outgoing {
      var chunkBytes = 0
      if case .write(let messages) = batch {
        for case .chunk(_, let data) in messages { chunkBytes += data.count }
      }
      if chunkBytes > 0 {
        outgoing.progress(identifier, bytes: chunkBytes)
      } else if !isSendingPayload {
        outgoing.finish(identifier)
      }
    }
    return batch
  }

  private var isSendingPayload: Bool { state.withLock { $0.lane.isSendingPayload } }

  private func untilThereIsSomethingToWrite() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: Writer) in
        let goesOn = state.withLock { state in
          // A message that arrived since `nextStep` must not be missed: the lane is asked again.
          if state.lane.hasWork || Task.isCancelled { return true }
          state.writer = continuation
          return false
        }
        if goesOn { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.takeWriter() }?.resume()
    }
  }

  /// Reads until the stream or the connection ends.
  ///
  /// - Parameter onGreeting: judges the other side's first message.
  func readLoop<Messages: AsyncSequence>(
    _ messages: Messages,
    onGreeting: (_ isHello: Bool, _ version: UInt32) throws(TransportError) -> Void
  ) async where Messages.Element == LinkMessage {
    var sink: PayloadSink?
    do {
      for try await message in messages {
        heard()
        try await receive(message, &sink, onGreeting)
        if closeReason != nil { return }
      }
      if sink != nil { throw TransportError(.payloadTruncated, subject: peer.description) }
      end(
        TransportError(.connectionLost, subject: peer.description), inOrder: false, goodbye: nil)
    } catch let error as TransportError {
      close(
        TransportError(error.code, subject: peer.description, detail: error.detail))
    } catch {
      let code: TransportError.Code = sink == nil ? .connectionLost : .payloadTruncated
      end(TransportError(code, subject: peer.description), inOrder: false, goodbye: nil)
    }
  }

  private func receive(
    _ message: LinkMessage, _ sink: inout PayloadSink?,
    _ onGreeting: (_ isHello: Bool, _ version: UInt32) throws(TransportError) -> Void
  ) async throws {
    switch message {
    case .hello(let version, _):
      try greeted { () throws(TransportError) in try onGreeting(true, version) }
    case .welcome(let version, _):
      try greeted { () throws(TransportError) in try onGreeting(false, version) }
    case .heartbeat: break
    case .goodbye(let code, let reason):
      let error = TransportError(wireCode: code, reason: reason)
      end(
        TransportError(error.code, subject: peer.description, detail: error.detail),
        inOrder: error.code == .closed, goodbye: nil)
    case .grant:
      guard state.withLock({ $0.lane.grant() }) else {
        throw TransportError(.messageMalformed, detail: "a grant that nobody asked for")
      }
      guard let outgoing = store.traffic?.outgoing else { return startPayload() }
      outgoing.request(identifier) { [weak self] in self?.startPayload() }
    case .envelope(let envelope):
      try acceptedOnly()
      try await perform(assemble { try $0.receive(envelope) }, &sink)
    case .chunk(let offset, let data):
      try acceptedOnly()
      try await perform(assemble { try $0.receive(chunk: data, at: offset) }, &sink)
    }
  }

  private func greeted(_ body: () throws(TransportError) -> Void) throws(TransportError) {
    guard !state.withLock({ $0.isAccepted }) else {
      throw TransportError(.messageMalformed, detail: "greeting out of place")
    }
    try body()
  }

  private func acceptedOnly() throws {
    guard state.withLock({ $0.isAccepted }) else {
      throw TransportError(.messageMalformed, detail: "a frame before the greeting")
    }
  }

  private func assemble(
    _ body: (inout InboundAssembler) throws -> InboundAssembler.Action
  ) throws -> InboundAssembler.Action {
    try state.withLock { try body(&$0.assembler) }
  }

  private func perform(_ action: InboundAssembler.Action, _ sink: inout PayloadSink?) async throws {
    switch action {
    case .deliver(let frame):
      await push(frame)
    case .open:
      sink = try store.open()
      guard let incoming = store.traffic?.incoming else { return grantPayload() }
      incoming.request(identifier) { [weak self] in self?.grantPayload() }
    case .store(let offset, let data, let isLast):
      try await sink?.store(data, at: offset)
      store.traffic?.incoming.progress(identifier, bytes: data.count)
      guard isLast, let stored = sink else { return }
      sink = nil
      store.traffic?.incoming.finish(identifier)
      let frame = state.withLock { state in
        state.assembler.complete(with: stored.finish(length: offset + data.count))
      }
      if let frame { await push(frame) }
    }
  }

  private func grantPayload() {
    let writer = state.withLock { state -> Writer? in
      guard state.end == nil else { return nil }
      state.assembler.grant()
      state.lane.append(control: .grant)
      return state.takeWriter()
    }
    writer?.resume()
  }

  private func startPayload() {
    let writer = state.withLock { state -> Writer? in
      state.lane.start()
      return state.takeWriter()
    }
    writer?.resume()
  }

  private func push(_ frame: Frame) async {
    let receiver = state.withLock { $0.receivers[frame.study] }
    if let receiver, receiver(frame) { return }
    await queue.push(frame)
    heard()
  }

  private func heard() { state.withLock { $0.lastHeard = .now } }

  /// Looks at the clocks until the connection has ended and its last words had time to leave.
  ///
  /// A process that was itself stopped for a while gives its peer a fresh start instead of blaming
  /// it for the silence.
  func watch() async {
    var previous = ContinuousClock.now
    while !Task.isCancelled {
      do { try await Task.sleep(for: settings.tick, tolerance: settings.tick / 4) } catch { return }
      let now = ContinuousClock.now
      let wasStopped = now - previous > settings.tick * 4 + .seconds(1)
      previous = now
      store.traffic?.tick(now)
      if let endedAt = state.withLock({ $0.endedAt }) {
        if now - endedAt >= settings.closeLinger { return }
        continue
      }
      if let failure = check(now, wasStopped: wasStopped, isHeldBack: queue.isHeldBack) {
        close(failure)
      } else if isHeartbeatDue(now) {
        control(.heartbeat)
      }
    }
  }

  private func isHeartbeatDue(_ now: ContinuousClock.Instant) -> Bool {
    state.withLock { state in
      now - state.lastSent >= settings.heartbeatInterval && state.writingSince == nil
    }
  }

  private func check(
    _ now: ContinuousClock.Instant, wasStopped: Bool, isHeldBack: Bool
  ) -> TransportError? {
    state.withLock { state in
      if wasStopped || isHeldBack { state.lastHeard = now }
      if wasStopped, state.writingSince != nil { state.writingSince = now }
      if now - state.lastHeard > settings.deadPeerAfter {
        return TransportError(
          .peerSilent, subject: peer.description, detail: "for \(settings.deadPeerAfter)")
      }
      if let since = state.writingSince, now - since > settings.sendDeadline {
        return TransportError(
          .peerStalled, subject: peer.description, detail: "for \(settings.sendDeadline)")
      }
      if let since = state.awaitingGrantSince, now - since > settings.grantDeadline {
        return TransportError(
          .peerStalled, subject: peer.description,
          detail: "no room for a payload for \(settings.grantDeadline)")
      }
      return nil
    }
  }
}
