import Foundation
import Identity
import Transport

/// Turns an invitation into a membership: keys are made here and never leave, the request goes over
/// TLS 1.3 to whoever holds the pinned authority, the certificate is checked and installed.
///
/// Nothing is final before the certificate is installed. An attempt that was interrupted, or whose
/// answer was lost, is repeated with the same invitation and the same keys, and gets the same
/// certificate.
public struct MemberJoining: Sendable {
  /// The folder that becomes a member's.
  public let directory: MemberDirectory
  private let clock: @Sendable () -> Date
  private let deadline: Duration

  /// Prepares joining into a folder.
  ///
  /// - Parameter deadline: of the call to the aggregator.
  public init(
    into directory: MemberDirectory, deadline: Duration = .seconds(30),
    clock: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.directory = directory
    self.deadline = deadline
    self.clock = clock
  }

  /// Reads what somebody pasted.
  ///
  /// - Throws: `JoiningError.invitation`.
  public static func invitation(_ text: String) throws(JoiningError) -> Invitation {
    do { return try Invitation(text: text) } catch { throw JoiningError(.invitation, error) }
  }

  /// Joins, and returns the new identity and the network.
  ///
  /// - Parameters:
  ///   - roles: those that this folder is for.
  ///   - rejoining: whether a folder that has a certificate may get a new one, by a new invitation
  ///     for the same principal; its signing key stays.
  /// - Throws: `JoiningError`.
  public func join(
    _ invitation: Invitation, as roles: Set<Role>, rejoining: Bool = false
  ) async throws(JoiningError) -> (identity: MemberIdentity, network: PinnedNetwork) {
    try check(invitation, roles, rejoining)
    let request: EnrolmentRequest
    do {
      try Self.makeFolder(directory.path)
      request = try directory.identity.prepareEnrolment(
        with: invitation, rejoining: rejoining, at: clock())
    } catch let error as IdentityError {
      throw JoiningError(error.code == .invitationExpired ? .invitation : .identity, error)
    } catch {
      throw error as? JoiningError ?? JoiningError(.fileUnwritable, directory.path)
    }
    let answer = try await redeem(request, invitation)
    let network = try PinnedNetwork(answer: answer.network, to: invitation)
    try Self.write(network.yaml(), to: directory.networkFile)
    do {
      let identity = try await directory.identity.install(
        chainDER: answer.chainDER, pin: invitation.pin, principal: invitation.principal,
        at: clock())
      return (identity, network)
    } catch {
      throw JoiningError(error.code == .wrongPin ? .wrongAggregator : .wrongAnswer, error)
    }
  }

  private func check(
    _ invitation: Invitation, _ roles: Set<Role>, _ rejoining: Bool
  ) throws(JoiningError) {
    let principal = invitation.principal
    guard roles.contains(principal.role) else {
      let command =
        principal.role == .site ? "wardround site join" : "wardround study join"
      throw JoiningError(
        .wrongRole, "it is for a \(principal.role.rawValue); use `\(command)`")
    }
    guard directory.isJoined else { return }
    let present = try directory.load().principal
    guard rejoining, present == principal else {
      throw JoiningError(
        .alreadyJoined,
        present == principal
          ? "\(present); to join again with a new invitation add --rejoin"
          : "\(present); name another folder with --directory")
    }
  }

  private func redeem(
    _ request: EnrolmentRequest, _ invitation: Invitation
  ) async throws(JoiningError) -> EnrolmentAnswer {
    let address = ServiceAddress(
      host: invitation.host.description, port: Int(invitation.enrolmentPort))
    do {
      return try await EnrolmentClient(
        aggregator: address, pin: invitation.pin, host: invitation.host, clock: clock
      ).join(request, deadline: deadline)
    } catch {
      throw JoiningError(error, calling: address)
    }
  }

  /// Makes a folder that only its owner can look into; one that is there keeps its mode.
  static func makeFolder(_ path: String) throws(JoiningError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw JoiningError(.fileUnwritable, path)
    }
  }

  /// Writes a settings file (0600): whole or not at all.
  static func write(_ text: String, to path: String) throws(JoiningError) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    } catch {
      throw JoiningError(.fileUnwritable, path)
    }
  }
}
