extension StreamConnection {
  /// Which end of the stream this is: it decides who greets first.
  enum End: Sendable {
    /// The site, which has said hello and waits for the welcome.
    case site
    /// The aggregator, which answers a hello.
    case aggregator(software: String)
  }

  private enum Part { case reader, writer, watch, body }

  /// Runs the connection to its end.
  ///
  /// - Parameters:
  ///   - write: nil when `writeLoop` runs elsewhere.
  ///   - onAccepted: is called once, before any frame is read.
  ///   - body: is called with the accepted connection, on the general pool; the connection is closed
  ///     when it returns.
  func serve<Messages: AsyncSequence & Sendable>(
    _ end: End, _ messages: Messages, write: (@Sendable ([LinkMessage]) async throws -> Void)?,
    onAccepted: @escaping @Sendable () -> Void = {},
    body: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async where Messages.Element == LinkMessage {
    await withTaskGroup(of: Part.self) { group in
      group.addTask {
        await self.readLoop(messages) { (isHello, version) throws(TransportError) in
          try self.greet(end, isHello: isHello, version: version)
          onAccepted()
          self.accept()
        }
        return .reader
      }
      if let write {
        group.addTask {
          await self.writeLoop(write)
          return .writer
        }
      }
      group.addTask {
        await self.watch()
        return .watch
      }
      group.addTask {
        await self.run(body)
        return .body
      }
      var ended: Set<Part> = []
      for await part in group {
        ended.insert(part)
        let isOver =
          part == .watch || part == .writer
          || (write == nil && ended.isSuperset(of: [.body, .reader]))
        if isOver { group.cancelAll() }
      }
    }
  }

  private func greet(_ end: End, isHello: Bool, version: UInt32) throws(TransportError) {
    var expectsHello = false
    if case .aggregator = end { expectsHello = true }
    guard isHello == expectsHello else {
      throw TransportError(.messageMalformed, detail: "greeting out of place")
    }
    guard version == LinkMessage.version else {
      throw TransportError(
        .protocolVersion, detail: "the peer speaks \(version), this side \(LinkMessage.version)")
    }
    if case .aggregator(let software) = end {
      control(.welcome(version: LinkMessage.version, software: software))
    }
  }

  private func run(_ body: @Sendable (any SiteConnection) async throws -> Void) async {
    do {
      try await accepted()
      try await withTaskExecutorPreference(globalConcurrentExecutor) { try await body(self) }
      close(TransportError(.closed))
    } catch {
      close(
        error as? TransportError
          ?? TransportError(error is CancellationError ? .closed : .internalFailure))
    }
  }
}
