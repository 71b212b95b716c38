import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study
import Transport

/// What happens to a run, one event after the other.
extension SiteRun {
  func handle(_ event: Event) async throws {
    switch event {
    case .connected(let connection):
      self.connection = connection
      connection.forward(plan.id) { [weak self, weak connection] frame in
        guard let self, let connection, frame.kind == Study.MessageKind.secureSum.rawValue
        else { return false }
        receive(frame, over: connection)
        return true
      }
      try await sendPosition()
    case .disconnected:
      connection = nil
    case .frame(let frame):
      guard failure == nil else { return }
      try await take(frame)
    case .reached(let digest):
      try await reached(digest)
    case .answered(_, let digest, let bytes):
      try await answered(digest: digest, bytes: bytes)
    case .deadline:
      guard let deadline, .now >= deadline else { return }
      self.deadline = nil
      try await carryOut(session.deadline())
    case .cancelled:
      throw CancellationError()
    }
  }

  /// The sum query that the program is at.
  var asked: Asked? {
    guard case .sum(let asked, _) = waiting else { return nil }
    return asked
  }

  /// The program has computed its answer to a sum query.
  private func reached(_ digest: Digest) async throws {
    // A result that came first has answered the program already.
    guard failure == nil, case .sum(var asked, let continuation) = waiting,
      asked.digest == digest
    else { return }
    if let outcome = outcomes.removeValue(forKey: digest) { return try await adopt(outcome) }
    let binding = try asked.query.binding(
      digest: digest, in: plan, manifest: setup.manifest.manifest)
    asked.isPosed = true
    waiting = .sum(asked, continuation)
    let companions = asked.query.companions.compactMap { setup.study.sites.firstIndex(of: $0) }
    session.expect(binding, companions: Set(companions.map { UInt16($0 + 1) }))
    let held = heldFrames
    heldFrames = []
    for frame in held { try await take(frame) }
  }

  /// The program has answered a per-site query: sign it and send it.
  private func answered(digest: Digest, bytes: [UInt8]) async throws {
    guard failure == nil, case .answers(digest, _, _) = waiting else { return }
    if let entry = publications.removeValue(forKey: digest) {
      try await adopt(entry)
      return
    }
    let statement = Study.TranscriptEntry.SignedAnswer.statement(
      query: digest, site: site, answer: bytes)
    let message = SiteMessage.siteAnswer(
      .init(
        query: digest, answer: TestFaults.altered(bytes),
        signature: setup.signingKey.signature(for: statement).bytes, reason: ""))
    pendingAnswer = Frame(kind: message.kind.rawValue, study: plan.id, body: message.body)
    try await sendPendingAnswer()
  }

  /// Says how far this site is; the aggregator answers with what is missing.
  private func sendPosition() async throws {
    await trySending(.position(.init(entryCount: UInt32(entries.count), head: head)))
    try await sendPendingAnswer()
  }

  private func sendPendingAnswer() async throws {
    guard let pendingAnswer, let connection else { return }
    do { try await connection.send(pendingAnswer) } catch { log("answer not sent: \(error)") }
  }

  private func trySending(_ message: SiteMessage) async {
    do { try await send(message) } catch { log("message not sent: \(error)") }
  }

  private func take(_ frame: Frame) async throws {
    guard let kind = Study.MessageKind(rawValue: frame.kind) else {
      log("a frame of unknown kind \(frame.kind) was ignored")
      return
    }
    switch kind {
    case .secureSum: try await takeSecureSum(frame)
    case .publishedAnswers:
      guard case .publishedAnswers(let entry) = try AggregatorMessage(kind: kind, body: frame.body)
      else { return }
      try await takePublication(entry)
    case .resynchronise: try await sendPosition()
    default: break
    }
  }

  /// A message of the secure-sum protocol. A RoundOpen that is ahead of the program is kept, with
  /// what follows it, until the program has derived the query itself.
  private func takeSecureSum(_ frame: Frame) async throws {
    TestFaults.beforeMessage(frame.body)
    switch SumMessage.kind(frame.body) {
    case .roundOpen where asked?.isPosed != true:
      heldFrames = [frame]
      return
    case .lock1 where !heldFrames.isEmpty:
      heldFrames.append(frame)
      return
    case .epochOpen, .abort: heldFrames = []
    default: break
    }
    let payload = try frame.payload?.bytes() ?? []
    let actions: [SiteAction]
    do {
      actions = try session.receive(frame.body, payload: payload, entropy: &entropy)
    } catch {
      log("a message of the aggregator was refused: \(error)")
      return await keepEvidence(ofRefusal: error, frame.body)
    }
    await keepEvidence(of: actions, last: Exhibit(message: frame.body, payload: payload))
    try await carryOut(actions)
    armDeadline()
  }

  /// Results of a per-site query: every answer must bear its site's signature.
  private func takePublication(_ entry: Study.TranscriptEntry) async throws {
    guard case .answers(let published) = entry.content, entry.index >= UInt32(entries.count) else {
      return
    }
    for answer in published {
      guard
        let position = setup.study.sites.firstIndex(of: answer.site),
        let signature = try? Signature(answer.signature),
        setup.manifest.manifest.roster[position].key.isValid(
          signature,
          for: Study.TranscriptEntry.SignedAnswer.statement(
            query: entry.query, site: answer.site, answer: answer.answer))
      else {
        throw StudyError(
          .malformedAnswer,
          "the aggregator published an answer of \(answer.site) without that site's signature")
      }
    }
    if case .answers(let digest, _, _) = waiting, digest == entry.query {
      try await adopt(entry)
    } else {
      publications[entry.query] = entry
    }
  }

  // MARK: - Actions of the session

