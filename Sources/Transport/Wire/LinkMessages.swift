import GRPCCore

/// The stream's messages without their protobuf dress.
struct LinkMessages<Base: AsyncSequence>: AsyncSequence
where Base.Element == Wardround_V1_WireMessage {
  let base: Base

  struct Iterator: AsyncIteratorProtocol {
    var base: Base.AsyncIterator

    mutating func next() async throws -> LinkMessage? {
      do {
        guard let message = try await base.next() else { return nil }
        return try LinkMessage(message)
      } catch let error as RPCError {
        if error.carriesTransportError { throw TransportError(error) }
        guard error.code != .unavailable, error.code != .cancelled else { throw error }
        throw TransportError(.messageMalformed, detail: "the bytes are not a message")
      }
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator()) }
}
extension RPCWriter where Element == Wardround_V1_WireMessage {
  /// Gives the network several messages at once.
  func write(messages: [LinkMessage]) async throws {
    if messages.count == 1 {
      try await write(messages[0].protobuf)
    } else {
      try await write(contentsOf: messages.map(\.protobuf))
    }
  }
}

extension LinkMessages: Sendable where Base: Sendable {}
