import Cohort
import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study
import Transport

/// One study at one hospital: the site's own run of the program, and its side of every round.
///
/// Everything that happens to a run (a frame from the aggregator, a query that the program reached,
/// a new connection, a deadline) is an event in one queue, handled one after the other, so that what
/// is journalled before a message is on the disk before the next event is looked at.
public actor SiteRun: Federation {
  /// What a run needs to know and to hold.
  public struct Setup: Sendable {
    public var study: AgreedStudy
    public var manifest: SignedManifest
    /// The site's position in the roster, from 1.
    public var index: UInt16
    public var signingKey: SigningKey
    public var policy: SitePolicy
    public var store: SiteStore
    public var cohort: CohortTable

    public init(
      study: AgreedStudy, manifest: SignedManifest, index: UInt16, signingKey: SigningKey,
      policy: SitePolicy, store: SiteStore, cohort: CohortTable
    ) {
      self.study = study
      self.manifest = manifest
      self.index = index
      self.signingKey = signingKey
      self.policy = policy
      self.store = store
      self.cohort = cohort
    }
  }

  enum Event: Sendable {
    case connected(any SiteConnection)
    case disconnected
    case frame(Frame)
    case reached(Digest)
    case answered(SiteQuery, digest: Digest, bytes: [UInt8])
    case deadline
    /// Whoever runs the study wants it no more.
    case cancelled
  }

  /// A sum query that the program is at: what is answered, and what the answer needs and costs. One value,
  /// so that an answer to a noisy query cannot go without its noise.
  struct Asked: Sendable {
    let query: SumQuery
    let digest: Digest
    /// The answer, without noise.
    let values: [Int64]
    /// What the door leaves to be written before the first vector leaves; nil afterwards.
    var passage: Door.Passage?
    /// Whether the session expects the query: a RoundOpen may be taken.
    var isPosed = false
    var noise: NoiseRequirement? { query.noise }
    var purpose: String { query.purpose }
  }

  /// What the program waits for.
  enum Waiting {
    case sum(Asked, CheckedContinuation<Total, any Error>)
    case answers(Digest, SiteQuery, CheckedContinuation<SiteAnswers, any Error>)
  }

  /// Journal writes wait for the disk, and what follows waits for them: the run has a thread for it.
  private let executor = StoreExecutor(label: "wardround.site-run")
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  let setup: Setup
  let site: String
  let door: Door
  var plan: StudyPlan { setup.study.plan }
  var session: SiteSession
  /// The signed messages of the present round, for evidence.
  var keeper: EvidenceKeeper
  var entropy = SystemEntropy()
  var answers: LocalAnswers
  /// Digest of the cohort: every answer of the study comes from this one.
  let fingerprint: Digest

  /// Results so far, from the store and since.
  var entries: [Study.TranscriptEntry]
  var head: Digest
  /// How many results the program has consumed, and the head at that point.
  var position = 0
  var positionHead: Digest

  var waiting: Waiting?
  var pendingAnswer: Frame?
  /// Results that arrived before the program asked, by query digest.
  var outcomes: [Digest: RoundOutcome] = [:]
  var publications: [Digest: Study.TranscriptEntry] = [:]
  /// A RoundOpen that came before the program reached its query, and the Lock1 behind it.
  var heldFrames: [Frame] = []
  /// Why the run ended early.
  var failure: (any Error)?

  /// Records that authorise nothing by themselves; they are written with those that follow.
  var unwritten: [JournalRecord] = []
  /// The last round whose result was written together with its journal record.
  var closedRound: UInt64 = 0

  var connection: (any SiteConnection)?
  /// When the present round is burned unless the aggregator goes on.
  var deadline: ContinuousClock.Instant?
  let alarm: Alarm
  let log: @Sendable (String) -> Void
  let onProgress: @Sendable (StageProgress) -> Void
  private let inbox: Mailbox<Event>
  /// The aggregator's frames that wait in the inbox.
  private let backlog = Backlog<UInt16>(limit: 64)

  /// Takes up a study at this site, from its beginning or from what the store holds.
  public static func open(
    _ setup: Setup, log: @escaping @Sendable (String) -> Void,
    onProgress: @escaping @Sendable (StageProgress) -> Void = { _ in }
  ) async throws -> SiteRun {
    let journal = try await SumJournal.read(setup.store, study: setup.study.plan.id)
    let transcript = try await SiteTranscript.read(setup.store, study: setup.study)
    return try SiteRun(
      setup, journal: journal, entries: transcript.entries, head: transcript.head, log: log,
      onProgress: onProgress)
  }

  private init(
    _ setup: Setup, journal: SiteJournal, entries: [Study.TranscriptEntry], head: Digest,
    log: @escaping @Sendable (String) -> Void,
    onProgress: @escaping @Sendable (StageProgress) -> Void
  ) throws {
    self.setup = setup
    self.log = log
    self.onProgress = onProgress
    let site = setup.study.sites[Int(setup.index) - 1]
    self.site = site
    keeper = EvidenceKeeper(manifest: setup.manifest, index: setup.index)
    fingerprint = setup.cohort.fingerprint
    door = try Door(
      plan: setup.study.plan, policy: setup.policy, store: setup.store, site: site)
    answers = LocalAnswers(
      site: site, plan: setup.study.plan, cohort: setup.cohort,
      noiseKey: SiteNoise.key(
        setup.signingKey, plan: setup.study.plan, fingerprint: fingerprint))
    session = try SiteSession(
      manifest: setup.manifest, index: setup.index, signingKey: setup.signingKey,
      journal: journal, layerNoise: discreteGaussianNoise)
    positionHead = Study.TranscriptEntry.genesis(of: setup.study)
    self.entries = entries
    self.head = head
    let inbox = Mailbox<Event>()
    self.inbox = inbox
    alarm = Alarm { inbox.post(.deadline) }
  }

  /// Hands over what happened; returns at once.
  nonisolated func tell(_ event: Event) { inbox.post(event) }

  /// The aggregator is reachable over this connection.
  public nonisolated func connected(_ connection: any SiteConnection) {
    tell(.connected(connection))
  }

  /// The connection is gone.
  public nonisolated func disconnected() { tell(.disconnected) }

  /// A frame of this study arrived over this connection. An aggregator that sends on and on, without
  /// waiting for an answer, is cut off.
  public nonisolated func receive(_ frame: Frame, over connection: any SiteConnection) {
    guard backlog.enter(0) else {
      return connection.close(
        TransportError(.queueFull, subject: "\(connection.peer): \(backlog.limit) messages ahead"))
    }
    tell(.frame(frame))
  }

  /// Runs the study to its end and returns its result; throws what stopped it. The aggregator is
  /// told either way.
  public func run() async throws -> StudyResult {
    try await run { run in
      let result = try await StudyProgram(run.setup.study, over: run).run()
      let digest = result.digest
      await run.sendLedgerHead()
      try? await run.send(.finished(digest))
      return result
    }
  }

  /// Runs another program than the study's over the same rounds, for measuring them. The door, the
  /// journal and the protocol are the same.
  public func run<Value: Sendable>(
    _ program: @Sendable (SiteRun) async throws -> Value
  ) async throws -> Value {
    var events: Task<Void, Never>?
    defer {
      events?.cancel()
      inbox.finish()
    }
    do {
      try await carryOut(session.resume())
      events = Task { await self.handleEvents() }
      return try await withTaskCancellationHandler {
        try await program(self)
      } onCancel: {
        tell(.cancelled)
      }
    } catch let error as CancellationError {
      // The agent stops; the study goes on when it is back.
      throw error
    } catch {
      try? await send(.studyFault(PublicReason.of(error)))
      throw error
    }
  }

  private func handleEvents() async {
    while let event = await inbox.next() {
      if case .frame = event { backlog.leave(0) }
      do {
        try await handle(event)
      } catch {
        fail(error)
      }
    }
  }

  /// Ends the run: the program's present query throws.
  func fail(_ error: any Error) {
    guard failure == nil else { return }
    failure = error
    switch waiting {
    case .sum(_, let continuation): continuation.resume(throwing: error)
    case .answers(_, _, let continuation): continuation.resume(throwing: error)
    case nil: break
    }
    waiting = nil
  }

  /// Leaves with the aggregator what the study has come to in the ledger, before the study is over.
  func sendLedgerHead() async {
    do {
      let head = try await door.ledger.signedHead(site: site, key: setup.signingKey)
      if let head { try await send(.ledgerHead(head)) }
    } catch {
      log("the ledger's head was not sent: \(error)")
    }
  }

  /// Sends a message about the study; silent when there is no connection.
  func send(_ message: SiteMessage) async throws {
    try await connection?.send(
      Frame(kind: message.kind.rawValue, study: plan.id, body: message.body))
  }

  public func report(_ progress: StageProgress) async { onProgress(progress) }
}
