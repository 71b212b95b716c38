import NIOCore
import NIOSSL
import NIOTLS

/// Closes a connection whose handshake did not end in TLS 1.3, or did not end in time.
///
/// The gRPC transport hard-codes a minimum of TLS 1.2 and has no setting for it.
final class TransportFloor: ChannelInboundHandler {
  typealias InboundIn = NIOAny

  private let handshakeLimit: TimeAmount
  private var timer: Scheduled<Void>?

  init(handshakeLimit: TimeAmount) {
    self.handshakeLimit = handshakeLimit
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: handshakeLimit) {
      bound.value.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
      timer?.cancel()
      timer = nil
      let version = try? context.pipeline.syncOperations.nioSSL_tlsVersion()
      guard version == .tlsv13 else {
        context.close(promise: nil)
        return
      }
    }
    context.fireUserInboundEventTriggered(event)
  }
}
