import Foundation
import Identity
import StrictYAML

/// The settings of an aggregator, `aggregator.yaml`; every default stands here and nowhere else.
public struct AggregatorConfiguration: Sendable, Hashable {
  /// The network's name, which every certificate carries.
  public var network: MemberName
  /// The DNS name or address that members call; it stands in every invitation.
  public var host: ServerHost
  /// Other names that the server's certificate is valid for. `localhost`, `127.0.0.1` and `::1`
  /// always are.
  public var otherHosts: [ServerHost]
  /// The address to listen on, IPv4 or IPv6.
  public var listen: String
  /// Port of the members' listener: mutual TLS.
  public var servicePort: UInt16
  /// Port of the enrolment listener: TLS, for holders of an invitation.
  public var enrolmentPort: UInt16
  /// How long members' certificates are valid, 1 second to 10 years; members renew by themselves
  /// after two thirds of it.
  public var certificateLifetime: Duration

  /// The defaults for everything but the names.
  public init(
    network: MemberName, host: ServerHost, otherHosts: [ServerHost] = [],
    listen: String = "0.0.0.0", servicePort: UInt16 = 8443, enrolmentPort: UInt16 = 8444,
    certificateLifetime: Duration = CertificateAuthority.defaultLeafLifetime
  ) {
    self.network = network
    self.host = host
    self.otherHosts = otherHosts
    self.listen = listen
    self.servicePort = servicePort
    self.enrolmentPort = enrolmentPort
    self.certificateLifetime = certificateLifetime
  }

  /// Everything that the server's certificate is for, without repetition.
  public var certificateHosts: [ServerHost] {
    var hosts = [host] + otherHosts
    let local = ["localhost", "127.0.0.1", "::1"] + (isListeningEverywhere ? [] : [listen])
    hosts += local.compactMap { try? ServerHost($0) }
    var seen: Set<ServerHost> = []
    return hosts.filter { seen.insert($0).inserted }
  }

  /// The host under which a program on the aggregator's own machine reaches the server.
  public var localHost: String {
    guard isListeningEverywhere else { return listen }
    return listen.contains(":") ? "::1" : "127.0.0.1"
  }

  private var isListeningEverywhere: Bool { listen == "0.0.0.0" || listen == "::" }

  private static let keys = [
    "network", "host", "other_hosts", "listen", "service_port", "enrolment_port",
    "certificate_days",
  ]

  /// Reads an `aggregator.yaml`.
  public static func read(path: String) throws(YAMLProblem) -> AggregatorConfiguration {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(validating: data, as: UTF8.self)
    else {
      throw YAMLProblem(
        .missingKey, file: path, line: 0, column: 0, keyPath: "",
        message: "the file cannot be read",
        advice: "check the folder; `wardround aggregator init` writes the file")
    }
    return try decode(text, file: path)
  }

  /// Decodes the text of an `aggregator.yaml`; unknown keys are refused.
  public static func decode(
    _ text: String, file: String
  ) throws(YAMLProblem) -> AggregatorConfiguration {
    let map = try YAMLDocument(text: text, file: file).root.mapping(keys: keys)
    guard let network = try? MemberName(map.string("network")) else {
      throw map.problem(
        .outOfRange, at: "network", "this cannot be a network's name",
        advice: "use lower-case letters, digits and `-`, at most 63")
    }
    let days = try map.double("certificate_days", in: 1e-5...3650, default: 90)
    let listen = try map.optionalString("listen") ?? "0.0.0.0"
    guard case .address? = try? ServerHost(listen) else {
      throw map.problem(
        .outOfRange, at: "listen", "this is not an IP address",
        advice: "write 0.0.0.0 for every interface, or the address of one")
    }
    var others: [ServerHost] = []
    if map.optional("other_hosts") != nil {
      for node in try map.required("other_hosts").list() { others.append(try host(node)) }
    }
    let ports = 1...Int(UInt16.max)
    return AggregatorConfiguration(
      network: network, host: try host(map.required("host")), otherHosts: others, listen: listen,
      servicePort: UInt16(try map.integer("service_port", in: ports, default: 8443)),
      enrolmentPort: UInt16(try map.integer("enrolment_port", in: ports, default: 8444)),
      certificateLifetime: .seconds(max(1, (days * 86_400).rounded())))
  }

  private static func host(_ node: YAMLNode) throws(YAMLProblem) -> ServerHost {
    guard let host = try? ServerHost(node.string(limit: 253)) else {
      throw node.problem(
        .outOfRange, "this is not a host", advice: "write a DNS name or an IP address, no port")
    }
    return host
  }

  /// The text of an `aggregator.yaml` that decodes to this configuration.
  public func yaml() -> String {
    let others = otherHosts.map { "\"\($0)\"" }.joined(separator: ", ")
    let days = Double(certificateLifetime.components.seconds) / 86_400
    let lifetime = days == days.rounded() ? String(Int(days)) : String(days)
    return """
      # Settings of the aggregator. Unknown keys are refused. The network's name cannot change.
      network: "\(network)"

      # What members call; it stands in every invitation and in the server's certificate.
      host: "\(host)"
      other_hosts: [\(others)]

      # Where the server listens. Members come over mutual TLS to the service port; the enrolment
      # port takes invitations.
      listen: "\(listen)"
      service_port: \(servicePort)
      enrolment_port: \(enrolmentPort)

      # How long members' certificates are valid; agents renew after two thirds of it.
      certificate_days: \(lifetime)

      """
  }
}
