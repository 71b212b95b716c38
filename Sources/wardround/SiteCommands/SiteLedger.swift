import ArgumentParser
import Foundation
import Site
import SiteData
import Store

/// `wardround site ledger`
struct SiteLedger: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger",
    abstract: "Show what studies under differential privacy have cost this site's patients.")

  @OptionGroup var folder: SiteFolder
  @Flag(help: "Also list every charge.")
  var charges = false
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Row: Encodable {
    var study: String
    var charges: Int
    var epsilon: Double
    var limit: Double
  }

  private struct Charge: Encodable {
    var number: Int64
    var time: String
    var study: String
    var round: UInt64
    var purpose: String
    var noiseMultiplier: Double
    var samplingRate: Double
  }

  private struct Report: Encodable {
    var delta: Double
    var accounts: [Row]
    var charges: [Charge]
    var withoutDifferentialPrivacy: [String]
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = try folder.configuration()
      let store = try folder.store(configuration)
      let ledger = PrivacyLedger(store: store, budget: configuration.policy.privacy)
      try await ledger.checkNotRolledBack()
      var rows: [Row] = []
      for scope in try await ledger.studies() + [""] {
        let account = try await ledger.account(scope)
        rows.append(
          Row(
            study: scope.isEmpty ? "all of them together" : scope, charges: account.chargeCount,
            epsilon: account.spent, limit: account.limit))
      }
      let list = try await store.ledger().map { entry in
        Charge(
          number: entry.sequence,
          time: Date(timeIntervalSince1970: entry.chargedAt).formatted(.iso8601),
          study: entry.charge.study, round: entry.charge.round, purpose: entry.charge.purpose,
          noiseMultiplier: (Double(entry.charge.variance)
            / Double(max(entry.charge.sensitivitySquared, 1))).squareRoot(),
          samplingRate: entry.charge.samplingRate)
      }
      let delta = configuration.policy.privacy.delta
      if json {
        return try Output.json(
          Report(
            delta: delta, accounts: rows, charges: list,
            withoutDifferentialPrivacy: try await store.studiesWithoutNoise()))
      }
      print(
        "Privacy spent at this site by studies with differential privacy, per patient, at delta \(delta):"
      )
      Output.table(
        ["study", "charges", "epsilon", "limit"],
        rows.map { row in
          [row.study, "\(row.charges)", Self.text(row.epsilon), Self.text(row.limit)]
        })
      if let unbounded = try await ledger.unbounded() { print("\nThis site has \(unbounded).") }
      guard charges else { return }
      print("")
      Output.table(
        ["no.", "time", "study", "round", "release", "noise", "sampling"],
        list.map {
          [
            "\($0.number)", $0.time, $0.study, $0.round == 0 ? "–" : "\($0.round)", $0.purpose,
            Self.text($0.noiseMultiplier), Self.text($0.samplingRate),
          ]
        })
    }
  }

  private static func text(_ value: Double) -> String {
    value.isFinite ? String(format: "%.4g", value) : "without bound"
  }
}

/// `wardround site budget`
struct SiteBudget: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "budget",
    abstract: "Decide how much privacy a study, or all studies together, may cost.",
    subcommands: [Propose.self, Confirm.self, List.self])

  /// `wardround site budget propose`
  struct Propose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Propose another limit; a second person confirms it where the policy asks for that."
    )

    @OptionGroup var folder: SiteFolder
    @Option(help: "The study; without it the limit is for all studies together.")
    var study: String?
    @Option(help: "The largest epsilon, at the policy's delta.")
    var epsilon: Double
    @Option(help: "Who proposes it, for the audit log.")
    var by = NSUserName()

    func run() async throws {
      try await CommandFailure.reporting {
        let configuration = try folder.configuration()
        let store = try folder.store(configuration)
        let needsTwo = configuration.policy.privacy.needsTwoPersons
        let number = try await store.proposeBudget(
          scope: study ?? "", epsilon: epsilon, by: by, confirmed: !needsTwo)
        let subject = study.map { "study \($0)" } ?? "all studies together"
        print(
          needsTwo
            ? "Proposed: epsilon \(epsilon) for \(subject). Another person confirms it with"
              + " `wardround site budget confirm \(number) --by NAME`."
            : "Set: epsilon \(epsilon) for \(subject).")
      }
    }
  }

  /// `wardround site budget confirm`
  struct Confirm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Confirm a proposed limit as the second person.")

    @OptionGroup var folder: SiteFolder
    @Argument(help: "The proposal's number.")
    var number: Int64
    @Option(help: "Who confirms it, for the audit log; not who proposed it.")
    var by: String

    func run() async throws {
      try await CommandFailure.reporting {
        let store = try folder.store(try folder.configuration())
        try await store.confirmBudget(number, by: by)
        print("Confirmed by \(by).")
      }
    }
  }

  /// `wardround site budget list`
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List all decisions.")

    @OptionGroup var folder: SiteFolder

    func run() async throws {
      try await CommandFailure.reporting {
        let configuration = try folder.configuration()
        let store = try folder.store(configuration)
        let policy = configuration.policy.privacy
        print(
          "site.yaml: epsilon \(policy.epsilonPerStudy) per study, \(policy.epsilonInTotal) in total,"
            + " delta \(policy.delta)")
        let decisions = try await store.budgetDecisions()
        guard !decisions.isEmpty else { return print("No other decision has been made.") }
        Output.table(
          ["no.", "for", "epsilon", "proposed by", "confirmed by"],
          decisions.map {
            [
              "\($0.sequence)", $0.scope.isEmpty ? "all studies" : $0.scope, "\($0.epsilon)",
              $0.proposedBy, $0.confirmedBy ?? "not yet",
            ]
          })
      }
    }
  }
}
