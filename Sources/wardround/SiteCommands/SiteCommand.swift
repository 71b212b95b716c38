import ArgumentParser
import Cryptography
import Foundation
import Site
import SiteData
import Store
import Study

/// What a hospital's IT administrator and data steward type.
struct SiteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "site",
    abstract: "The agent beside a hospital's data: join, check, decide, run, audit.",
    subcommands: [
      SiteJoin.self, SiteRunCommand.self, SiteCheckCommand.self, SiteExplain.self,
      SiteProfile.self, SiteFeatures.self,
      SiteStudies.self, SiteReview.self, SiteApprove.self, SiteRefuse.self, SiteLedger.self,
      SiteMembers.self,
      SiteBudget.self, SiteAudit.self, SiteEvidence.self, SiteReproduce.self,
    ])
}

/// The folder that a site's command works on.
struct SiteFolder: ParsableArguments {
  @Option(name: [.customLong("directory"), .customShort("d")], help: "The site's folder.")
  var path = "site"

  /// The settings; unknown words among queries and disclosures are refused.
  func configuration() throws -> SiteConfiguration {
    try SiteConfiguration.read(
      path: SiteDirectory(path).configurationFile,
      knownQueries: QueryKind.allCases.map(\.rawValue),
      knownDisclosures: Study.Disclosure.allCases.map(\.rawValue))
  }

  /// The key that signs the site's protocol messages and statements.
  func signingKey(_ configuration: SiteConfiguration) throws -> Cryptography.SigningKey {
    try SiteDirectory(path, configuration).member.load().signingKey.withSeed {
      try Cryptography.SigningKey(seed: SecretBytes(copying: $0))
    }
  }

  /// The agent's store; the agent may be running.
  func store(_ configuration: SiteConfiguration) throws -> SiteStore {
    try FileManager.default.createDirectory(
      atPath: configuration.store, withIntermediateDirectories: true)
    return try SiteStore(path: SiteDirectory(path, configuration).databaseFile) {
      Date().timeIntervalSince1970
    }
  }
}
