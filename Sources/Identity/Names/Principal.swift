import X509

/// Who somebody is: a member of one network in one role.
///
/// Written `wardround://<network>/<role>/<name>` in the subject alternative name of a certificate.
public struct Principal: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The network it belongs to.
  public let network: MemberName
  /// What it may do there.
  public let role: Role
  /// Its name, unique among those of its role in the network.
  public let name: MemberName

  /// A principal of these parts, each of which is valid already.
  public init(network: MemberName, role: Role, name: MemberName) {
    self.network = network
    self.role = role
    self.name = name
  }

  /// Parses the one spelling that `uri` writes; anything else is refused.
  ///
  /// - Throws: `malformed-principal`.
  public init(uri: String) throws(IdentityError) {
    let scheme = "wardround://"
    guard uri.hasPrefix(scheme), uri.utf8.count <= 256 else {
      throw IdentityError(.malformedPrincipal)
    }
    let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, let role = Role(rawValue: String(parts[1])) else {
      throw IdentityError(.malformedPrincipal)
    }
    do {
      self.init(
        network: try MemberName(String(parts[0])), role: role,
        name: try MemberName(String(parts[2])))
    } catch {
      throw IdentityError(.malformedPrincipal)
    }
    // String comparison is by canonical equivalence; identity is by bytes.
    guard self.uri.utf8.elementsEqual(uri.utf8) else { throw IdentityError(.malformedPrincipal) }
  }

  /// Reads the principal of a certificate. It does not check who issued the certificate: that is
  /// ``PeerVerifier``'s part.
  ///
  /// - Throws: `no-principal` unless the certificate has exactly one URI and that URI is a principal.
  public init(unverified certificate: Certificate) throws(IdentityError) {
    self = try Self.single(in: (try? certificate.extensions.subjectAlternativeNames) ?? nil)
  }

  /// The one principal among subject alternative names.
  static func single(in names: SubjectAlternativeNames?) throws(IdentityError) -> Principal {
    var uris: [String] = []
    for case .uniformResourceIdentifier(let uri) in names ?? SubjectAlternativeNames() {
      uris.append(uri)
    }
    guard uris.count == 1, let principal = try? Principal(uri: uris[0]) else {
      throw IdentityError(.noPrincipal)
    }
    return principal
  }

  /// The one spelling, as it stands in certificates.
  public var uri: String { "wardround://\(network)/\(role.rawValue)/\(name)" }

  public var description: String { uri }
}
