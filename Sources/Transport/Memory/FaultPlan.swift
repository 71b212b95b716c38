import Identity
import Synchronization

/// What goes wrong on the way, for tests: decided frame by frame, on any kind of connection.
public struct FaultPlan: Sendable {
  /// Which way a frame goes.
  public enum Direction: Sendable, Hashable { case toAggregator, toSite }

  /// What happens to a frame.
  public enum Fate: Sendable, Hashable {
    case deliver
    /// The sender believes that it was sent.
    case drop
    /// It is sent after this time; later frames wait behind it.
    case delay(Duration)
    /// The connection is lost instead.
    case cut
  }

  /// The fate of one frame; `index` counts the frames of one connection and direction from 0.
  public var fate: @Sendable (Direction, _ site: Principal, _ index: Int, Frame) -> Fate

  /// Makes a plan.
  public init(
    fate: @escaping @Sendable (Direction, _ site: Principal, _ index: Int, Frame) -> Fate
  ) {
    self.fate = fate
  }

  /// Everything arrives.
  public static let none = FaultPlan { _, _, _, _ in .deliver }

  /// A connection on whose sending side the plan acts.
  public func applied(
    to connection: any SiteConnection, direction: Direction, site: Principal
  ) -> any SiteConnection {
    FaultyConnection(base: connection, plan: self, direction: direction, site: site)
  }
}

/// A connection that loses, delays or cuts.
private final class FaultyConnection: SiteConnection {
  private let base: any SiteConnection
  private let plan: FaultPlan
  private let direction: FaultPlan.Direction
  private let site: Principal
  private let sent = Mutex(0)

  init(
    base: any SiteConnection, plan: FaultPlan, direction: FaultPlan.Direction, site: Principal
  ) {
    self.base = base
    self.plan = plan
    self.direction = direction
    self.site = site
  }

  var peer: Principal { base.peer }
  var frames: FrameSequence { base.frames }
  var closeReason: TransportError? { base.closeReason }
  func close(_ reason: TransportError) { base.close(reason) }
  func forward(_ study: String, to receiver: (@Sendable (Frame) -> Bool)?) {
    base.forward(study, to: receiver)
  }

  func send(_ frame: Frame) async throws {
    switch nextFate(frame) {
    case .deliver: try await base.send(frame)
    case .drop: return
    case .delay(let duration):
      try await Task.sleep(for: duration)
      try await base.send(frame)
    case .cut: throw cut()
    }
  }

  func enqueue(_ frame: Frame) throws {
    switch nextFate(frame) {
    case .deliver: try base.enqueue(frame)
    case .drop: return
    case .delay(let duration):
      // Proof of life: the task ends by itself after the delay and holds the connection only.
      Task { [base] in
        try? await Task.sleep(for: duration)
        try? base.enqueue(frame)
      }
    case .cut: throw cut()
    }
  }

  private func nextFate(_ frame: Frame) -> FaultPlan.Fate {
    let index = sent.withLock { count in
      defer { count += 1 }
      return count
    }
    return plan.fate(direction, site, index, frame)
  }

  private func cut() -> TransportError {
    let error = TransportError(.connectionLost, subject: base.peer.description)
    base.close(error)
    return error
  }
}
