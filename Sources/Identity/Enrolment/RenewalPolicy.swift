import Foundation

/// When a member renews its certificate: once two thirds of the lifetime have passed, which leaves a
/// month of a 90-day certificate for an aggregator that is away.
public struct RenewalPolicy: Sendable, Hashable {
  /// What to do now.
  public enum Decision: Sendable, Hashable {
    /// Nothing until then.
    case wait(until: Date)
    /// Renew now, over the connection that the present certificate still opens.
    case renew
    /// Too late: the certificate opens no connection any more and a new invitation is needed.
    case expired
  }

  /// The share of the lifetime after which to renew, in 0...1.
  public let fraction: Double

  /// Two thirds.
  public init() { fraction = 2.0 / 3.0 }

  /// - Parameter notValidBefore: Start of validity; the lifetime is counted from here.
  public func decision(notValidBefore: Date, notValidAfter: Date, at now: Date) -> Decision {
    guard now <= notValidAfter else { return .expired }
    let lifetime = max(0, notValidAfter.timeIntervalSince(notValidBefore))
    let due = notValidBefore.addingTimeInterval(lifetime * fraction)
    return now >= due ? .renew : .wait(until: due)
  }
}
