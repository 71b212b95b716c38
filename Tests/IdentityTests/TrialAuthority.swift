import Foundation
import Synchronization

@testable import Identity

/// A network with an authority in a temporary directory, a ledger in memory and a clock that stands
/// still until a test moves it.
final class TrialAuthority: Sendable {
  static let start = Date(timeIntervalSince1970: 1_800_000_000)

  let directory: String
  let desk: EnrolmentDesk<MemoryEnrolmentLedger>
  private let time = Mutex(TrialAuthority.start)

  init(_ network: String = "trial", leafLifetime: Duration = .seconds(90 * 86_400)) throws {
    directory = FileManager.default.temporaryDirectory.path + "/identity-\(UUID().uuidString)"
    let authority = try CertificateAuthority.create(
      in: directory + "/ca", network: MemberName(network), leafLifetime: leafLifetime,
      at: Self.start)
    desk = EnrolmentDesk(authority: authority, ledger: MemoryEnrolmentLedger())
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  var authority: CertificateAuthority { desk.authority }
  var now: Date { time.withLock { $0 } }

  func advance(by seconds: TimeInterval) {
    time.withLock { $0.addTimeInterval(seconds) }
  }

  func principal(_ name: String, _ role: Role = .site) throws -> Principal {
    Principal(network: authority.network, role: role, name: try MemberName(name))
  }

  func keys(_ name: String) -> KeyDirectory { KeyDirectory(path: directory + "/" + name) }

  func invite(
    _ name: String, as role: Role = .site, validFor: Duration = .seconds(3600)
  ) async throws -> Invitation {
    try await desk.invite(
      MemberName(name), as: role, host: ServerHost("aggregator.example"), enrolmentPort: 7441,
      servicePort: 7440, validFor: validFor, at: now)
  }

  /// The whole way from invitation to identity, as a site and an aggregator would go it.
  @discardableResult
  func join(_ name: String, as role: Role = .site) async throws -> MemberIdentity {
    let pasted = try Invitation(text: await invite(name, as: role).revealedText())
    let request = try keys(name).prepareEnrolment(with: pasted, at: now)
    let issued = try await desk.enrol(EnrolmentRequest(decoding: request.encoded()), at: now)
    return try await keys(name).install(
      chainDER: issued.chainDER, pin: pasted.pin, principal: pasted.principal, at: now)
  }

  /// The aggregator's check of every client.
  func verifier(accepting roles: Set<Role> = [.site, .researcher, .operator]) -> PeerVerifier {
    desk.verifier(accepting: roles, clock: { self.now })
  }
}

/// The code of the error that a body throws; nil when it throws none or another type.
func code(
  _ body: () async throws -> Void
) async -> IdentityError.Code? {
  do {
    try await body()
    return nil
  } catch {
    return (error as? IdentityError)?.code
  }
}
