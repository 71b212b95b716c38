import Cryptography
import Study

/// The port of the site: what the program asks is answered by this site too, and the published
/// result comes back.
extension SiteRun {
  public func sum(_ query: SumQuery) async throws -> Total {
    if let failure { throw failure }
    let digest = query.digest(after: positionHead)
    if let entry = try recorded(digest) {
      guard case .total(let total) = entry.content else { throw Self.otherQuery(entry.index) }
      return total
    }
    let posed = try TestFaults.posed(query)
    let values = try TestFaults.computed(try await compute { try $0.answer(posed) }, query: query)
    let commitment = try commit(to: values, of: query, digest: digest)
    let passage = try await door.release(
      values, to: query, rowCount: answers.rowCount, commitment: commitment)
    let total = try await withCheckedThrowingContinuation {
      (continuation: CheckedContinuation<Total, any Error>) in
      if let failure { return continuation.resume(throwing: failure) }
      waiting = .sum(
        Asked(query: query, digest: digest, values: values, passage: passage), continuation)
      tell(.reached(digest))
    }
    _ = try recorded(digest)
    return total
  }

  public func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    if let failure { throw failure }
    let digest = query.digest(after: positionHead)
    if let entry = try recorded(digest) {
      guard case .answers(let published) = entry.content else {
        throw Self.otherQuery(entry.index)
      }
      return SiteAnswers(published: published, to: query)
    }
    let answer = try await compute { try $0.answer(query) }
    let bytes = try await door.release(
      answer, to: query, digest: digest, fingerprint: fingerprint, rowCount: answers.rowCount)
    let result = try await withCheckedThrowingContinuation {
      (continuation: CheckedContinuation<SiteAnswers, any Error>) in
      if let failure { return continuation.resume(throwing: failure) }
      waiting = .answers(digest, query, continuation)
      tell(.answered(query, digest: digest, bytes: bytes))
    }
    _ = try recorded(digest)
    return result
  }

  /// Computes on the general pool, which has as many threads as the machine has processors: the run's
  /// own thread stays free for frames and deadlines. The program, which is the only caller, asks one
  /// question at a time.
  private func compute<Answer: Sendable>(
    _ body: @Sendable (inout LocalAnswers) throws -> Answer
  ) async throws -> Answer {
    let (answer, after) = try await Self.computed(answers.handOver(), body)
    answers = after
    return answer
  }

  private nonisolated static func computed<Answer: Sendable>(
    _ answers: consuming LocalAnswers, _ body: @Sendable (inout LocalAnswers) throws -> Answer
  ) async throws -> (Answer, LocalAnswers) {
    let answer = try body(&answers)
    return (answer, answers)
  }

  /// The next entry, consumed, when it is there; it must answer this query.
  private func recorded(_ digest: Digest) throws -> Study.TranscriptEntry? {
    guard position < entries.count else { return nil }
    let entry = entries[position]
    guard entry.query == digest else { throw Self.otherQuery(entry.index) }
    entries[position] = entry.withoutLongValues
    position += 1
    positionHead = position == entries.count ? head : entry.head(after: positionHead)
    return entry
  }

  private static func otherQuery(_ index: UInt32) -> StudyError {
    StudyError(
      .transcriptMismatch,
      "result \(index) of the study answers another query than this site derives; the study or the"
        + " agent's version changed since it was recorded")
  }
}
