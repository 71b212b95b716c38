import Cryptography
import Synchronization

/// Answers every query from a transcript and from nothing else.
///
/// A query whose digest differs from the recorded one, or a query beyond the end, means that the
/// transcript does not belong to the study or was changed.
public final class ReplayFederation: Federation {
  private struct Position {
    var index = 0
    var head: Digest
  }

  private let entries: [TranscriptEntry]
  private let caveat: String
  private let position: Mutex<Position>

  public init(_ transcript: Transcript) throws {
    entries = transcript.entries
    caveat = transcript.versionCaveat
    position = Mutex(Position(head: TranscriptEntry.genesis(of: try transcript.agreedStudy())))
  }

  public func sum(_ query: SumQuery) async throws -> Total {
    let entry = try next(query.kind) { query.digest(after: $0) }
    guard case .total(let total) = entry.content else { throw mismatch(entry.index) }
    return total
  }

  public func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    let entry = try next(query.kind) { query.digest(after: $0) }
    guard case .answers(let answers) = entry.content else { throw mismatch(entry.index) }
    return SiteAnswers(published: answers, to: query)
  }

  public func report(_ progress: StageProgress) async {}

  /// Throws `transcriptMismatch` when results are left that the program did not ask for. Call it
  /// after the program has run: until then results are left.
  public func finish() throws(StudyError) {
    let used = position.withLock { $0.index }
    guard used == entries.count else {
      throw StudyError(
        .transcriptMismatch,
        "the transcript has \(entries.count - used) results more than the study asks for; it was"
          + " changed, \(caveat)")
    }
  }

  private func next(
    _ kind: QueryKind, _ digest: (Digest) -> Digest
  ) throws -> TranscriptEntry {
    try position.withLock { position in
      guard position.index < entries.count else {
        throw StudyError(
          .transcriptMismatch,
          "the transcript ends after \(entries.count) results, before the \(kind.rawValue) query;"
            + " it is of an unfinished study")
      }
      let entry = entries[position.index]
      guard entry.index == UInt32(position.index), entry.kind == kind,
        entry.query == digest(position.head)
      else {
        throw mismatch(UInt32(position.index))
      }
      position.index += 1
      position.head = entry.head(after: position.head)
      return entry
    }
  }

  private func mismatch(_ index: UInt32) -> StudyError {
    StudyError(
      .transcriptMismatch,
      "result \(index) of the transcript answers another query than the study asks there; the"
        + " transcript was changed, \(caveat)")
  }
}
