import Foundation
import Store
import Testing

extension EndToEnd {
  /// A study under differential privacy over real processes, and what the hospitals' ledgers say.
  @Suite struct PrivateStudy {
    private struct Accounts: Decodable {
      struct Row: Decodable {
        var study: String
        var charges: Int
        var epsilon: Double
        var limit: Double
      }
      var accounts: [Row]
    }

    private static var yaml: String {
      TestStudy.yaml(disclose: false)
        .replacingOccurrences(
          of: "maximum_colluders: 1}", with: "maximum_colluders: 1, epsilon: 4, delta: 1e-5}"
        )
        .split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !$0.contains("federated-averaging") && !$0.contains("batch_size: 32") }
        .joined(separator: "\n")
    }

    private func charges(_ network: TestNetwork, at site: String) async throws -> [LedgerCharge] {
      let store = try SiteStore(path: "\(network.site(site))/state/site.sqlite") { 0 }
      let charges = try await store.ledger().map(\.charge)
      try store.close()
      return charges
    }

    private func account(_ network: TestNetwork, at site: String) async throws -> Accounts.Row {
      let printed = try await Command.run([
        "site", "ledger", "--json", "--directory", network.site(site),
      ])
      let accounts = try JSONDecoder().decode(Accounts.self, from: Data(printed.output.utf8))
      return try #require(accounts.accounts.first { $0.study == TestStudy.id })
    }

    /// Killed where it has helped to open a sum and has not seen the result: the ledger on its disk holds
    /// the charge, once, and once it stays when the site is back.
    @Test func killedBetweenUnmaskAndResultPaysOnce() async throws {
      try await TestNetwork.running { network in
        // Before its second Result: the feature counts are done, the first step is opened.
        try await network.startAll(faults: ["cedar": "kill@24#2"])
        _ = try await network.propose(Self.yaml)
        try await network.waitForEnd(of: "cedar")
        #expect(try network.service("cedar").status == SIGKILL)
        let left = try await charges(network, at: "cedar")
        #expect(left.map(\.purpose).count == 2, "\(left)")
        #expect(Set(left.map(\.queryDigest)).count == 2 && left.allSatisfy { $0.round > 0 })
        try network.startSite("cedar")
        let finished = try await network.finishing()
        for site in TestNetwork.sites {
          // Every sum it is counted in (feature counts and three steps), performance, distributions.
          let counted = finished.participants.count { $0.contains(site) }
          let charges = try await charges(network, at: site)
          #expect(charges.count == counted + 2, "\(site): \(charges)\n\(network.logs)")
          #expect(Set(charges.map(\.queryDigest)).count == charges.count)
          let account = try await account(network, at: site)
          #expect(account.charges == charges.count && account.epsilon <= 4.000_001)
          if site != "cedar" { #expect(counted == 4 && account.epsilon > 3.9) }
        }
        #expect(try await charges(network, at: "cedar").prefix(2) == left[...])
        let review = try await Command.run([
          "site", "review", TestStudy.id, "--directory", network.site("alder"),
        ])
        #expect(
          review.output.contains("this study may use up to 4.0 of its limit 8.0"),
          "\(review.output)\(review.error)")
        #expect(review.output.contains("at most epsilon"))
        let audit = try await Command.run([
          "site", "audit", "--directory", network.site("alder"),
        ])
        // One line of digests is readable; the whole one is there on request.
        #expect(audit.output.contains("committed") && audit.output.contains("…"))
        #expect(audit.output.split(separator: "\n").allSatisfy { $0.count < 250 })
        let whole = try await Command.run([
          "site", "audit", "--full", "--directory", network.site("alder"),
        ])
        #expect(whole.output.split(separator: "\n").contains { $0.count > 250 })
      }
    }
  }
}
