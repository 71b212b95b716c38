import Cohort
import Cryptography
import SecureAggregation
import Store
import Study

/// Computes one past answer of this site again, from its data and the transcript, and compares it
/// with the commitment that was signed before it left.
///
/// Assumes: the agent's version and the data are those of the time. Reveals nothing: the answer stays
/// in this process; what is printed is whether it is the same.
public struct Reproduction: Sendable {
  /// What came out.
  public struct Outcome: Sendable, Hashable {
    public let study: String
    /// The secure round whose sum the answer is in.
    public let round: UInt64
    /// The result's place in the transcript, from 0.
    public let index: UInt32
    /// What was asked, such as `newton`.
    public let kind: String
    /// The commitment that the site signed.
    public let commitment: Digest
    /// When it was written, in seconds since 1970.
    public let committedAt: Double
    /// Whether the signature on the commitment is the site's.
    public let isSigned: Bool
    /// Whether the data are those of the time.
    public let dataAreTheSame: Bool
    /// Whether the answer computed now is the committed one.
    public let answerIsTheSame: Bool
    /// How many numbers the answer has.
    public let valueCount: Int

    /// Whether the site stands by its answer.
    public var isReproduced: Bool { isSigned && dataAreTheSame && answerIsTheSame }
  }

  let store: SiteStore
  let site: String
  let verifyingKey: VerifyingKey
  /// Draws what the site drew at random in a study under differential privacy, such as its batches.
  let noiseKey: @Sendable (StudyPlan, Digest) -> [UInt8]?
  let loadCohort: @Sendable (StudyPlan) async throws -> CohortTable

  public init(
    store: SiteStore, site: String, signingKey: SigningKey,
    loadCohort: @escaping @Sendable (StudyPlan) async throws -> CohortTable
  ) {
    self.init(
      store: store, site: site, verifyingKey: signingKey.verifyingKey,
      noiseKey: { SiteNoise.key(signingKey, plan: $0, fingerprint: $1) }, loadCohort: loadCohort)
  }

  init(
    store: SiteStore, site: String, verifyingKey: VerifyingKey,
    noiseKey: @escaping @Sendable (StudyPlan, Digest) -> [UInt8]?,
    loadCohort: @escaping @Sendable (StudyPlan) async throws -> CohortTable
  ) {
    self.store = store
    self.site = site
    self.verifyingKey = verifyingKey
    self.noiseKey = noiseKey
    self.loadCohort = loadCohort
  }

  /// Reproduces this site's answer in a round of a study.
  ///
  /// Throws `StudyError.invalidPlan` for an unknown study or round, or one without a commitment (the
  /// site took no part in it, or the agent was older), and `transcriptMismatch` when the transcript is
  /// not one of this study.
  public func run(study id: String, round: UInt64) async throws -> Outcome {
    guard let stored = try await store.study(id), let bytes = stored.manifest else {
      throw StudyError(.invalidPlan, "this site has taken no part in a study `\(id)`")
    }
    let manifest = try SignedManifest(bytes).manifest
    let plan = try StudyPlan(yaml: stored.planText, file: "study.yaml")
    let disclosures = try await store.setting("disclosures/\(id)") ?? ""
    let agreed = AgreedStudy(
      plan: plan, sites: manifest.roster.map(\.siteName),
      disclosures: Set(
        disclosures.split(separator: ",").compactMap { Study.Disclosure(rawValue: String($0)) }))
    let entries = try await SiteTranscript.read(store, study: agreed).entries
    guard let entry = entries.first(where: { $0.round == round && round > 0 }) else {
      throw StudyError(.invalidPlan, "study `\(id)` has no published sum of round \(round) here")
    }
    guard
      let commitment = try await store.commitments(study: id).first(where: {
        $0.query == entry.query.bytes
      })
    else {
      throw StudyError(
        .invalidPlan, "this site has no commitment for round \(round): it did not answer in it")
    }
    let cohort = try await loadCohort(plan)
    let federation = ReproducingFederation(
      entries: entries, target: entry.index, genesis: Study.TranscriptEntry.genesis(of: agreed),
      answers: LocalAnswers(
        site: site, plan: plan, cohort: cohort, noiseKey: noiseKey(plan, cohort.fingerprint)))
    let values = try await federation.answer(of: agreed)
    let again = AnswerCommitment.digest(
      study: id, query: entry.query, fingerprint: commitment.fingerprint,
      nonce: commitment.nonce, values: values)
    let signature = try? Signature(commitment.signature)
    return Outcome(
      study: id, round: round, index: entry.index, kind: commitment.kind,
      commitment: try Digest(commitment.digest), committedAt: commitment.recordedAt,
      isSigned: signature.map { verifyingKey.isValid($0, for: commitment.digest) } ?? false,
      dataAreTheSame: cohort.fingerprint.bytes == commitment.fingerprint,
      answerIsTheSame: again.bytes == commitment.digest, valueCount: values.count)
  }
}

/// Runs the study's program over the recorded results up to one query, and computes this site's
/// answer to that one.
private actor ReproducingFederation: Federation {
  /// Ends the program: the answer is there.
  private struct Reached: Error {}

  private let entries: [Study.TranscriptEntry]
  private let target: UInt32
  private var answers: LocalAnswers
  private var position = 0
  private var head: Digest
  private var values: [Int64]?

  init(
    entries: [Study.TranscriptEntry], target: UInt32, genesis: Digest, answers: LocalAnswers
  ) {
    self.entries = entries
    self.target = target
    self.answers = answers
    head = genesis
  }

  func answer(of study: AgreedStudy) async throws -> [Int64] {
    do {
      _ = try await StudyProgram(study, over: self).run()
    } catch is Reached {}
    guard let values else {
      throw StudyError(.transcriptMismatch, "the study does not ask the question of that round")
    }
    return values
  }

  func sum(_ query: SumQuery) async throws -> Total {
    let entry = try next(query.digest(after: head))
    if entry.index == target {
      values = try answers.answer(query)
      throw Reached()
    }
    guard case .total(let total) = entry.content else { throw Self.mismatch(entry.index) }
    return total
  }

  func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    let entry = try next(query.digest(after: head))
    guard case .answers(let published) = entry.content else { throw Self.mismatch(entry.index) }
    return SiteAnswers(published: published, to: query)
  }

  func report(_ progress: StageProgress) async {}

  private func next(_ query: Digest) throws -> Study.TranscriptEntry {
    guard position < entries.count, entries[position].query == query else {
      throw Self.mismatch(UInt32(position))
    }
    defer { position += 1 }
    head = entries[position].head(after: head)
    return entries[position]
  }

  private static func mismatch(_ index: UInt32) -> StudyError {
    StudyError(
      .transcriptMismatch,
      "result \(index) of the transcript answers another query than the study asks there; the"
        + " agent's version changed since")
  }
}
