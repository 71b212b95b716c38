import Foundation
import Identity
import Transport

/// Renews a member's certificate while its agent runs, for as long as it runs.
///
/// It looks at the files, not at what it did: a certificate that another process installed, by
/// joining again, is noticed at the next look. The present certificate and key stay in force until
/// the new pair is on the disk, in one rename; every connection made afterwards uses it.
public struct CertificateRenewal: Sendable {
  /// What the agent's log is told.
  public enum Event: Sendable, Equatable {
    /// The new certificate is on the disk; the connection is being made anew.
    case renewed(CertificateSerial, until: Date)
    /// It did not work; the next attempt comes after the delay.
    case failed(reason: String, retryIn: Duration)
    /// Too late: the certificate opens no connection any more and a new invitation is needed.
    case expired(since: Date)
  }

  /// Asks the aggregator, over a connection made with the present certificate: PKCS #10 in, the new
  /// chain in DER out, leaf first.
  public typealias Request = @Sendable (_ requestDER: [UInt8]) async throws -> [[UInt8]]

  private let directory: KeyDirectory
  private let request: Request
  private let policy: RenewalPolicy
  private let clock: @Sendable () -> Date
  private let sleep: @Sendable (Duration) async throws -> Void

  /// The longest time between two looks, so that a clock that was set and a machine that slept are
  /// noticed.
  static let longestWait: Duration = .seconds(3600)

  /// Prepares renewal; `run` does it.
  ///
  /// - Parameters:
  ///   - directory: the member's keys.
  ///   - request: usually `SiteClient.renew`.
  ///   - policy: when to renew.
  ///   - clock: the time that validity is judged by.
  ///   - sleep: waits for a duration; throws when the task is cancelled.
  public init(
    of directory: KeyDirectory, policy: RenewalPolicy = RenewalPolicy(),
    clock: @escaping @Sendable () -> Date = { Date() },
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    request: @escaping Request
  ) {
    self.directory = directory
    self.request = request
    self.policy = policy
    self.clock = clock
    self.sleep = sleep
  }

  /// Renewal over a site's client.
  public init(
    of directory: KeyDirectory, over client: SiteClient,
    clock: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.init(of: directory, clock: clock) { try await client.renew(requestDER: $0) }
  }

  /// Renews until the task is cancelled.
  ///
  /// - Parameters:
  ///   - onEvent: is told of every renewal and failure.
  ///   - reconnect: is called after each renewal; it closes the present connection when the agent
  ///     can do without for a moment, and the next one is made with the new certificate.
  public func run(
    onEvent: @escaping @Sendable (Event) -> Void = { _ in },
    reconnect: @escaping @Sendable () async -> Void
  ) async {
    while !Task.isCancelled {
      let wait = await step(onEvent: onEvent, reconnect: reconnect)
      do { try await sleep(wait) } catch { return }
    }
  }

  /// One look at the certificate, and what is due.
  ///
  /// - Returns: when to look again.
  func step(
    onEvent: @Sendable (Event) -> Void, reconnect: @Sendable () async -> Void
  ) async -> Duration {
    let present: MemberIdentity
    do { present = try directory.load() } catch {
      let wait = Duration.seconds(60)
      onEvent(.failed(reason: error.description, retryIn: wait))
      return wait
    }
    let end = present.certificate.notValidAfter
    switch present.renewalDecision(at: clock(), policy: policy) {
    case .wait(let due): return Self.wait(until: due, from: clock())
    case .expired:
      onEvent(.expired(since: end))
      return .seconds(60)
    case .renew:
      do {
        let renewed = try await renew(present)
        onEvent(
          .renewed(renewed.certificate.serial, until: renewed.certificate.notValidAfter))
        await reconnect()
        // Not at once: by a clock that is ahead the new certificate would be due again.
        return Self.retry(
          remaining: renewed.certificate.notValidAfter.timeIntervalSince(clock()))
      } catch {
        if error is CancellationError { return .zero }
        let wait = Self.retry(remaining: end.timeIntervalSince(clock()))
        onEvent(.failed(reason: Self.words(error), retryIn: wait))
        return wait
      }
    }
  }

  private func renew(_ present: MemberIdentity) async throws -> MemberIdentity {
    let chain = try await request(directory.prepareRenewal())
    return try await directory.install(
      chainDER: chain, pin: present.authority.pin, principal: present.principal, at: clock())
  }

  /// How long to wait for a moment, at least a little so that two clocks that differ by a rounding
  /// do not make a busy loop.
  static func wait(until due: Date, from now: Date) -> Duration {
    min(max(.seconds(due.timeIntervalSince(now)), .milliseconds(20)), longestWait)
  }

  /// The delay after a failure: a twentieth of the time left, between a quarter of a second and an
  /// hour, so that twenty attempts or more fit in before the end.
  static func retry(remaining: TimeInterval) -> Duration {
    min(max(.seconds(remaining / 20), .milliseconds(250)), longestWait)
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as TransportError: error.description
    case let error as IdentityError: error.description
    default: "unexpected failure"
    }
  }
}
