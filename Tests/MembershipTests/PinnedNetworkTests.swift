import Aggregator
import Foundation
import Identity
import StrictYAML
import Testing

@testable import Site

/// What a member keeps of its network, and what it refuses from the one who answers.
struct PinnedNetworkTests {
  private func invitation() throws -> Invitation {
    try Invitation(
      principal: Principal(uri: "wardround://north/site/st-anna"),
      host: ServerHost("aggregator.example.org"), enrolmentPort: 8444, servicePort: 8443,
      pin: AuthorityPin(of: [1]), expiry: Date(timeIntervalSince1970: 4e9))
  }

  private func information(_ network: String = "north") throws -> NetworkInformation {
    NetworkInformation(
      network: try MemberName(network), aggregator: try MemberName("aggregator"),
      protocolKey: (0..<32).map { UInt8($0 * 7) }, legalEntity: "St. \"Anna\" \\ Söhne")
  }

  @Test func bothRolesWriteAndReadTheSameBytes() throws {
    let sent = try information()
    let kept = try PinnedNetwork(answer: sent.encoded(), to: invitation())
    #expect(kept.network == sent.network && kept.aggregator == sent.aggregator)
    #expect(kept.protocolKey == sent.protocolKey && kept.legalEntity == sent.legalEntity)
    #expect(try PinnedNetwork(text: kept.yaml(), file: "network.yaml") == kept)
  }

  @Test func aHostileAnswerIsRefused() throws {
    let good = try information().encoded()
    let invitation = try invitation()
    #expect(throws: JoiningError(.wrongAnswer)) {
      try PinnedNetwork(answer: information("south").encoded(), to: invitation)
    }
    for length in 0..<good.count {
      #expect(throws: JoiningError(.wrongAnswer), "\(length) bytes") {
        try PinnedNetwork(answer: Array(good.prefix(length)), to: invitation)
      }
    }
    // Seed 1: every byte of a good answer set to something else in turn never traps.
    var state: UInt64 = 1
    for index in good.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var bytes = good
      bytes[index] = UInt8(truncatingIfNeeded: state >> 56)
      _ = try? PinnedNetwork(answer: bytes, to: invitation)
    }
  }

  @Test func aDamagedFileIsNamed() throws {
    let text = try PinnedNetwork(answer: information().encoded(), to: invitation()).yaml()
    for (from, to, code) in [
      ("aggregator_key: \"00", "aggregator_key: \"0g", YAMLProblem.Code.outOfRange),
      ("aggregator_key: \"00", "aggregator_key: \"", .outOfRange),
      ("network: \"north\"", "network: \"North\"", .outOfRange),
      ("service_port: 8443", "service_port: 0", .outOfRange),
      ("service_port: 8443\n", "", .missingKey), ("host:", "hosts:", .unknownKey),
    ] {
      #expect(text.contains(from), "\(from)")
      let problem = #expect(throws: YAMLProblem.self, "\(to)") {
        try PinnedNetwork(
          text: text.replacingOccurrences(of: from, with: to), file: "network.yaml")
      }
      #expect(problem?.code == code, "\(to)")
    }
  }
}
