import NIOCore
import NIOPosix

/// A TCP relay in front of a server that can freeze: it keeps its connections open and moves
/// nothing, as a stopped process or a dead link does.
final class Relay: Sendable {
  private final class Pair: Sendable {
    let near: any Channel
    let far: any Channel

    init(near: any Channel, far: any Channel) {
      self.near = near
      self.far = far
    }
  }

  private let listener: any Channel
  private let pairs: Eventually<Pair>
  let port: Int

  private init(listener: any Channel, port: Int, pairs: Eventually<Pair>) {
    self.listener = listener
    self.port = port
    self.pairs = pairs
  }

  static func start(to target: Int) async throws -> Relay {
    let found = Eventually<Pair>()
    let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { near in
        ClientBootstrap(group: near.eventLoop)
          .channelOption(.autoRead, value: false)
          .connect(host: "127.0.0.1", port: target)
          .flatMap { far in
            near.eventLoop.makeCompletedFuture {
              try near.pipeline.syncOperations.addHandler(Forwarder(to: far))
              try far.pipeline.syncOperations.addHandler(Forwarder(to: near))
              found.add(Pair(near: near, far: far))
            }.flatMap {
              far.setOption(.autoRead, value: true).and(near.setOption(.autoRead, value: true))
                .map { _ in }
            }
          }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return Relay(listener: listener, port: listener.localAddress?.port ?? 0, pairs: found)
  }

  /// Stops moving bytes, in both directions, for all connections there are.
  func freeze() async throws {
    for pair in pairs.all {
      try? await pair.near.setOption(.autoRead, value: false).get()
      try? await pair.far.setOption(.autoRead, value: false).get()
    }
  }

  /// Ends all connections.
  func cut() {
    for pair in pairs.all {
      pair.near.close(promise: nil)
      pair.far.close(promise: nil)
    }
  }

  func stop() {
    cut()
    listener.close(promise: nil)
  }
}

private final class Forwarder: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer
  private let target: any Channel

  init(to target: any Channel) { self.target = target }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    target.writeAndFlush(unwrapInboundIn(data), promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    target.close(promise: nil)
    context.fireChannelInactive()
  }
}