  func carryOut(_ actions: [SiteAction]) async throws {
    var actions = actions[...]
    var records = unwritten
    unwritten = []
    var kept: JournalVector?
    var masked: [UInt8]?
    while let action = actions.popFirst() {
      switch action {
      case .journal(let record):
        // The result's own step has written it already.
        if case .done = record.content, record.round == closedRound { break }
        records.append(record)
      case .keep(let vector, let digest):
        let bytes = vector.bytes
        kept = .init(round: session.lastRound, digest: digest.bytes, bytes: bytes)
        masked = bytes
      case .send(let message):
        keeper.sent(message, round: session.lastRound)
        TestFaults.beforeSending(message)
        enqueue(TestFaults.altered(message: message, key: setup.signingKey), payload: nil)
      case .sendMasked(let message, let vector):
        keeper.sent(message, round: session.lastRound)
        TestFaults.beforeSending(message)
        let bytes = masked ?? vector.bytes
        enqueue(message, payload: Payload(TestFaults.altered(payload: bytes)))
      case .needAnswer:
        guard let asked, asked.isPosed else { break }
        let more = try answer(asked)
        actions = more[...] + actions
      case .keyed(let epoch, let members):
        log("keys of epoch \(epoch) agreed with \(members.count - 1) other sites")
      case .completed(let outcome): try await complete(outcome)
      case .caughtUp(let outcome): try await takeCaughtUp(outcome)
      case .aborted(let round, let fault, _):
        log("round \(round) is over without a result: \(describe(fault))")
      case .halted(let fault, _):
        throw StudyError(
          .implausibleTotal,
          "the aggregator published a sum that is not the sum of the answers"
            + " (\(describe(fault))); this site answers nothing more in this study")
      }
      guard !records.isEmpty, !SumJournal.goesOn(actions.first) else { continue }
      if SumJournal.mayWait(records, next: actions.first) { continue }
      let letsOut = records.contains {
        if case .committed = $0.content { true } else { false }
      }
      let charges = charges(for: records)
      try SumJournal.append(
        records, keeping: kept, charges: charges, letting: letsOut ? asked?.passage : nil,
        through: door)
      if !charges.isEmpty { try await door.ledger.advanceMark() }
      if letsOut { notePassage() }
      records = []
      kept = nil
    }
    unwritten = records
  }

  /// The present query's disclosure is written: another vector for it discloses nothing more.
  private func notePassage() {
    guard case .sum(var asked, let continuation) = waiting else { return }
    asked.passage = nil
    waiting = .sum(asked, continuation)
  }

  private func enqueue(_ message: [UInt8], payload: Payload?) {
    guard let connection else { return }
    do {
      try connection.enqueue(
        Frame(
          kind: Study.MessageKind.secureSum.rawValue, study: plan.id, body: message,
          payload: payload))
    } catch {
      log("a message was not sent: \(error)")
    }
  }

  private func complete(_ outcome: RoundOutcome) async throws {
    if asked?.digest == outcome.binding.queryDigest {
      try await adopt(outcome)
    } else {
      outcomes[outcome.binding.queryDigest] = outcome
    }
  }

  private func takeCaughtUp(_ outcome: RoundOutcome) async throws {
    try await complete(outcome)
  }

  /// A fault with the sites' names in the place of their numbers.
  func describe(_ fault: SecureAggregationError) -> String {
    fault.sentence(reporter: "this site") { index in
      index == 0
        ? "aggregator"
        : Int(index) <= setup.study.sites.count
          ? setup.study.sites[Int(index) - 1] : "site \(index)"
    }
  }

  // MARK: - Results

  private func adopt(_ outcome: RoundOutcome) async throws {
    let participants = outcome.participants.map { setup.study.sites[Int($0) - 1] }
    let total = Total(sum: outcome.sum, participants: participants)
    guard let kind = QueryKind(rawValue: outcome.binding.purpose) else { return }
    let entry = Study.TranscriptEntry(
      index: UInt32(entries.count), query: outcome.binding.queryDigest, kind: kind,
      content: .total(total), round: outcome.round)
    try await append(entry) { stored, store in
      // Paid when the vector left; a site that was counted has paid in any case.
      let isCounted = outcome.participants.contains(setup.index)
      let charge = isCounted ? asked?.charge(study: plan.id, round: outcome.round) : nil
      try SumJournal.close(outcome, entry: stored, charge: charge, store: store)
      if charge != nil { try await door.ledger.advanceMark() }
    }
    closedRound = outcome.round
    if case .sum(_, let continuation) = waiting {
      waiting = nil
      continuation.resume(returning: total)
    }
  }

  private func adopt(_ entry: Study.TranscriptEntry) async throws {
    guard case .answers(let published) = entry.content else { return }
    pendingAnswer = nil
    try await append(entry) { stored, store in
      try await store.appendTranscript(stored, durability: .relaxed)
    }
    if case .answers(_, let query, let continuation) = waiting {
      waiting = nil
      continuation.resume(returning: SiteAnswers(published: published, to: query))
    }
  }

  private func append(
    _ entry: Study.TranscriptEntry,
    writing: (Store.TranscriptEntry, SiteStore) async throws -> Void
  ) async throws {
    guard entry.index == UInt32(entries.count) else {
      throw StudyError(
        .transcriptMismatch,
        "result \(entry.index) was published where this site expects result \(entries.count)")
    }
    let next = entry.head(after: head)
    try await writing(
      SiteTranscript.stored(entry, after: head, head: next, study: plan.id), setup.store)
    entries.append(entry)
    head = next
  }

  /// The aggregator is given three times the round's deadline for its next step; then the round is
  /// burned here.
  private func armDeadline() {
    let end = ContinuousClock.now + .seconds(3 * plan.deadlines.roundSeconds)
    deadline = end
    alarm.set(end)
  }
}
