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
  @Flag(help: "Show digests and signatures whole.")
  var full = false
  @Flag(help: "Print one JSON array, with everything whole.")
  var json = false

  private struct Line: Encodable {
    var number: Int64
    var time: String
    var actor: String
    var action: String
    var study: String
    var detail: String
  }

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
        let lines = try await store.audit.latestEntries(limit: last).map { entry in
          Line(
            number: entry.sequence,
            time: Date(timeIntervalSince1970: entry.time).formatted(.iso8601),
            actor: entry.note.actor, action: entry.note.action, study: entry.note.study,
            detail: entry.note.detail)
        }
        if json { return try Output.json(lines) }
        for line in lines {
          let detail = full ? line.detail : Self.shortened(line.detail)
          // Names, studies and reasons come from people and peers.
          print(
            PlainText.of(
              "\(line.number)  \(line.time)  \(line.actor)  \(line.action)  \(line.study)  \(detail)"
            )
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

  /// The text with the first 12 digits of every digest and signature.
  static func shortened(_ detail: String) -> String {
    detail.split(separator: " ", omittingEmptySubsequences: false).map { word in
      let digits = word.prefix { $0.isASCII && $0.isHexDigit }
      guard digits.count >= 32 else { return String(word) }
      return "\(digits.prefix(12))…\(word.dropFirst(digits.count))"
    }.joined(separator: " ")
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
