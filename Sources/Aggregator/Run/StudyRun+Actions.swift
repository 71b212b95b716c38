import CanonicalBytes
import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study
import Transport

/// Carrying out what the session asks for, and publishing results.
extension StudyRun {
  func carryOut(_ actions: [AggregatorAction]) async throws {
    for action in actions {
      switch action {
      case .journal(let record): try await write(record, outcome: Self.outcome(of: actions))
      case .send(let sites, let message):
        keeper.sent(message, round: session.highestRound)
        for site in sites { enqueue(message, to: site) }
      case .sendResult(let sites, let message, let sum):
        keeper.sent(message, round: session.highestRound)
        let payload = Payload(sum)
        for site in sites { enqueue(message, payload: payload, to: site) }
      case .sendCatchUp(let site, let message, let rounds):
        let sums = try await setup.store.sums(study: plan.id, rounds: rounds)
        enqueue(message, payload: Payload(sums), to: site)
      case .keyed(let epoch, let members):
        for site in members { peers[site].needsKeys = false }
        log("epoch \(epoch): keys agreed by \(members.map(name).joined(separator: ", "))")
        for site in members { peers[site].isBehind = false }
        keyed = .now
        step = .presence
        try await advancePresence()
        return
      case .epochFailed(let fault):
        for site in fault.named where site > 0 { await markLate(site, describe(fault)) }
        return try await again(describe(fault))
      case .dropped(let site, let fault):
        await markLate(site, describe(fault))
      case .blamed(let site, let fault):
        await warn("\(name(site)) sent a wrong secret or share: \(describe(fault))")
      case .accused(let site, let fault, _):
        faults.append("\(name(site)) says: \(describe(fault))")
        await warn("\(name(site)) says: \(describe(fault))")
      case .completed(let outcome):
        return finishSum(outcome)
      case .failed(let round, let stage, let fault):
        let text = "round \(round) at \(stage.rawValue): \(describe(fault))"
        switch fault.code {
        case .queryMismatch, .chainMismatch:
          throw StudyError(
            .implausibleTotal,
            "\(text). \(faults.joined(separator: "; ")). The two sides derive different queries from"
              + " the study; compare program versions and study files. No vector left a site.")
        case .sumRejected:
          throw StudyError(
            .implausibleTotal,
            "\(text). \(faults.joined(separator: "; ")). A published sum was not the sum of the"
              + " answers; the sites keep the signed evidence and answer nothing more.")
        default: break
        }
        if stage == .unmask {
          openedFor = stated
        } else if fault.code == .setChange, openedFor == nil {
          openedFor = everyone
        } else if fault.code == .siteMissing {
          incompleteAttempts += 1
          if incompleteAttempts > 1 { leftOut.formUnion(Set(everyone).subtracting(stated)) }
        }
        return try await again(text)
      }
    }
    // Each step has its deadline from its beginning: what arrives meanwhile does not prolong it.
    if step == .round || step == .keys, session.state != armedState {
      arm(.now + .seconds(plan.deadlines.roundSeconds))
      armedState = session.state
    }
  }

  private func markLate(_ site: UInt16, _ why: String) async {
    // One that lost its connection has a grace to come back; one that is silent has none.
    guard peers[site].connection != nil else { return }
    peers[site].isReady = false
    peers[site].isLate = true
    peers[site].absence = why
    faults.append("\(name(site)): \(why)")
    await warn("\(name(site)) is left out of the round: \(why)")
    enqueue(.resynchronise, to: site)
  }

  /// A fault with the sites' names in the place of their numbers.
  func describe(_ fault: SecureAggregationError) -> String {
    fault.sentence(reporter: "the site", name: name)
  }

  // MARK: - Sending

  func enqueue(_ message: AggregatorMessage, to site: UInt16) {
    enqueue(Frame(kind: message.kind.rawValue, study: plan.id, body: message.body), to: site)
  }

  private func enqueue(_ message: [UInt8], payload: Payload? = nil, to site: UInt16) {
    enqueue(
      Frame(
        kind: Study.MessageKind.secureSum.rawValue, study: plan.id, body: message,
        payload: payload), to: site)
  }

  private func enqueue(_ frame: Frame, to site: UInt16) {
    guard let connection = peers[site].connection else { return }
    do {
      try connection.enqueue(frame)
    } catch {
      log("\(name(site)): not sent: \(error)")
    }
  }

  // MARK: - Results

  /// The outcome that a list of actions ends with, if it does.
  private static func outcome(of actions: [AggregatorAction]) -> SecureAggregation.RoundOutcome? {
    for case .completed(let outcome) in actions { return outcome }
    return nil
  }

