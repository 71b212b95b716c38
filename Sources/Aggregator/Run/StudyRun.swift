import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study
import Transport

/// One study at the aggregator: it runs the program over the sites' sums, keeps the transcript, and
/// waits for nobody longer than the plan allows.
///
/// Like a site's run, everything that happens is an event in one queue, so that what is journalled
/// before a message is on the disk before the next event is looked at.
public actor StudyRun: Federation {
  /// What a run is made from.
  public struct Setup: Sendable {
    public var study: AgreedStudy
    public var manifest: SignedManifest
    public var signingKey: SigningKey
    public var store: AggregatorStore
    /// Age from which an epoch's keys are used for no further round: new ones heal a site whose secrets
    /// were seen (PRIVACY-CORE §2.4; the number of its rounds is limited by the manifest).
    public var longestEpoch: Duration

    public init(
      study: AgreedStudy, manifest: SignedManifest, signingKey: SigningKey,
      store: AggregatorStore, longestEpoch: Duration = .seconds(86_400)
    ) {
      self.study = study
      self.manifest = manifest
      self.signingKey = signingKey
      self.store = store
      self.longestEpoch = longestEpoch
    }
  }

  enum Event: Sendable {
    case connected(site: UInt16, any SiteConnection)
    case disconnected(site: UInt16, any SiteConnection)
    case frame(Frame, site: UInt16)
    case sum(RoundBinding)
    case perSite(SiteQuery, digest: Digest)
    case deadline
    /// Whoever runs the study wants it no more.
    case cancelled
  }

  /// A site as the run sees it.
  struct Peer {
    var connection: (any SiteConnection)?
    /// It has said where it stands since it connected or missed a deadline.
    var isReady = false
    /// It has had another connection since the keys were agreed: it may have lost them.
    var needsKeys = true
    /// It missed a deadline and has not been heard since: nobody waits for it.
    var isLate = false
    /// It left the study and does not come back, with its reason.
    var departure: String?
    /// Digest of its own result, when it finished.
    var result: Digest?
    /// Until when queries wait for it to come back and say where it stands.
    var awaitedUntil: ContinuousClock.Instant
    /// It has not got every total yet: those come with the next keys.
    var isBehind = false
    /// Why it was left out last, in words.
    var absence: String?
  }

  /// What the program waits for.
  enum Question {
    case sum(RoundBinding)
    case perSite(SiteQuery, Digest)
  }

  /// Which step of the present query is being waited for.
  enum Step: Equatable {
    case idle
    /// Enough sites to be there and ready.
    case presence
    /// The keys of an epoch.
    case keys
    /// The present state of a secure round.
    case round
    /// The sites' own answers.
    case answers
  }

  /// Results are written before they are published: the run has a thread that may wait for the disk.
  private let executor = StoreExecutor(label: "wardround.study-run")
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  let setup: Setup
  var plan: StudyPlan { setup.study.plan }
  var sites: [String] { setup.study.sites }
  var session: AggregatorSession
  /// The signed messages of the present round, for evidence.
  var keeper: EvidenceKeeper
  var peers: [Peer]
  /// All results. Long sums that the program has used are in the store only.
  var entries: [Study.TranscriptEntry]
  /// Head of the transcript before each entry, and after the last.
  var heads: [Digest]
  /// Results that the program has consumed.
  var position = 0
  /// A round that the store holds as opened already; this run may open it, once.
  var nextRound: UInt64?

  var present: Question?
  var sumContinuation: CheckedContinuation<Total, any Error>?
  var answersContinuation: CheckedContinuation<SiteAnswers, any Error>?
  var step = Step.idle
  /// Attempts at the present query that failed though nobody was on the way back.
  var attempts = 0
  /// Attempts at the present query that ended because a site lost its connection.
  var interruptions = 0
  /// When interruptions end the present query.
  var queryEnd = ContinuousClock.now
  /// The sites whose vectors are in the present round's sum.
  var stated: [UInt16] = []
  /// The sites for whose sum the present query may have been opened without coming out: it may be
  /// asked again over the same sites only (protocol/README.md §8, differencing rule).
  var openedFor: [UInt16]?
  /// Attempts at the present query that ended because a site was missing that it needs, and the sites
  /// that the next attempt goes on without: the second time nobody waits for them any more.
  var incompleteAttempts = 0
  var leftOut: Set<UInt16> = []
  /// Faults of the present query, in words, for the error if it cannot be answered.
  var faults: [String] = []
  /// Answers to the present per-site query.
  var answers: [UInt16: Study.TranscriptEntry.SignedAnswer] = [:]
  var declined: [String: String] = [:]
  /// Answers that came before the program asked, by site.
  var early: [UInt16: SiteMessage.Answer] = [:]
  var failure: (any Error)?
  /// Share of the study that is done.
  private var fraction = 0.0
  private var warnings: Set<String> = []
  /// When the present step is over, whoever is missing; nil when nothing is waited for.
  var deadline: ContinuousClock.Instant?
  /// The session's state that the deadline is for, in a round or while keys are agreed.
  var armedState: AggregatorState?
  let alarm: Alarm
  /// Until when enough sites for a round are waited for, and until when sites' own answers are.
  var presenceEnd = ContinuousClock.now
  var answersEnd = ContinuousClock.now
  /// Seconds of every round, for the benchmark and the report of a run.
  public internal(set) var roundSeconds: [Double] = []
  var roundStart = ContinuousClock.now
  /// When the present epoch's keys were agreed.
  var keyed = ContinuousClock.now

  let log: @Sendable (String) -> Void
  let onProgress: @Sendable (StageProgress) async -> Void
  private let inbox: Mailbox<Event>
  /// The sites' frames that wait in the inbox.
  private let backlog = Backlog<UInt16>(limit: 64)

  /// Takes up a study, from its beginning or from what the store holds.
  public static func open(
    _ setup: Setup, log: @escaping @Sendable (String) -> Void,
    onProgress: @escaping @Sendable (StageProgress) async -> Void
  ) async throws -> StudyRun {
    let stored = try await RunStore.read(setup.store, study: setup.study)
    return try StudyRun(setup, stored: stored, log: log, onProgress: onProgress)
  }

  private init(
    _ setup: Setup, stored: RunStore.Content, log: @escaping @Sendable (String) -> Void,
    onProgress: @escaping @Sendable (StageProgress) async -> Void
  ) throws {
    self.setup = setup
    self.log = log
    self.onProgress = onProgress
    keeper = EvidenceKeeper(manifest: setup.manifest, index: 0)
    entries = stored.entries
    heads = stored.heads
    session = try AggregatorSession(
      manifest: setup.manifest, signingKey: setup.signingKey, journal: stored.journal,
      layerNoise: discreteGaussianNoise)
    let returnEnd = ContinuousClock.now + .seconds(setup.study.plan.deadlines.returnSeconds)
    peers = setup.study.sites.map { _ in Peer(awaitedUntil: returnEnd) }
    let inbox = Mailbox<Event>()
    self.inbox = inbox
    alarm = Alarm { inbox.post(.deadline) }
  }

  nonisolated func tell(_ event: Event) { inbox.post(event) }

  /// A site of the study is connected.
  public nonisolated func connected(site: String, _ connection: any SiteConnection) {
    guard let index = index(of: site) else { return }
    tell(.connected(site: index, connection))
  }

  /// A site's connection is gone.
  public nonisolated func disconnected(site: String, _ connection: any SiteConnection) {
    guard let index = index(of: site) else { return }
    tell(.disconnected(site: index, connection))
  }

  /// A frame of this study arrived from a site over this connection.
  ///
  /// A site that follows the protocol waits for the aggregator's next message after every one or two
  /// of its own. One that sends on and on is cut off instead of filling the memory.
  public nonisolated func receive(
    _ frame: Frame, from site: String, over connection: any SiteConnection
  ) {
    guard let index = index(of: site) else { return }
    receive(frame, from: index, over: connection)
  }

  nonisolated func receive(
    _ frame: Frame, from site: UInt16, over connection: any SiteConnection
  ) {
    guard backlog.enter(site) else {
      return connection.close(
        TransportError(.queueFull, subject: "\(connection.peer): \(backlog.limit) messages ahead"))
    }
    tell(.frame(frame, site: site))
  }

  private nonisolated func index(of site: String) -> UInt16? {
    setup.study.sites.firstIndex(of: site).map { UInt16($0 + 1) }
  }

  /// Every site's number, from 1.
  var everyone: [UInt16] { setup.manifest.manifest.everyone }

  func name(_ index: UInt16) -> String {
    index == 0 ? "aggregator" : Int(index) <= sites.count ? sites[Int(index) - 1] : "site \(index)"
  }

  /// Runs the study to its end. Throws what stopped it, naming who and why.
  public func run() async throws -> StudyResult {
    try await run { try await StudyProgram($0.setup.study, over: $0).run() }
  }

  /// Runs another program than the study's over the same rounds, for measuring them. The sites run
  /// the same one.
  public func run<Value: Sendable>(
    _ program: @Sendable (StudyRun) async throws -> Value
  ) async throws -> Value {
    let events = Task { await self.handleEvents() }
    defer {
      events.cancel()
      inbox.finish()
    }
    return try await withTaskCancellationHandler {
      try await program(self)
    } onCancel: {
      tell(.cancelled)
    }
  }

  private func handleEvents() async {
    while let event = await inbox.next() {
      if case .frame(_, let site) = event {
        backlog.leave(site)
      }
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
    step = .idle
    present = nil
    disarm()
    sumContinuation?.resume(throwing: error)
    answersContinuation?.resume(throwing: error)
    sumContinuation = nil
    answersContinuation = nil
  }

  public func report(_ progress: StageProgress) async {
    fraction = progress.fraction
    await onProgress(progress)
  }

  /// Tells the log, and whoever follows the study, what happened to a site; each thing once.
  func warn(_ text: String) async {
    log(text)
    guard warnings.insert(text).inserted else { return }
    await onProgress(StageProgress(stage: "warning", detail: text, fraction: fraction))
  }

  /// Whether a site can be expected to report its own result: it is there, up to date, and did not
  /// leave the study.
  public func isTakingPart(_ site: String) -> Bool {
    guard let index = index(of: site) else { return false }
    let peer = peers[index]
    return peer.connection != nil && peer.departure == nil && !peer.isLate && !peer.isBehind
  }

  /// All results with all values, from the store.
  func storedEntries() async throws -> [Study.TranscriptEntry] {
    try await RunStore.read(setup.store, study: setup.study).entries
  }

  // MARK: - The port

  public func sum(_ query: SumQuery) async throws -> Total {
    if let failure { throw failure }
    let digest = query.digest(after: consumedHead)
    if let entry = try recorded(digest) {
      guard case .total(let total) = entry.content else { throw Self.otherQuery(entry.index) }
      return total
    }
    let binding = try query.binding(
      digest: digest, in: plan, manifest: setup.manifest.manifest)
    let total = try await withCheckedThrowingContinuation { continuation in
      sumContinuation = continuation
      tell(.sum(binding))
    }
    _ = try recorded(digest)
    return total
  }

  public func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    if let failure { throw failure }
    let digest = query.digest(after: consumedHead)
    if let entry = try recorded(digest) {
      guard case .answers(let published) = entry.content else {
        throw Self.otherQuery(entry.index)
      }
      return SiteAnswers(published: published, to: query)
    }
    let result = try await withCheckedThrowingContinuation { continuation in
      answersContinuation = continuation
      tell(.perSite(query, digest: digest))
    }
    _ = try recorded(digest)
    return result
  }

  /// Head of the transcript at the program's position.
  private var consumedHead: Digest { heads[position] }

  private func recorded(_ digest: Digest) throws -> Study.TranscriptEntry? {
    guard position < entries.count else { return nil }
    let entry = entries[position]
    guard entry.query == digest else { throw Self.otherQuery(entry.index) }
    entries[position] = entry.withoutLongValues
    position += 1
    return entry
  }

  private static func otherQuery(_ index: UInt32) -> StudyError {
    StudyError(
      .transcriptMismatch,
      "result \(index) of the study answers another query than the program asks; the study was"
        + " recorded by another version")
  }
}
