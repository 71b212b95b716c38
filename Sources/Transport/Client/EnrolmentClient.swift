import Foundation
import Identity

/// Redeems an invitation. The caller has no certificate yet; the listener is known by the hash of
/// its network's authority.
public struct EnrolmentClient: Sendable {
  private let calls: MemberCalls

  /// Makes a client for one listener; nothing is connected.
  public init(
    aggregator: ServiceAddress, pin: AuthorityPin, host: ServerHost?,
    clock: @escaping @Sendable () -> Date = { Date() }
  ) {
    calls = MemberCalls(
      address: aggregator, credentials: nil, check: PeerCheck(pin: pin, host: host, clock: clock))
  }

  /// Sends the request, which holds the invitation's secret, over TLS 1.3 to the pinned aggregator.
  ///
  /// - Returns: the certificate, not checked, and what the aggregator says about the network.
  /// - Throws: `TransportError`.
  public func join(
    _ request: EnrolmentRequest, deadline: Duration = .seconds(30)
  ) async throws -> EnrolmentAnswer {
    try await calls.call(deadline) { client, options in
      var message = Wardround_V1_JoinRequest()
      message.request = Data(request.encoded())
      let answer = try await Wardround_V1_Enrolment.Client(wrapping: client)
        .join(message, options: options)
      return EnrolmentAnswer(
        chainDER: answer.chain.map { [UInt8]($0) }, network: [UInt8](answer.network))
    }
  }
}
