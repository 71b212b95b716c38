import CanonicalBytes
import Cryptography
import Foundation
import Identity
import StrictYAML
import Transport

/// What a member keeps of its network, `network.yaml`: whom it is a member of, where that is, and
/// the aggregator's protocol key, pinned when it joined.
///
/// The authority's certificate is not in it: it stands beside the member's own in the identity.
public struct PinnedNetwork: Sendable, Hashable {
  /// The network's name.
  public var network: MemberName
  /// The aggregator's name in protocol messages.
  public var aggregator: MemberName
  /// The Ed25519 key of the aggregator's protocol messages, 32 bytes.
  public var protocolKey: [UInt8]
  /// The legal entity that the aggregator's operator recorded for this member; may be empty.
  public var legalEntity: String
  /// Where the aggregator is reached. A site's `site.yaml` is asked first.
  public var host: ServerHost
  /// Port of the members' listener.
  public var servicePort: UInt16
  /// Port of the enrolment listener.
  public var enrolmentPort: UInt16

  /// Reads the aggregator's answer to an enrolment: strings `wardround/v1/network`, network and
  /// aggregator, 32 bytes of key, and the legal entity as a string.
  ///
  /// - Throws: `JoiningError.wrongAnswer` when it is malformed or of another network than the
  ///   invitation's.
  init(answer bytes: [UInt8], to invitation: Invitation) throws(JoiningError) {
    do {
      var reader = ByteReader(bytes)
      let domain = try reader.string(limit: 64)
      network = try MemberName(reader.string(limit: 64))
      aggregator = try MemberName(reader.string(limit: 64))
      protocolKey = try reader.raw(32)
      legalEntity = try reader.string(limit: 256)
      try reader.finish()
      host = invitation.host
      servicePort = invitation.servicePort
      enrolmentPort = invitation.enrolmentPort
      guard domain == "wardround/v1/network", network == invitation.principal.network else {
        throw JoiningError(.wrongAnswer)
      }
    } catch {
      throw JoiningError(
        .wrongAnswer, "it does not describe network \(invitation.principal.network)")
    }
  }

  /// The members' listener, as this file says.
  public var serviceAddress: ServiceAddress {
    ServiceAddress(host: host.description, port: Int(servicePort))
  }

  private static let keys = [
    "network", "aggregator", "aggregator_key", "legal_entity", "host", "service_port",
    "enrolment_port",
  ]

  /// Decodes the text of a `network.yaml`; unknown keys are refused.
  public init(text: String, file: String) throws(YAMLProblem) {
    let map = try YAMLDocument(text: text, file: file).root.mapping(keys: Self.keys)
    func name(_ key: String) throws(YAMLProblem) -> MemberName {
      guard let name = try? MemberName(map.string(key)) else {
        throw map.problem(
          .outOfRange, at: key, "this is not a name", advice: "restore the file or join again")
      }
      return name
    }
    network = try name("network")
    aggregator = try name("aggregator")
    guard let key = Hexadecimal.decode(try map.string("aggregator_key")), key.count == 32
    else {
      throw map.problem(
        .outOfRange, at: "aggregator_key", "this is not a key of 64 hexadecimal digits",
        advice: "restore the file or join again")
    }
    protocolKey = key
    legalEntity = try map.optionalString("legal_entity") ?? ""
    guard let host = try? ServerHost(map.string("host")) else {
      throw map.problem(
        .outOfRange, at: "host", "this is not a host", advice: "write a DNS name or an IP address")
    }
    self.host = host
    let ports = 1...Int(UInt16.max)
    servicePort = UInt16(try map.integer("service_port", in: ports))
    enrolmentPort = UInt16(try map.integer("enrolment_port", in: ports))
  }

  /// The text of a `network.yaml`.
  public func yaml() -> String {
    let entity = legalEntity.isEmpty ? "" : "\nlegal_entity: \(Self.quoted(legalEntity))"
    return """
      # The network this member joined; written by the join command. The key authenticates the
      # aggregator's protocol messages: never change it by hand.
      network: "\(network)"
      aggregator: "\(aggregator)"
      aggregator_key: "\(Hexadecimal.encode(protocolKey))"
      host: "\(host)"
      service_port: \(servicePort)
      enrolment_port: \(enrolmentPort)\(entity)

      """
  }

  private static func quoted(_ text: String) -> String {
    let escaped = text.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"", with: "\\\"")
    return "\"" + escaped.filter { !$0.isNewline && $0 != "\t" } + "\""
  }
}
