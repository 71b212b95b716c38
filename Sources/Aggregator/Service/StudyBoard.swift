import Cryptography
import SecureAggregation
import Store
import Study
import Transport

/// All studies of a network: from a researcher's proposal over the hospitals' decisions to the run
/// and its report.
///
/// What has been decided is in the store, so a restarted aggregator goes on where it stopped.
public actor StudyBoard {
  /// What a board is made from.
  public struct Setup: Sendable {
    public var store: AggregatorStore
    /// Name in manifests.
    public var aggregatorName: String
    public var signingKey: SigningKey
    /// Folder below which each study's files are written.
    public var studiesFolder: String
    /// Legal entity and protocol key of a member site; throws for one that is not.
    public var member: @Sendable (String) async throws -> (legalEntity: String, key: VerifyingKey)
    /// See `StudyRun.Setup`.
    public var longestEpoch: Duration
    public var log: @Sendable (String) -> Void

    public init(
      store: AggregatorStore, aggregatorName: String, signingKey: SigningKey,
      studiesFolder: String,
      member:
        @escaping @Sendable (String) async throws -> (
          legalEntity: String, key: VerifyingKey
        ),
      longestEpoch: Duration = .seconds(86_400),
      log: @escaping @Sendable (String) -> Void
    ) {
      self.store = store
      self.aggregatorName = aggregatorName
      self.signingKey = signingKey
      self.studiesFolder = studiesFolder
      self.member = member
      self.longestEpoch = longestEpoch
      self.log = log
    }
  }

  /// A study that has not ended.
  struct Open {
    /// How far it is. A step is taken before anything is awaited, so that what arrives meanwhile does
    /// not take it again.
    enum Step: Comparable {
      case deciding, agreeing, running
    }

    var step = Step.deciding
    var plan: StudyPlan
    var text: String
    var researcher: String
    /// Sites that were asked.
    var invited: [String]
    var decisions: [String: SiteMessage.Decision] = [:]
    var offer: (manifest: Manifest, agreed: AgreedStudy)?
    var signatures: [String: Signature] = [:]
    var signed: SignedManifest?
    var run: StudyRun?

    /// Whether a site has a say in the study: it was asked, and is not left out by its own refusal.
    func concerns(_ site: String) -> Bool {
      if let signed { return signed.manifest.roster.contains { $0.siteName == site } }
      return invited.contains(site) && (step == .deciding || decisions[site]?.approved == true)
    }

    /// The study as these sites agree to run it: with the disclosures that all of them allow.
    func agreement(over sites: [String]) -> AgreedStudy {
      let disclosures = sites.reduce(plan.validation.disclosures) { common, site in
        common.intersection(decisions[site]?.disclosures ?? [])
      }
      return AgreedStudy(plan: plan, sites: sites, disclosures: disclosures)
    }
  }

  let setup: Setup
  var store: AggregatorStore { setup.store }
  var open: [String: Open] = [:]
  var connections: [String: any SiteConnection] = [:]
  var tasks: [String: Task<Void, Never>] = [:]
  /// Results that sites reported at the end of their own runs, per study.
  var finished: [String: [String: Digest]] = [:]
  /// Studies that this process has stopped because of its own machine, with who and why: nothing final
  /// is said about them, and the next start takes them up.
  var interruptions: [String: String] = [:]

  public init(_ setup: Setup) {
    self.setup = setup
  }

  /// Takes up what was open when the aggregator stopped.
  public func resume() async {
    do {
      for stored in try await store.studies() {
        guard stored.status == .proposed || stored.status == .running else { continue }
        do { try await resume(stored) } catch let error as StoreError where error.isOfTheMachine {
          interrupt(stored.id, error)
        } catch {
          setup.log("study \(stored.id) cannot be taken up again: \(error)")
          let reason = "cannot be taken up again: \(error)"
          try? await store.setStatus(stored.id, to: .failed, error: reason)
          await note(stored.id, "failed", reason, 1)
        }
      }
    } catch {
      setup.log("the store cannot be read: \(error)")
    }
  }

  /// Ends all runs; they go on after the next start.
  public func stop() {
    for task in tasks.values { task.cancel() }
  }

  // MARK: - Proposals

  /// Takes a researcher's study file and asks the sites. Returns the study's id.
  ///
  /// Throws a `YAMLProblem` for a file that is not a plan, and `StudyError` when the id is taken or
  /// there are too few sites.
  public func propose(
    _ text: String, researcher: String, sites: [String]
  ) async throws -> String {
    let plan = try StudyPlan(yaml: text, file: "study.yaml")
    let invited = sites.sorted()
    guard invited.count >= max(3, plan.privacy.minimumSites) else {
      throw StudyError(
        .tooFew,
        "\(invited.count) sites would be asked, and the study needs at least"
          + " \(max(3, plan.privacy.minimumSites)); invite more sites first")
    }
    let outcome = try await store.propose(
      id: plan.id, name: plan.title, yaml: text, planDigest: plan.digest.bytes,
      proposer: researcher)
    guard outcome != .alreadyThere else {
      let status = try await store.study(plan.id)?.status
      guard status == .proposed || status == .running else {
        throw StudyError(
          .invalidPlan,
          "the study `\(plan.id)` has ended (\(status.map(\.rawValue) ?? "unknown")); to run it again,"
            + " give `study:` another name")
      }
      return plan.id
    }
    open[plan.id] = Open(plan: plan, text: text, researcher: researcher, invited: invited)
    try await store.storeArtefact(
      .init(
        study: plan.id, name: "invited", mediaType: "text/plain",
        content: .bytes(Array(invited.joined(separator: "\n").utf8)), digest: []))
    await note(plan.id, "propose", "asking \(invited.joined(separator: ", "))", 0)
    for site in invited { propose(plan.id, to: site) }
    return plan.id
  }

  private func resume(_ stored: AggregatorStudy) async throws {
    let plan = try StudyPlan(yaml: stored.yaml, file: "study.yaml")
    guard let artefact = try await store.artefact(study: plan.id, name: "invited"),
      case .bytes(let bytes) = artefact.content
    else { throw StudyError(.invalidPlan, "the list of sites that were asked is missing") }
    let invited = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    var study = Open(
      plan: plan, text: stored.yaml, researcher: stored.proposer, invited: invited)
    for approval in try await store.approvals(study: plan.id) {
      guard
        case .decision(let decision) = try SiteMessage(
          kind: .decision, body: approval.signedDecision)
      else { continue }
      study.decisions[approval.site] = decision
    }
    open[plan.id] = study
    if let bytes = stored.manifest {
      let signed = try SignedManifest(bytes)
      open[plan.id]?.step = .running
      try await start(plan.id, signed)
    } else {
      try await offerIfDecided(plan.id)
    }
  }

  private func propose(_ id: String, to site: String) {
    guard let study = open[id] else { return }
    enqueue(
      .proposal(
        .init(studyText: study.text, researcher: study.researcher, sites: study.invited)),
      study: id, to: site)
  }

  func enqueue(_ message: AggregatorMessage, study: String, to site: String) {
    guard let connection = connections[site] else { return }
    do {
      try connection.enqueue(
        Frame(kind: message.kind.rawValue, study: study, body: message.body))
    } catch {
      setup.log("\(site): not sent: \(error)")
    }
  }

  // MARK: - Connections

  /// Serves a site's connection until it ends.
  public func serve(_ connection: any SiteConnection) async {
    let site = connection.peer.name.text
    connections[site] = connection
    setup.log("\(site) is connected")
    try? await store.markSeen(site)
    await remind(site)
    for (id, study) in open where study.invited.contains(site) { greet(site, id, study) }
    do {
      while let frame = try await connection.frames.next() {
        await take(frame, from: site, over: connection)
      }
      setup.log("\(site) has closed its connection")
    } catch {
      setup.log("\(site) is gone: \(error)")
    }
    // A newer connection of the site may have taken its place meanwhile.
    if connections[site] === connection { connections[site] = nil }
    for study in open.values { study.run?.disconnected(site: site, connection) }
  }

  /// Gives a site that has just connected the ledger head it left here: after a restored backup it has
  /// forgotten it.
  private func remind(_ site: String) async {
    do {
      guard let known = try await store.ledgerHead(of: site) else { return }
      enqueue(
        .ledgerKnown(
          .init(
            sequence: known.sequence, digest: try Digest(known.digest),
            signature: known.signature)), study: "", to: site)
    } catch {
      setup.log("\(site): its ledger head cannot be read: \(error)")
    }
  }

  private func keepLedgerHead(_ frame: Frame, of site: String) async {
    do {
      guard case .ledgerHead(let head) = try SiteMessage(kind: .ledgerHead, body: frame.body)
      else { return }
      try await store.keep(
        StoredLedgerHead(
          site: site, sequence: head.sequence, digest: head.digest.bytes,
          signature: head.signature))
    } catch {
      setup.log("\(site): its ledger head was refused: \(error)")
    }
  }

  /// Tells a site that has just connected what it may have missed.
  private func greet(_ site: String, _ id: String, _ study: Open) {
    if let signed = study.signed {
      guard signed.manifest.roster.contains(where: { $0.siteName == site }) else { return }
      enqueue(.signedManifest(signed.bytes), study: id, to: site)
      if let run = study.run, let connection = connections[site] {
        run.connected(site: site, connection)
      }
    } else if let offer = study.offer {
      offerManifest(id, offer, to: site)
    } else if study.decisions[site] == nil {
      propose(id, to: site)
    }
  }

  private func take(
    _ frame: Frame, from site: String, over connection: any SiteConnection
  ) async {
    if frame.kind == Study.MessageKind.ledgerHead.rawValue {
      return await keepLedgerHead(frame, of: site)
    }
    guard let study = open[frame.study] else {
      return await sayHowItEnded(frame, to: site)
    }
    guard interruptions[frame.study] == nil else { return }
    guard study.concerns(site) else {
      return setup.log("\(site): a message about \(frame.study), which it takes no part in")
    }
    do {
      switch Study.MessageKind(rawValue: frame.kind) {
      case .decision:
        guard case .decision(let decision) = try SiteMessage(kind: .decision, body: frame.body)
        else { return }
        try await take(decision, body: frame.body, study: frame.study, from: site)
      case .manifestSignature:
        guard
          case .manifestSignature(let bytes) = try SiteMessage(
            kind: .manifestSignature, body: frame.body)
        else { return }
        try await take(signature: Signature(bytes), study: frame.study, from: site)
      case .finished:
        if case .finished(let digest) = try SiteMessage(kind: .finished, body: frame.body) {
          finished[frame.study, default: [:]][site] = digest
        }
      case .studyFault where study.run == nil:
        if case .studyFault(let reason) = try SiteMessage(kind: .studyFault, body: frame.body) {
          await fail(frame.study, "\(site) cannot take part: \(reason)")
        }
      default:
        study.run?.receive(frame, from: site, over: connection)
      }
    } catch let error as StoreError where error.isOfTheMachine {
      interrupt(frame.study, error)
    } catch {
      setup.log("\(site): a message about \(frame.study) was refused: \(error)")
    }
  }

  // MARK: - Decisions and the manifest

  private func take(
    _ decision: SiteMessage.Decision, body: [UInt8], study id: String, from site: String
  ) async throws {
    guard let study = open[id], study.step == .deciding else { return }
    guard decision.plan == study.plan.digest else {
      return await fail(
        id, "\(site) decided about another plan (its agent or the study file differs)")
    }
    guard study.decisions[site] != decision else { return }
    open[id]?.decisions[site] = decision
    let waiting = study.invited.filter { $0 != site && study.decisions[$0] == nil }
    try await store.recordApproval(
      .init(study: id, site: site, approved: decision.approved, signedDecision: body))
    await note(
      id, "approve",
      "\(site) \(decision.approved ? "approved" : "refused")"
        + (waiting.isEmpty ? "" : "; waiting for \(waiting.joined(separator: ", "))"), 0)
    try await offerIfDecided(id)
  }

  /// When everybody has decided: makes the manifest of those who approved and asks for signatures.
  private func offerIfDecided(_ id: String) async throws {
    guard let study = open[id], study.step == .deciding,
      study.invited.allSatisfy({ study.decisions[$0] != nil })
    else { return }
    open[id]?.step = .agreeing
    do { try await offer(id, study) } catch let error as StoreError where error.isOfTheMachine {
      interrupt(id, error)
    } catch {
      await fail(id, "the sites' decisions do not make a study: \(error)")
    }
  }

  private func offer(_ id: String, _ study: Open) async throws {
    let approving = study.invited.filter { study.decisions[$0]?.approved == true }
    let refusing = study.invited.filter { study.decisions[$0]?.approved == false }
    let needed = max(3, study.plan.privacy.minimumSites)
    guard approving.count >= needed else {
      let reasons = refusing.map { "\($0): \(study.decisions[$0]?.reason ?? "")" }
      return await fail(
        id,
        "\(approving.count) sites approved and \(needed) are needed; refused by"
          + " \(reasons.joined(separator: "; "))")
    }
    let decisions = approving.compactMap { study.decisions[$0] }
    let agreed = study.agreement(over: approving)
    var roster: [Manifest.Member] = []
    for site in approving {
      let member = try await setup.member(site)
      roster.append(.init(siteName: site, legalEntity: member.legalEntity, key: member.key))
    }
    let manifest = try agreed.manifest(
      aggregatorName: setup.aggregatorName, aggregatorKey: setup.signingKey.verifyingKey,
      roster: roster, minimumSites: decisions.map(\.minimumSites).reduce(needed, max))
    open[id]?.offer = (manifest, agreed)
    await note(id, "approve", "all sites have decided; agreeing the manifest", 0)
    for site in approving { offerManifest(id, (manifest, agreed), to: site) }
  }

  private func offerManifest(
    _ id: String, _ offer: (manifest: Manifest, agreed: AgreedStudy), to site: String
  ) {
    enqueue(
      .manifest(
        .init(
          manifest: offer.manifest.bytes,
          disclosures: offer.agreed.disclosures.sorted { $0.rawValue < $1.rawValue })),
      study: id, to: site)
  }

  private func take(signature: Signature, study id: String, from site: String) async throws {
    guard let study = open[id], let offer = study.offer, study.step == .agreeing,
      let member = offer.manifest.roster.first(where: { $0.siteName == site })
    else { return }
    guard member.key.isValid(signature, for: offer.manifest.digest.bytes) else {
      return await fail(id, "\(site) signed the manifest with another key than it joined with")
    }
    open[id]?.signatures[site] = signature
    let signatures = offer.agreed.sites.compactMap { open[id]?.signatures[$0] }
    guard signatures.count == offer.agreed.sites.count else { return }
    open[id]?.step = .running
    let signed: SignedManifest
    do {
      signed = try SignedManifest(offer.manifest, signatures: signatures)
      try await store.storeManifest(signed.bytes, study: id)
      try await start(id, signed)
    } catch let error as StoreError where error.isOfTheMachine {
      return interrupt(id, error)
    } catch {
      return await fail(id, "the study could not be started: \(error)")
    }
    for site in offer.agreed.sites where connections[site] != nil {
      enqueue(.signedManifest(signed.bytes), study: id, to: site)
    }
  }
}
