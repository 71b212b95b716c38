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
extension LinkMessages: Sendable where Base: Sendable {}
