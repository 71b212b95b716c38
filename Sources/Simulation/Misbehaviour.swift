import Cryptography
import Identity
import Transport

/// What a party of a simulated network sends instead of what its program made: to rehearse attacks by
/// a party that has its real keys.
public struct Misbehaviour: Sendable {
  /// Changes a frame on its way out: sender ("aggregator" or a site), receiver, the frame and the
  /// sender's protocol key; nil drops the frame.
  let change: @Sendable (String, String, Frame, Cryptography.SigningKey) -> Frame?

  public init(
    _ change: @escaping @Sendable (String, String, Frame, Cryptography.SigningKey) -> Frame?
  ) {
    self.change = change
  }

  /// Everybody follows the protocol.
  public static let none = Misbehaviour { _, _, frame, _ in frame }

  func applied(
    to connection: any SiteConnection, by sender: String, key: Cryptography.SigningKey?
  ) -> any SiteConnection {
    guard let key else { return connection }
    let peer = connection.peer.name.text
    return MisbehavingConnection(base: connection) { [change] frame in
      change(sender, peer, frame, key)
    }
  }
}

/// A connection whose owner misbehaves.
private final class MisbehavingConnection: SiteConnection {
  private let base: any SiteConnection
  private let change: @Sendable (Frame) -> Frame?

  init(base: any SiteConnection, change: @escaping @Sendable (Frame) -> Frame?) {
    self.base = base
    self.change = change
  }

  var peer: Principal { base.peer }
  var frames: FrameSequence { base.frames }
  var closeReason: TransportError? { base.closeReason }

  func send(_ frame: Frame) async throws {
    if let changed = change(frame) { try await base.send(changed) }
  }

  func enqueue(_ frame: Frame) throws {
    if let changed = change(frame) { try base.enqueue(changed) }
  }

  func close(_ reason: TransportError) { base.close(reason) }
}
