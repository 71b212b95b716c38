import Cryptography
import Foundation
import Reports
import SecureAggregation
import Store
import Study
import Transport

/// Running a study whose manifest is signed, and what is left of it afterwards.
extension StudyBoard {
  /// How long sites are given to report their own results before the study is closed.
  private static let closingSeconds = 10.0

  /// Called once per study, by whoever took its last step.
  func start(_ id: String, _ signed: SignedManifest) async throws {
    guard let study = open[id] else { return }
    let agreed = study.agreement(over: signed.manifest.roster.map(\.siteName))
    guard agreed.digest == signed.manifest.programDigest else {
      throw StudyError(
        .invalidPlan, "the signed manifest belongs to another plan or program version")
    }
    try await store.setStatus(id, to: .running)
    let log = setup.log
    let run = try await StudyRun.open(
      .init(
        study: agreed, manifest: signed, signingKey: setup.signingKey, store: store,
        longestEpoch: setup.longestEpoch),
      log: { log("study \(id): \($0)") },
      onProgress: { [weak self] progress in
        await self?.note(id, progress.stage, progress.detail, progress.fraction)
      })
    open[id]?.signed = signed
    open[id]?.run = run
    for site in agreed.sites {
      if let connection = connections[site] { run.connected(site: site, connection) }
    }
    tasks[id] = Task { await self.carryThrough(id, agreed, run) }
  }

  private func carryThrough(_ id: String, _ agreed: AgreedStudy, _ run: StudyRun) async {
    do {
      let result = try await run.run()
      await awaitSites(id, agreed, run, result.digest)
      try await keep(result, of: id, agreed, run)
      try await store.setStatus(id, to: .finished)
      await note(id, "finished", "the report is ready", 1)
      close(id, agreed, .init(succeeded: true, message: "the study is finished"))
    } catch is CancellationError {
      return
    } catch let error as StoreError where error.isOfTheMachine {
      interrupt(id, error)
    } catch {
      await fail(id, String(describing: error))
    }
  }

  /// Waits for the sites' own results and says where they differ.
  private func awaitSites(
    _ id: String, _ agreed: AgreedStudy, _ run: StudyRun, _ digest: Digest
  ) async {
    let end = ContinuousClock.now + .seconds(Self.closingSeconds)
    while ContinuousClock.now < end {
      var isComplete = true
      for site in agreed.sites where connections[site] != nil && finished[id]?[site] == nil {
        if await run.isTakingPart(site) { isComplete = false }
      }
      if isComplete { break }
      try? await Task.sleep(for: .milliseconds(20))
    }
    for (site, own) in finished[id] ?? [:] where own != digest {
      await note(id, "warning", "\(site) computed another result than the aggregator", 1)
      setup.log("study \(id): \(site) computed another result: \(own.hex)")
    }
  }

  private func close(_ id: String, _ agreed: AgreedStudy, _ ending: AggregatorMessage.Ending) {
    for site in agreed.sites { enqueue(.ended(ending), study: id, to: site) }
    forget(id)
  }

  /// Records an event of a study for whoever watches.
  func note(_ id: String, _ stage: String, _ text: String, _ fraction: Double) async {
    do {
      _ = try await store.recordProgress(
        .init(study: id, stage: stage, fraction: fraction, text: text))
    } catch {
      setup.log("study \(id): progress could not be stored: \(error)")
    }
  }

  // MARK: - Artefacts

  /// Writes report, JSON twin, model files and transcript, each in one step.
  private func keep(
    _ result: StudyResult, of id: String, _ agreed: AgreedStudy, _ run: StudyRun
  ) async throws {
    guard let study = open[id] else { return }
    let transcript = Transcript(
      studyText: study.text, sites: agreed.sites,
      disclosures: agreed.disclosures.sorted { $0.rawValue < $1.rawValue },
      manifest: study.signed?.bytes ?? [], entries: try await run.storedEntries(),
      result: result.digest)
    let head = await run.heads.last ?? .zero
    let files = try StudyFiles(
      result: result, plan: agreed.plan, transcript: transcript, head: head,
      absences: absences(study, agreed))
    let folder = "\(setup.studiesFolder)/\(id)"
    try Self.writing(folder) {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    }
    for file in files.all {
      let path = "\(folder)/\(file.name)"
      try Self.writing(path) {
        try Data(file.bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
      }
      try await store.storeArtefact(
        .init(
          study: id, name: file.name, mediaType: file.mediaType, content: .file(path: path),
          digest: Blake2b.hash("wr.artefact", file.bytes).bytes))
    }
  }

  /// A file that cannot be written is a failure of the machine, like a database that cannot be.
  private static func writing(_ path: String, _ body: () throws -> Void) throws(StoreError) {
    do { try body() } catch {
      let code: StoreError.Code =
        switch (error as? CocoaError)?.code {
        case .fileWriteOutOfSpace: .diskFull
        case .fileWriteNoPermission, .fileWriteVolumeReadOnly: .readOnly
        default: .inputOutput
        }
      throw StoreError(code, file: path, operation: "write a study's files")
    }
  }

  private func absences(_ study: Open, _ agreed: AgreedStudy) -> [String: String] {
    var absences: [String: String] = [:]
    for site in study.invited where !agreed.sites.contains(site) {
      absences[site] = "refused: \(study.decisions[site]?.reason ?? "")"
    }
    return absences
  }

  // MARK: - Watching

  /// Sends every event of a study from its first, and returns after the last. The last one says how the
  /// study ended (`finished`, `failed`), or why it goes no further in this process (`stopped`).
  public func watch(
    _ id: String, _ onEvent: @Sendable (Store.ProgressEvent, _ isLast: Bool) async throws -> Void
  ) async throws {
    guard try await store.study(id) != nil else {
      throw StudyError(.invalidPlan, "there is no study `\(id)`")
    }
    var last: Int64 = 0
    while true {
      // Looked at first: what a closed study had to say is in the store.
      let isOpen = open[id] != nil
      let interruption = interruptions[id]
      let events: [Store.ProgressEvent]
      do {
        events = try await store.progress(study: id, after: last)
      } catch {
        guard interruption != nil else { throw error }
        events = []
      }
      for event in events {
        last = event.id
        let isLast = event.stage == "finished" || event.stage == "failed"
        try await onEvent(event, isLast)
        if isLast, open[id] == nil { return }
      }
      if events.isEmpty, let interruption {
        return try await onEvent(Self.stopped(id, interruption), true)
      }
      if events.isEmpty, !isOpen { return try await onEvent(ending(of: id), true) }
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  /// How a study ended whose last event was not stored.
  private func ending(of id: String) async throws -> Store.ProgressEvent {
    guard let study = try await store.study(id) else {
      return Self.stopped(id, "the study is not known here")
    }
    switch study.status {
    case .finished: return Self.last(id, "finished", "the report is ready")
    case .failed, .cancelled:
      return Self.last(id, "failed", study.error ?? study.status.rawValue)
    case .proposed, .running:
      return Self.stopped(
        id, "\(setup.aggregatorName) has not taken the study up; its operator finds why in its log")
    }
  }

  private static func stopped(_ id: String, _ text: String) -> Store.ProgressEvent {
    last(id, "stopped", text)
  }

  private static func last(_ id: String, _ stage: String, _ text: String) -> Store.ProgressEvent {
    .init(study: id, stage: stage, fraction: nil, text: text)
  }
}
