import ArgumentParser
import Cryptography
import Foundation
import Site
import Store

/// `wardround site audit`
struct SiteAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Show the hash-chained audit log, or verify it.")

  @OptionGroup var folder: SiteFolder
  @Flag(help: "Walk the chain and name the first entry that is not what was written.")
  var verify = false
  @Flag(
    help: """
      Sign how far the log reaches and write it beside the database; keep a copy of the file \
      elsewhere.
      """)
  var anchor = false
  @Option(help: "How many of the latest entries to show.")
  var last = 50

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = try folder.configuration()
      let store = try folder.store(configuration)
      let file = SiteDirectory(folder.path, configuration).auditAnchorFile
      let key = try folder.signingKey(configuration)
      if anchor {
        let anchor = try await store.audit.anchor { key.signature(for: $0).bytes }
        try AuditAnchorFile.write(anchor, to: file)
        return print("Anchored at entry \(anchor.entryCount): \(file)")
      }
      guard verify else {
        for entry in try await store.audit.latestEntries(limit: last) {
          let time = Date(timeIntervalSince1970: entry.time).formatted(.iso8601)
          let note = entry.note
          print(
            "\(entry.sequence)  \(time)  \(note.actor)  \(note.action)  \(note.study)  \(note.detail)"
          )
        }
        return
      }
      let verifyingKey = key.verifyingKey
      let known = try AuditAnchorFile.read(from: file)
      let report = try await store.audit.verify(anchors: known.map { [$0] } ?? []) {
        statement, signature in
        guard let signature = try? Signature(signature) else { return false }
        return verifyingKey.isValid(signature, for: statement)
      }
      guard let fault = report.fault else {
        let anchored =
          known.map { "; anchored up to entry \($0.entryCount)" } ?? "; no anchor is kept yet"
        return print("The audit log is whole: \(report.goodEntryCount) entries\(anchored).")
      }
      print("The audit log is NOT whole: \(Self.words(fault)).")
      throw ExitStatus.failed
    }
  }

  private static func words(_ fault: AuditFault) -> String {
    switch fault.kind {
    case .changed: "entry \(fault.sequence) was changed"
    case .removed: "entry \(fault.sequence) was removed"
    case .unlinked: "entry \(fault.sequence) was inserted, moved or rewritten"
    case .truncated: "its tail, from entry \(fault.sequence) on, was cut off"
    case .surplus: "entry \(fault.sequence) and what follows were added past the store"
    case .headChanged: "its head is not that of its last entry, \(fault.sequence)"
    case .anchorContradicted: "entry \(fault.sequence) is not the anchored one; it was rewritten"
    case .anchorForged: "the anchor of entry \(fault.sequence) is not signed by this site"
    case .unreadable: "entry \(fault.sequence) cannot be read"
    }
  }
}
