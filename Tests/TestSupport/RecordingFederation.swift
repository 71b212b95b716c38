import Cryptography
import Study
import Synchronization

/// Passes every question on and keeps the published results as the aggregator does.
///
/// Signatures are 64 zero bytes: nothing here checks them.
public final class RecordingFederation: Federation {
  private struct Book {
    var entries: [TranscriptEntry] = []
    var head: Digest
  }

  private let base: any Federation
  private let sites: [String]
  private let book: Mutex<Book>

  public init(_ base: any Federation, study: AgreedStudy) {
    self.base = base
    sites = study.sites
    book = Mutex(Book(head: TranscriptEntry.genesis(of: study)))
  }

  /// The published results so far.
  public var entries: [TranscriptEntry] { book.withLock { $0.entries } }

  /// Digest of everything published so far.
  public var head: Digest { book.withLock { $0.head } }

  public func sum(_ query: SumQuery) async throws -> Total {
    let total = try await base.sum(query)
    note(query.kind, .total(total)) { query.digest(after: $0) }
    return total
  }

  public func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    let answers = try await base.perSite(query)
    let signed = sites.compactMap { site in
      answers.answers[site].map {
        TranscriptEntry.SignedAnswer(
          site: site, answer: $0.canonicalBytes, signature: [UInt8](repeating: 0, count: 64))
      }
    }
    note(query.kind, .answers(signed)) { query.digest(after: $0) }
    // What is published is what was signed: decode it again as every party does.
    return SiteAnswers(published: signed, to: query)
  }

  public func report(_ progress: StageProgress) async { await base.report(progress) }

  private func note(
    _ kind: QueryKind, _ content: TranscriptEntry.Content, _ digest: (Digest) -> Digest
  ) {
    book.withLock { book in
      let entry = TranscriptEntry(
        index: UInt32(book.entries.count), query: digest(book.head), kind: kind, content: content)
      book.head = entry.head(after: book.head)
      book.entries.append(entry)
    }
  }
}
