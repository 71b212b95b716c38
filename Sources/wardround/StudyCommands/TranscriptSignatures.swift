import Cryptography
import SecureAggregation
import Study

/// Checks the evidence of a transcript: that every site signed the manifest, and that every answer
/// in clear bears the signature of the site it is about.
enum TranscriptSignatures {
  /// Throws `StudyError.transcriptMismatch` naming the first answer that is not signed.
  static func check(_ transcript: Transcript) throws {
    let signed: SignedManifest
    do {
      signed = try SignedManifest(transcript.manifest)
    } catch {
      throw StudyError(
        .transcriptMismatch, "the transcript's manifest is not signed by every site: \(error)")
    }
    guard signed.manifest.programDigest == (try transcript.agreedStudy().digest) else {
      throw StudyError(
        .transcriptMismatch,
        "the transcript's study is not the one that the sites signed: it was changed,"
          + " \(transcript.versionCaveat)")
    }
    var keys: [String: VerifyingKey] = [:]
    for member in signed.manifest.roster { keys[member.siteName] = member.key }
    for entry in transcript.entries {
      guard case .answers(let answers) = entry.content else { continue }
      for answer in answers {
        let statement = Study.TranscriptEntry.SignedAnswer.statement(
          query: entry.query, site: answer.site, answer: answer.answer)
        guard let key = keys[answer.site], let signature = try? Signature(answer.signature),
          key.isValid(signature, for: statement)
        else {
          throw StudyError(
            .transcriptMismatch,
            "result \(entry.index): the answer of \(answer.site) does not bear its signature")
        }
      }
    }
  }
}