  private func write(_ record: AggregatorRecord, outcome: SecureAggregation.RoundOutcome?)
    async throws
  {
    switch record {
    case .epoch(let epoch, _, _):
      try await setup.store.recordEpoch(epoch, study: plan.id)
    case .opened(let round, _, _):
      // The result before has written it down, for this run and no other.
      if round == nextRound {
        nextRound = nil
        break
      }
      try setup.store.recordOpened(round: round, study: plan.id)
    case .locked: break
    case .stated(_, let members, _): stated = members
    case .published(let proof, let sum):
      guard let outcome, let kind = QueryKind(rawValue: outcome.binding.purpose) else {
        throw StudyError(.implausibleTotal, "a round was opened for an unknown purpose")
      }
      let total = Total(sum: outcome.sum, participants: outcome.participants.map(name))
      let entry = Study.TranscriptEntry(
        index: UInt32(entries.count), query: outcome.binding.queryDigest, kind: kind,
        content: .total(total), round: proof.round)
      let head = entry.head(after: heads[entries.count])
      try RunStore.publish(
        entry, after: heads[entries.count], head: head, proof: proof, sum: sum,
        to: setup.store, study: plan.id)
      nextRound = proof.round &+ 1
      entries.append(entry)
      heads.append(head)
    }
  }

  private func finishSum(_ outcome: SecureAggregation.RoundOutcome) {
    let elapsed = ContinuousClock.now - roundStart
    roundSeconds.append(
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18)
    step = .idle
    present = nil
    disarm()
    guard case .total(let total)? = entries.last?.content else { return }
    sumContinuation?.resume(returning: total)
    sumContinuation = nil
  }

  /// Keeps a site's answer to the present per-site query, or says why not.
  func accept(_ answer: SiteMessage.Answer, from site: UInt16) async {
    guard case .perSite(let query, let digest) = present else { return }
    guard let bytes = answer.answer else {
      declined[name(site)] = answer.reason
      return
    }
    let statement = Study.TranscriptEntry.SignedAnswer.statement(
      query: digest, site: name(site), answer: bytes)
    guard let signature = try? Signature(answer.signature),
      setup.manifest.manifest.roster[site].key.isValid(signature, for: statement)
    else {
      declined[name(site)] = "its answer is not signed by its key"
      return await warn("\(name(site)): the signature of its answer is wrong")
    }
    do {
      _ = try SiteAnswer(bytes: bytes, to: query)
    } catch {
      declined[name(site)] = error.message
      return await warn("\(name(site)): \(error.message)")
    }
    answers[site] = .init(site: name(site), answer: bytes, signature: answer.signature)
  }

  private func soonest(_ sites: [UInt16]) -> ContinuousClock.Instant {
    sites.map { peers[$0].awaitedUntil }.reduce(answersEnd, min)
  }

  /// Publishes the answers when all are in, or when the time is over.
  func advanceAnswers() async throws {
    guard step == .answers, case .perSite(let query, let digest) = present else { return }
    let open = everyone.filter {
      peers[$0].departure == nil && answers[$0] == nil && declined[name($0)] == nil
    }
    let returning = open.filter(isAwaited)
    let awaited = open.filter { peers[$0].isReady && !peers[$0].isBehind }
    guard .now >= answersEnd || awaited.isEmpty && returning.isEmpty else {
      return arm(awaited.isEmpty ? soonest(returning) : answersEnd)
    }
    for site in awaited {
      declined[name(site)] =
        "did not answer within \(Int(plan.deadlines.answerSeconds)) s"
      await markLate(site, "no answer to the \(query.purpose)")
    }
    guard !answers.isEmpty else {
      throw StudyError(
        .tooFew,
        "no site answered the \(query.purpose): "
          + declined.map { "\($0.key): \($0.value)" }.sorted().joined(separator: "; "))
    }
    let published = answers.sorted { $0.key < $1.key }.map(\.value)
    let entry = Study.TranscriptEntry(
      index: UInt32(entries.count), query: digest, kind: query.kind,
      content: .answers(published))
    let head = entry.head(after: heads[entries.count])
    try RunStore.publish(
      entry, after: heads[entries.count], head: head, to: setup.store, study: plan.id)
    entries.append(entry)
    heads.append(head)
    for site in everyone where peers[site].isReady {
      enqueue(.publishedAnswers(entry), to: site)
    }
    step = .idle
    present = nil
    disarm()
    answersContinuation?.resume(returning: SiteAnswers(published: published, to: query))
    answersContinuation = nil
  }
}

extension Payload {
  /// A published sum as it travels; it shares the vector's memory.
  fileprivate init(_ sum: RingVector) {
    switch sum {
    case .bits32(let elements): self.init(littleEndian: elements)
    case .bits64(let elements): self.init(littleEndian: elements)
    }
  }
}
