import ArgumentParser
import Cryptography
import Foundation
import SecureAggregation
import Study

/// `wardround evidence verify`
struct EvidenceVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Say what evidence proves, from the signatures in it alone.",
    discussion: """
      Needs no network, no store and no study. Several files of one study are examined together: what \
      two sites were told differently shows only so. The keys are those of the manifest that every \
      site signed; whose they are only you can know: compare the manifest's digest, or give it with \
      --manifest.

      Exit codes: 0 proves misbehaviour; 1 does not; 2 a file cannot be read or was changed.
      """)

  @Argument(help: "Files written by `wardround site evidence --out`.")
  var files: [String]
  @Option(help: "The digest of the study's manifest that you know (64 hexadecimal digits).")
  var manifest: String?
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    struct Found: Encodable {
      var offence: String
      var accused: [UInt16]
      var names: [String]
      var epoch: UInt32
      var round: UInt64
      var detail: String
      var sentence: String
    }
    struct Party: Encodable {
      var index: UInt16
      var name: String
      var key: String
    }
    var study: String
    var manifest: String
    var keepers: [String]
    var messageCount: Int
    var ignoredCount: Int
    var proves: Bool
    var findings: [Found]
    var remarks: [String]
    var parties: [Party]
  }

  func run() async throws {
    var pieces: [Evidence] = []
    for file in files {
      do {
        pieces += try EvidenceFile(Array(try InputFile.data(file))).pieces
      } catch let error as SecureAggregationError {
        throw fail("`\(file)` is no evidence, or was changed: \(error)")
      } catch {
        throw fail("`\(file)` cannot be read")
      }
    }
    let review: EvidenceReview
    do throws(SecureAggregationError) {
      review = try EvidenceReview(pieces, layerNoise: discreteGaussianNoise)
    } catch {
      throw fail(
        error.code == .wrongManifest
          ? "the files are of different studies" : "the files hold no evidence")
    }
    if let manifest, manifest.lowercased() != review.manifest.digest.hex {
      throw fail(
        "the evidence is of a study with the manifest \(review.manifest.digest.hex), not the one"
          + " given")
    }
    try show(review)
    guard review.provesMisbehaviour else { throw ExitStatus.failed }
  }

  private func fail(_ text: String) -> ExitCode {
    FileHandle.standardError.write(Data("error: \(text)\n".utf8))
    return ExitStatus.wrongInput
  }

  private func show(_ review: EvidenceReview) throws {
    let manifest = review.manifest.manifest
    let everyone = [0] + manifest.everyone
    func key(_ index: UInt16) -> String {
      let bytes =
        index == 0 ? manifest.aggregatorKey.bytes : manifest.roster[Int(index) - 1].key.bytes
      return Hexadecimal.encode(bytes)
    }
    if json {
      return try Output.json(
        Answer(
          study: manifest.studyIdentifier, manifest: review.manifest.digest.hex,
          keepers: review.keepers.map(manifest.name), messageCount: review.messageCount,
          ignoredCount: review.ignoredCount, proves: review.provesMisbehaviour,
          findings: review.findings.map { finding in
            .init(
              offence: finding.offence.rawValue, accused: finding.accused,
              names: finding.accused.map(manifest.name), epoch: finding.epoch,
              round: finding.round, detail: finding.detail,
              sentence: finding.sentence(name: manifest.name))
          }, remarks: review.remarks,
          parties: everyone.map { .init(index: $0, name: manifest.name($0), key: key($0)) }))
    }
    print("Study \(PlainText.of(manifest.studyIdentifier)), manifest \(review.manifest.digest.hex)")
    print(
      "\(review.messageCount) signed messages, kept by "
        + review.keepers.map { PlainText.of(manifest.name($0)) }.joined(separator: ", ")
        + (review.ignoredCount > 0
          ? "; \(review.ignoredCount) without a valid signature count for nothing" : ""))
    print("")
    if review.findings.isEmpty {
      print("This proves no misbehaviour.")
    } else {
      for finding in review.findings {
        print("PROVEN: \(PlainText.of(finding.sentence(name: manifest.name)))")
      }
    }
    for remark in review.remarks { print("Not decided: \(remark).") }
    print("")
    print("The keys, to compare with what you know:")
    for index in everyone { print("  \(key(index))  \(PlainText.of(manifest.name(index)))") }
  }
}
