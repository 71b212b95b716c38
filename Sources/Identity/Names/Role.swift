import X509

/// What a member of a network may be. A certificate carries exactly one role.
public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
  /// A hospital's agent.
  case site
  /// Proposes studies and reads what they publish.
  case researcher
  /// Runs the network: invites, revokes, watches.
  case `operator`
  /// The aggregator's server.
  case aggregator

  /// Whether an invitation may hand out this role. The aggregator certifies itself when the network
  /// is made.
  public var isInvitable: Bool { self != .aggregator }

  /// The extended key usage of the role's certificates (RFC 5280 §4.2.1.12): the aggregator is the
  /// only server, everybody else only a client, so no member can pose as the aggregator.
  var keyUsage: ExtendedKeyUsage.Usage {
    switch self {
    case .aggregator: .serverAuth
    case .site, .researcher, .operator: .clientAuth
    }
  }
}
