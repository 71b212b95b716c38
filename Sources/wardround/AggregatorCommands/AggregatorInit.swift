import Aggregator
import ArgumentParser
import Foundation
import Identity

/// `wardround aggregator init`
struct AggregatorInit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a network: its certificate authority, the server's keys, the settings.",
    discussion: "Refuses a folder that holds a network already.")

  @OptionGroup var folder: AggregatorFolder

  @Option(help: "The network's name: lower-case letters, digits and hyphens.")
  var network: String

  @Option(help: "The DNS name or IP address under which members reach this machine.")
  var host: String

  @Option(help: "Another name of this machine; may be given several times.")
  var otherHost: [String] = []

  @Option(help: "The address to listen on.")
  var listen = "0.0.0.0"

  @Option(help: "Port for members (mutual TLS 1.3).")
  var servicePort: UInt16 = 8443

  @Option(help: "Port for holders of an invitation.")
  var enrolmentPort: UInt16 = 8444

  @Option(help: "How many days members' certificates are valid; agents renew by themselves.")
  var certificateDays: Double = 90

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard servicePort > 0, enrolmentPort > 0, servicePort != enrolmentPort else {
      throw ValidationError("the two ports lie between 1 and 65535 and differ")
    }
    guard (1e-5...3650).contains(certificateDays) else {
      throw ValidationError("certificates are valid for one second to 3650 days")
    }
    guard case .address? = try? ServerHost(listen) else {
      throw ValidationError("--listen takes an IP address")
    }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = AggregatorConfiguration(
        network: try MemberName(network), host: try ServerHost(host),
        otherHosts: try otherHost.map { try ServerHost($0) }, listen: listen,
        servicePort: servicePort, enrolmentPort: enrolmentPort,
        certificateLifetime: .seconds(max(1, (certificateDays * 86_400).rounded())))
      let directory = try await AggregatorDirectory.create(at: folder.path, configuration)
      let membership = try directory.openMembership()
      try show(directory, pin: membership.authority.pin.description)
    }
  }

  private struct Answer: Encodable {
    var directory: String
    var network: String
    var host: String
    var servicePort: UInt16
    var enrolmentPort: UInt16
    var authority: String
  }

  private func show(_ directory: AggregatorDirectory, pin: String) throws {
    if json {
      try Output.json(
        Answer(
          directory: directory.path, network: network, host: host, servicePort: servicePort,
          enrolmentPort: enrolmentPort, authority: pin))
      return
    }
    let option = directory.path == "aggregator" ? "" : " --directory \(directory.path)"
    print(
      """
      Network \(network) is ready in \(directory.path).
        members connect to  \(host):\(servicePort)  (mutual TLS 1.3)
        invitations are for \(host):\(enrolmentPort)
        authority, SHA-256  \(pin)

      Let both ports through the firewall, and back up \(directory.path)/ca: it names the members.

      Next:
        wardround aggregator run\(option)
        wardround aggregator invite HOSPITAL\(option)
        wardround aggregator invite NAME --role researcher\(option)
      """)
  }
}
