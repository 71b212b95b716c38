import Aggregator
import ArgumentParser
import Foundation
import SecureAggregation
import Store

/// What anybody can do with evidence, without a network and without a study.
struct EvidenceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence",
    abstract: "Check the signed messages that a party kept when somebody broke the protocol.",
    subcommands: [EvidenceVerify.self])
}

/// Listing and exporting what a store holds; the same for both roles.
struct EvidenceExport: ParsableArguments {
  @Option(help: "Of one study only.")
  var study: String?
  @Option(help: "One piece only, by its number in the list.")
  var number: Int64?
  @Option(help: "Write the pieces to this file, for `wardround evidence verify`.")
  var out: String?
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    struct Piece: Encodable {
      var number: Int64
      var study: String
      var round: UInt64
      var fault: String
      var proves: Bool
      var summary: String
      var time: String
      var byteCount: Int
    }
    var pieces: [Piece]
    var file: String?
  }

  /// Prints the list, and writes the file when one was asked for.
  func show(_ all: [StoredEvidence]) throws {
    let pieces = all.filter { number == nil || $0.id == number }
    if let number, pieces.isEmpty {
      throw ValidationError("there is no evidence of number \(number)")
    }
    if let out {
      guard !pieces.isEmpty else { throw ValidationError("there is no evidence to write") }
      let file: EvidenceFile
      do throws(SecureAggregationError) {
        var read: [Evidence] = []
        for piece in pieces { read.append(try Evidence(piece.content)) }
        file = EvidenceFile(read)
      } catch {
        throw StoreError(.corrupted, "stored evidence cannot be read")
      }
      guard
        FileManager.default.createFile(
          atPath: out, contents: Data(file.bytes), attributes: [.posixPermissions: 0o600])
      else { throw ValidationError("`\(out)` cannot be written") }
      if file.pieces.contains(where: { !$0.tagSeeds.isEmpty }) {
        FileHandle.standardError.write(
          Data(
            """
            note: the file states the seed of a round's tag. Give it to the sites and to an auditor; \
            with it an aggregator could forge the sum of that round for a site that has not got it yet.

            """.utf8))
      }
    }
    func time(_ piece: StoredEvidence) -> String {
      Date(timeIntervalSince1970: piece.recordedAt).formatted(.iso8601)
    }
    if json {
      try Output.json(
        Answer(
          pieces: pieces.map {
            .init(
              number: $0.id, study: $0.study, round: $0.round, fault: $0.fault,
              proves: $0.proves, summary: $0.summary, time: time($0),
              byteCount: $0.content.count)
          }, file: out))
    } else if pieces.isEmpty {
      print("No evidence is kept.")
    } else {
      for piece in pieces {
        print(
          "\(piece.id)  \(time(piece))  \(piece.study)  round \(piece.round)  \(piece.fault)"
            + "  \(piece.content.count) bytes")
        print("   \(PlainText.of(piece.summary))")
      }
      if let out { print("Written to \(out).") }
    }
  }
}

/// `wardround site evidence`
struct SiteEvidence: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence",
    abstract: "List the signed messages kept when a fault stopped a round, or write them to a file."
  )

  @OptionGroup var folder: SiteFolder
  @OptionGroup var export: EvidenceExport

  func run() async throws {
    try await CommandFailure.reporting {
      let store = try folder.store(try folder.configuration())
      try export.show(try await store.evidence(study: export.study))
    }
  }
}

/// `wardround aggregator evidence`
struct AggregatorEvidence: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence",
    abstract: "List the signed messages kept about sites that broke the protocol, or write them.",
    discussion: "Works on the aggregator's own folder; the server may be running.")

  @OptionGroup var folder: AggregatorFolder
  @OptionGroup var export: EvidenceExport

  func run() async throws {
    try await CommandFailure.reporting {
      let directory = AggregatorDirectory(folder.path)
      _ = try directory.configuration()
      let store = try directory.openStore()
      try export.show(try await store.evidence(study: export.study))
    }
  }
}
