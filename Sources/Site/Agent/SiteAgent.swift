import Cohort
import Cryptography
import SecureAggregation
import SiteData
import Store
import Study
import Transport

/// The agent that runs beside a hospital's data: it keeps a connection to the aggregator, shows
/// proposed studies to the data steward, and runs those that were approved.
///
/// It only ever dials out, and it goes on for ever: whatever happens to one study or one connection,
/// the others go on.
public actor SiteAgent {
  /// What an agent is made from.
  public struct Setup: Sendable {
    /// The site's name, as in its certificate.
    public var site: String
    public var legalEntity: String
    public var signingKey: SigningKey
    /// The aggregator's protocol key, pinned when the site joined.
    public var aggregatorKey: VerifyingKey
    public var policy: SitePolicy
    public var store: SiteStore
    /// Builds the site's cohort for a study; reads the hospital's file or records.
    public var loadCohort: @Sendable (StudyPlan) async throws -> CohortTable
    public var log: @Sendable (String) -> Void
    /// How often a decision made with the command line is looked for.
    public var pollInterval: Duration = .milliseconds(250)

    public init(
      site: String, legalEntity: String, signingKey: SigningKey, aggregatorKey: VerifyingKey,
      policy: SitePolicy, store: SiteStore,
      loadCohort: @escaping @Sendable (StudyPlan) async throws -> CohortTable,
      log: @escaping @Sendable (String) -> Void
    ) {
      self.site = site
      self.legalEntity = legalEntity
      self.signingKey = signingKey
      self.aggregatorKey = aggregatorKey
      self.policy = policy
      self.store = store
      self.loadCohort = loadCohort
      self.log = log
    }
  }

  let setup: Setup
  var store: SiteStore { setup.store }
  private var connection: (any SiteConnection)?
  private var runs: [String: SiteRun] = [:]
  /// Studies whose run is being made.
  private var starting: Set<String> = []
  private var tasks: [String: Task<Void, Never>] = [:]
  /// Decisions that the aggregator has been told on this connection.
  private var told: Set<String> = []
  /// The ledger's head that the aggregator has been told on this connection.
  private var toldHead: UInt64?
  /// The store's version at which that was last looked at.
  private var toldVersion: Int64?

  public init(_ setup: Setup) {
    self.setup = setup
  }

  /// Takes up the studies that were running when the agent stopped, then watches for decisions until
  /// it is cancelled.
  public func run() async {
    await resumeStudies()
    while !Task.isCancelled {
      await lookForDecisions()
      await tellLedgerHead()
      try? await Task.sleep(for: setup.pollInterval)
    }
    for task in tasks.values { task.cancel() }
    await scrub()
  }

  /// What the rounds' secrets left in the store's write-ahead log goes.
  private func scrub() async {
    do { try await store.scrub() } catch { setup.log("the store could not be scrubbed: \(error)") }
  }

  /// Serves one connection until it ends. Called by the connection loop.
  public func serve(_ connection: any SiteConnection) async throws {
    self.connection = connection
    told = []
    toldHead = nil
    for run in runs.values { run.connected(connection) }
    await tellDecisions()
    defer {
      if self.connection === connection { self.connection = nil }
      for run in runs.values { run.disconnected() }
    }
    while let frame = try await connection.frames.next() {
      await take(frame, from: connection)
    }
  }

  /// Closes the present connection; the next one is made at once, with new certificate files.
  public func reconnect() { connection?.close() }

  private func take(_ frame: Frame, from connection: any SiteConnection) async {
    if let run = runs[frame.study], frame.kind != Study.MessageKind.ended.rawValue {
      run.receive(frame, over: connection)
      return
    }
    do {
      guard let kind = Study.MessageKind(rawValue: frame.kind) else { return }
      switch try AggregatorMessage(kind: kind, body: frame.body) {
      case .proposal(let proposal): try await take(proposal)
      case .manifest(let offer): try await sign(offer, study: frame.study, over: connection)
      case .signedManifest(let bytes): begin(frame.study, manifest: bytes)
      case .ended(let ending): await end(frame.study, ending)
      case .ledgerKnown(let head): try await remember(head)
      case .publishedAnswers, .resynchronise: break
      }
    } catch {
      setup.log("study \(frame.study): \(error)")
      await tell(.studyFault(PublicReason.of(error)), study: frame.study)
    }
  }

  func tell(_ message: SiteMessage, study: String) async {
    guard let connection else { return }
    do {
      try await connection.send(
        Frame(kind: message.kind.rawValue, study: study, body: message.body))
    } catch {
      setup.log("study \(study): a message was not sent: \(error)")
    }
  }

  // MARK: - The ledger's head

  private var ledger: PrivacyLedger {
    PrivacyLedger(store: store, budget: setup.policy.privacy)
  }

  /// Leaves with the aggregator how far the privacy ledger reaches, so that this site can be reminded of
  /// it after a restored backup.
  private func tellLedgerHead() async {
    guard connection != nil else { return }
    do {
      guard try await store.ledgerMark().map({ UInt64(clamping: $0.sequence) }) != toldHead,
        let head = try await ledger.signedHead(site: setup.site, key: setup.signingKey)
      else { return }
      toldHead = head.sequence
      await tell(.ledgerHead(head), study: "")
    } catch {
      setup.log("the privacy ledger cannot be read: \(error)")
    }
  }

  /// The aggregator says how far this site said its ledger reached.
  private func remember(_ head: SignedLedgerHead) async throws {
    guard head.isSigned(by: setup.signingKey.verifyingKey, site: setup.site) else {
      return setup.log("the aggregator gave back a ledger head that this site did not sign")
    }
    try await ledger.require(
      LedgerMark(sequence: Int64(clamping: head.sequence), digest: head.digest.bytes))
  }

  // MARK: - From proposal to decision

  private func take(_ proposal: AggregatorMessage.Proposal) async throws {
    let plan = try StudyPlan(yaml: proposal.studyText, file: "study.yaml")
    try await store.propose(
      id: plan.id, name: plan.title, planText: proposal.studyText, planDigest: plan.digest.bytes,
      proposer: proposal.researcher)
    guard let stored = try await store.study(plan.id), stored.status == .proposed,
      setup.policy.autoApprove
    else { return }
    let objections = try await setup.policy.objections(to: plan) + ledger.objections(to: plan)
    try await store.decide(
      plan.id, planDigest: plan.digest.bytes, approved: objections.isEmpty, by: "policy",
      reason: objections.isEmpty ? "auto_approve" : objections.joined(separator: "; "))
    await tellDecisions()
  }

  /// Tells decisions that were made with the command line, which is another process.
  private func lookForDecisions() async {
    guard connection != nil, let version = try? await store.dataVersion(), version != toldVersion
    else { return }
    toldVersion = version
    await tellDecisions()
  }

  /// Tells the aggregator every decision it has not heard on this connection.
  private func tellDecisions() async {
    guard connection != nil else { return }
    do {
      for stored in try await store.studies() where !told.contains(stored.id) {
        do { try await tellDecision(on: stored) } catch {
          setup.log("study \(stored.id): its plan cannot be read: \(error)")
        }
      }
    } catch {
      setup.log("decisions could not be read: \(error)")
    }
  }

  private func tellDecision(on stored: SiteStudy) async throws {
    let approved: Bool
    switch stored.status {
    case .approved, .running: approved = true
    case .refused: approved = false
    case .proposed, .finished, .failed: return
    }
    told.insert(stored.id)
    let plan = try StudyPlan(yaml: stored.planText, file: "study.yaml")
    await tell(
      .decision(
        .init(
          plan: plan.digest, approved: approved,
          reason: PublicReason.shortened(stored.reason ?? ""),
          disclosures: setup.policy.allowedDisclosures(of: plan),
          minimumSites: setup.policy.minimumSites)), study: stored.id)
  }

  // MARK: - From decision to run

  /// Checks the roster that the aggregator made of everybody's decisions, and signs it.
  private func sign(
    _ offer: AggregatorMessage.ManifestOffer, study: String, over connection: any SiteConnection
  ) async throws {
    let manifest = try Manifest(offer.manifest)
    let agreed = try await agreement(manifest, study: study, disclosures: Set(offer.disclosures))
    try await store.set(
      Self.disclosuresKey(study),
      to: agreed.disclosures.map(\.rawValue).sorted().joined(separator: ","))
    let signature = SignedManifest.signature(on: manifest, by: setup.signingKey)
    try await connection.send(
      Frame(
        kind: Study.MessageKind.manifestSignature.rawValue, study: study,
        body: SiteMessage.manifestSignature(signature.bytes).body))
  }

  /// The agreed study of a manifest; throws unless it says exactly what this site approved.
  private func agreement(
    _ manifest: Manifest, study: String, disclosures: Set<Study.Disclosure>
  ) async throws -> AgreedStudy {
    guard let stored = try await store.study(study), stored.status.mayAnswer else {
      throw StudyError(.refusedByPolicy, "this site has not approved the study \(study)")
    }
    let plan = try StudyPlan(yaml: stored.planText, file: "study.yaml")
    let allowed = Set(setup.policy.allowedDisclosures(of: plan))
    guard disclosures.isSubset(of: allowed) else {
      throw StudyError(
        .refusedByPolicy, "the study was agreed with a disclosure that this site does not allow")
    }
    // The policy may have become stricter since the study was approved.
    let objections = setup.policy.objections(to: plan)
    guard objections.isEmpty else {
      throw StudyError(.refusedByPolicy, objections.joined(separator: "; "))
    }
    let agreed = AgreedStudy(
      plan: plan, sites: manifest.roster.map(\.siteName), disclosures: disclosures)
    let expected = try agreed.manifest(
      aggregatorName: manifest.aggregatorName, aggregatorKey: setup.aggregatorKey,
      roster: manifest.roster, minimumSites: manifest.minimumSites)
    guard manifest.digest == expected.digest,
      manifest.minimumSites >= max(3, setup.policy.minimumSites, plan.privacy.minimumSites)
    else {
      throw StudyError(
        .invalidPlan,
        "the study's manifest is not what this site approved: another plan, program version,"
          + " aggregator key, number of sites or rule of the protocol")
    }
    try await meet(manifest.roster, of: study)
    return agreed
  }

  /// Refuses members whom the policy does not name, and those who come with another key than before.
  private func meet(_ roster: [Manifest.Member], of study: String) async throws {
    let others = roster.filter { $0.siteName != setup.site }
    if let members = setup.policy.members,
      let stranger = others.first(where: { !members.contains($0.siteName) })
    {
      throw StudyError(
        .refusedByPolicy,
        "the roster names \(stranger.siteName), and this site's policy takes part with the members that"
          + " it lists only")
    }
    let changed = try await store.meet(
      others.map {
        KnownMember(name: $0.siteName, legalEntity: $0.legalEntity, key: $0.key.bytes)
      }, study: study)
    if let changed {
      throw StudyError(
        .refusedByPolicy,
        "\(changed) comes with another key or legal entity than in an earlier study; if it joined anew,"
          + " this site's operator confirms that with `wardround site members --forget \(changed)`")
    }
  }

  /// The digest of this site's own result, when it has finished the study.
  private func result(of study: String) async throws -> Digest? {
    guard try await store.study(study)?.status == .finished,
      let hex = try await store.setting(Self.resultKey(study)),
      let bytes = Hexadecimal.decode(hex)
    else { return nil }
    return try Digest(bytes)
  }

  private static func resultKey(_ study: String) -> String { "result/\(study)" }
  private static func disclosuresKey(_ study: String) -> String { "disclosures/\(study)" }

  /// Takes up a study whose manifest everybody signed, beside everything else that goes on: reading
  /// a hospital's file can take minutes.
  private func begin(_ study: String, manifest: [UInt8]) {
    // Taken before anything is awaited: the manifest also comes with every new connection.
    guard runs[study] == nil, starting.insert(study).inserted else { return }
    tasks[study] = Task {
      do {
        try await start(study, manifest: manifest)
      } catch {
        setup.log("study \(study): cannot be taken up: \(error)")
        await tell(.studyFault(PublicReason.of(error)), study: study)
      }
      starting.remove(study)
    }
  }

  private func start(_ study: String, manifest bytes: [UInt8]) async throws {
    if let digest = try await result(of: study) {
      // This site is done; the aggregator has not heard it, or was restarted since.
      return await tell(.finished(digest), study: study)
    }
    let manifest = try SignedManifest(bytes)
    let names = try await store.setting(Self.disclosuresKey(study)) ?? ""
    let disclosures = Set(
      names.split(separator: ",").compactMap { Study.Disclosure(rawValue: String($0)) })
    let agreed = try await agreement(manifest.manifest, study: study, disclosures: disclosures)
    guard let position = agreed.sites.firstIndex(of: setup.site) else {
      throw StudyError(.invalidPlan, "this site is not in the study's roster")
    }
    let cohort = try await setup.loadCohort(agreed.plan)
    // Reading can take hours; the study may have been withdrawn or ended meanwhile.
    guard let stored = try await store.study(study), stored.status.mayAnswer else {
      return setup.log("study \(study): ended while its data were read")
    }
    try await refuseNearRepetition(of: agreed, fingerprint: cohort.fingerprint)
    try await store.storeManifest(bytes, study: study)
    try await store.setStatus(study, to: .running)
    let log = setup.log
    let run = try await SiteRun.open(
      .init(
        study: agreed, manifest: manifest, index: UInt16(position + 1),
        signingKey: setup.signingKey, policy: setup.policy, store: store, cohort: cohort),
      log: { log("study \(study): \($0)") })
    runs[study] = run
    if let connection { run.connected(connection) }
    tasks[study] = Task { await self.carryThrough(run, study: study) }
  }

  /// Without noise the same question over other patients, or over one or two hospitals more or fewer, is
  /// not answered: the difference of the two results would be about them (PRIVACY-CORE §2.7).
  private func refuseNearRepetition(of agreed: AgreedStudy, fingerprint: Digest) async throws {
    guard agreed.plan.privacy.goal == nil, !setup.policy.allowsNearRepetition else { return }
    let earlier = try await store.takeUp(
      ExactStudy(
        study: agreed.plan.id, question: agreed.plan.questionDigest.bytes,
        fingerprint: fingerprint.bytes, sites: agreed.sites), floor: 3)
    guard let earlier else { return }
    throw StudyError(
      .refusedByPolicy,
      "the study \(earlier) asked this site the same without noise, over other patients or over one or"
        + " two hospitals more or fewer; the difference could be one patient or one hospital. Give the"
        + " study an `epsilon`, or let the site allow it with `policy: near_repetition: true`")
  }

  private func carryThrough(_ run: SiteRun, study: String) async {
    do {
      let result = try await run.run()
      setup.log("study \(study): finished, result \(result.digest.hex.prefix(16))…")
      try await store.set(Self.resultKey(study), to: result.digest.hex)
      try await store.setStatus(
        study, to: .finished, reason: result.preparation.map { "transform \($0)" })
    } catch is CancellationError {
      return
    } catch {
      setup.log("study \(study): stopped: \(error)")
      try? await store.setStatus(study, to: .failed, reason: String(describing: error))
    }
    runs[study] = nil
    tasks[study] = nil
    await scrub()
  }

  /// The aggregator has closed a study. A run that is not done by then never will be: the rounds it
  /// misses are over.
  private func end(_ study: String, _ ending: AggregatorMessage.Ending) async {
    setup.log("study \(study): the aggregator says: \(ending.message)")
    if let run = runs[study] {
      let reason =
        ending.succeeded
        ? "the study was finished while this site was away; it took no part in the last steps"
        : ending.message
      return await run.fail(StudyError(.tooFew, reason))
    }
    guard let status = try? await store.study(study)?.status, status.mayAnswer else { return }
    try? await store.setStatus(study, to: .failed, reason: ending.message)
  }

  /// Starts again what was running when the agent stopped.
  private func resumeStudies() async {
    do {
      for stored in try await store.studies(status: .running) {
        guard let manifest = stored.manifest else { continue }
        begin(stored.id, manifest: manifest)
      }
    } catch {
      setup.log("the store cannot be read: \(error)")
    }
  }
}
