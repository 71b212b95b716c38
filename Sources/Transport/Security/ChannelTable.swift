import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The open TCP connections of a server or a client, so that one can be cut without waiting for
/// its peer: a TLS goodbye to a frozen peer takes seconds.
final class ChannelTable: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    /// By address, as gRPC spells it; a client's connection has none when it is made.
    var addresses: [String: ObjectIdentifier] = [:]
  }

  private let state = Mutex(State())
  static let socketHandlerName = "wardround.socket"

  /// Linux's `TCP_USER_TIMEOUT`: unacknowledged data for this long ends the connection.
  private static let userTimeout = ChannelOptions.Types.SocketOption(
    level: .tcp, name: .init(rawValue: 18))

  /// Puts the floor and the socket handle into a new connection's pipeline and remembers it.
  func adopt<TLSHandler: ChannelHandler>(
    _ channel: any Channel, tls: TLSHandler.Type, handshakeLimit: Duration,
    unacknowledgedLimit: Duration, onActive: (@Sendable () -> Void)? = nil,
    onError: (@Sendable (any Error) -> Void)? = nil,
    onClose: (@Sendable (String) -> Void)? = nil
  ) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      let limit = TimeAmount(handshakeLimit)
      try pipeline.addHandler(
        TransportFloor(handshakeLimit: limit),
        position: .after(try pipeline.handler(type: TLSHandler.self)))
      if let onError {
        try pipeline.addHandler(
          Observer(onActive: onActive ?? {}, onError: onError),
          position: .after(try pipeline.handler(type: TLSHandler.self)))
      }
      try pipeline.addHandler(
        SocketHandle(), name: Self.socketHandlerName, position: .first)
      if let options = channel.syncOptions {
        try? options.setOption(.socketOption(.so_keepalive), value: 1)
        try? options.setOption(
          Self.userTimeout, value: SocketOptionValue(Int(unacknowledgedLimit / .milliseconds(1))))
      }
      remember(channel, onClose)
    }
  }

  private func remember(_ channel: any Channel, _ onClose: (@Sendable (String) -> Void)?) {
    let identifier = ObjectIdentifier(channel)
    let address = Self.key(channel.remoteAddress)
    state.withLock { state in
      state.channels[identifier] = channel
      if let address { state.addresses[address] = identifier }
    }
    channel.closeFuture.whenComplete { [weak self] _ in
      self?.state.withLock { state in
        state.channels[identifier] = nil
        if let address, state.addresses[address] == identifier { state.addresses[address] = nil }
      }
      if let address { onClose?(address) }
    }
  }

  /// Closes the connection from an address, as gRPC spells it, without a TLS goodbye.
  func cut(_ key: String, after delay: TimeAmount = .zero) {
    let found = state.withLock { state in state.addresses[key].flatMap { state.channels[$0] } }
    guard let channel = found else { return }
    channel.eventLoop.scheduleTask(in: delay) { Self.cut(channel) }
  }

  /// Which thread serves the connection from an address, as gRPC spells it.
  func eventLoop(of key: String) -> (any EventLoop)? {
    state.withLock { state in state.addresses[key].flatMap { state.channels[$0]?.eventLoop } }
  }

  /// Closes all connections without a TLS goodbye.
  func cutAll() {
    for channel in state.withLock({ Array($0.channels.values) }) { Self.cut(channel) }
  }

  private static func cut(_ channel: any Channel) {
    channel.eventLoop.execute {
      if let context = try? channel.pipeline.syncOperations.context(name: socketHandlerName) {
        context.close(promise: nil)
      } else {
        channel.close(promise: nil)
      }
    }
  }

  /// The spelling of `ServerContext.remotePeer`.
  static func key(_ address: NIOCore.SocketAddress?) -> String? {
    switch address {
    case .v4(let inner): "ipv4:\(inner.host):\(address?.port ?? 0)"
    case .v6(let inner): "ipv6:[\(inner.host)]:\(address?.port ?? 0)"
    case .unixDomainSocket, nil: nil
    }
  }
}

/// Marks the place next to the socket: closing from here goes past TLS.
private final class SocketHandle: ChannelInboundHandler, Sendable {
  typealias InboundIn = NIOAny
}

/// Sees that a connection is made, and its errors on their way, such as a TLS alert.
private final class Observer: ChannelInboundHandler, Sendable {
  typealias InboundIn = NIOAny
  private let onActive: @Sendable () -> Void
  private let onError: @Sendable (any Error) -> Void

  init(
    onActive: @escaping @Sendable () -> Void, onError: @escaping @Sendable (any Error) -> Void
  ) {
    self.onActive = onActive
    self.onError = onError
  }

  func channelActive(context: ChannelHandlerContext) {
    onActive()
    context.fireChannelActive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    onError(error)
    context.fireErrorCaught(error)
  }
}
