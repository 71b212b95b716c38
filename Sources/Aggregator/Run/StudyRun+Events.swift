import CanonicalBytes
import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study
import Transport

/// What happens to a run, one event after the other.
extension StudyRun {
  func handle(_ event: Event) async throws {
    switch event {
    case .connected(let site, let connection):
      peers[site].connection = connection
      connection.forward(plan.id) { [weak self, weak connection] frame in
        guard let self, let connection, frame.kind == Study.MessageKind.secureSum.rawValue
        else { return false }
        receive(frame, from: site, over: connection)
        return true
      }
      peers[site].isReady = false
      peers[site].needsKeys = true
      peers[site].awaitedUntil = returnEnd
    case .disconnected(let site, let connection):
      // The end of an earlier connection is noticed late, and says nothing about the present one.
      guard peers[site].connection === connection else { return }
      peers[site].connection = nil
      peers[site].awaitedUntil = returnEnd
      peers[site].isReady = false
      try await lost(site, "not connected")
    case .frame(let frame, let site):
      try await take(frame, from: site)
    case .sum(let binding):
      try await ask(.sum(binding))
    case .perSite(let query, let digest):
      try await ask(.perSite(query, digest))
    case .deadline:
      guard let deadline, .now >= deadline else { return }
      disarm()
      try await deadlinePassed()
    case .cancelled:
      throw CancellationError()
    }
  }

  private func ask(_ question: Question) async throws {
    guard failure == nil else { return }
    present = question
    attempts = 0
    interruptions = 0
    queryEnd = .now + .seconds(plan.deadlines.presenceSeconds)
    openedFor = nil
    incompleteAttempts = 0
    leftOut = []
    faults = []
    answers = [:]
    declined = [:]
    try await gather()
  }

  // MARK: - Presence

  /// Waits for the sites that take part in the present query: all of them before the first keys,
  /// later whoever is there, with a short grace for those that lost their connection.
  func gather() async throws {
    step = .presence
    presenceEnd = .now + .seconds(plan.deadlines.presenceSeconds)
    try await advancePresence()
  }

  func advancePresence() async throws {
    guard step == .presence, failure == nil else { return }
    let ready = everyone.filter {
      peers[$0].isReady && peers[$0].departure == nil && !leftOut.contains($0)
    }
    if let openedFor { return try await gatherAgain(openedFor, ready: ready) }
    let missing = everyone.filter { !ready.contains($0) && !leftOut.contains($0) }
    let isFirst = session.epoch == nil
    let awaited = missing.filter(isAwaited)
    let quorum = isFirst ? peers.count : setup.manifest.manifest.quorum
    if ready.count >= quorum, awaited.isEmpty {
      return try await proceed(with: ready)
    }
    let possible = everyone.count { peers[$0].departure == nil && !leftOut.contains($0) }
    guard possible >= quorum, .now < presenceEnd else {
      throw possible < quorum
        ? tooManyLeft(missing, quorum: quorum) : waitedTooLong(ready, missing, quorum: quorum)
    }
    let returnEnd = awaited.map { peers[$0].awaitedUntil }.min() ?? presenceEnd
    arm(ready.count >= quorum ? min(returnEnd, presenceEnd) : presenceEnd)
  }

  /// Those who left, and why, come first: the others are only waiting.
  private func tooManyLeft(_ missing: [UInt16], quorum: Int) -> StudyError {
    let departed = missing.filter { peers[$0].departure != nil }
    let absent = missing.filter { peers[$0].departure == nil && !isLoading($0) }
    let loading = missing.filter { peers[$0].departure == nil && isLoading($0) }
    var text =
      departed.map { "\(name($0)) \(peers[$0].departure ?? "")" }.joined(separator: "; ")
      + ". \(peers.count - departed.count - absent.count) of \(peers.count) sites are there and"
      + " \(quorum) are needed"
    if !loading.isEmpty {
      text += "; still reading their data: \(loading.map(name).joined(separator: ", "))"
    }
    if !absent.isEmpty { text += "; missing: \(described(absent))" }
    return StudyError(.tooFew, text)
  }

  private func waitedTooLong(
    _ ready: [UInt16], _ missing: [UInt16], quorum: Int
  ) -> StudyError {
    let departed = missing.filter { peers[$0].departure != nil }
    return StudyError(
      .tooFew,
      "\(ready.count) of \(peers.count) sites are there and \(quorum) are needed; waited"
        + " \(Int(plan.deadlines.presenceSeconds)) s for: "
        + described(missing.filter { peers[$0].departure == nil })
        + (departed.isEmpty ? "" : "; gone: \(described(departed))"))
  }

  private func described(_ sites: [UInt16]) -> String {
    sites.map { "\(name($0)) (\(reason($0)))" }.joined(separator: ", ")
  }

  /// Whether a site is connected and has nothing against it: an agent says where it stands when it has
  /// read its data.
  private func isLoading(_ site: UInt16) -> Bool {
    peers[site].connection != nil && !peers[site].isReady && peers[site].absence == nil
  }

  /// Waits for the very sites that an earlier attempt may have been opened for.
  private func gatherAgain(_ sites: [UInt16], ready: [UInt16]) async throws {
    let missing = sites.filter { !ready.contains($0) }
    if missing.isEmpty { return try await proceed(with: sites) }
    guard missing.allSatisfy({ peers[$0].departure == nil }), .now < presenceEnd else {
      throw StudyError(
        .tooFew,
        "the sum over \(sites.map(name).joined(separator: ", ")) may have been opened without coming"
          + " out, and another set of sites would show the difference; missing: "
          + missing.map { "\(name($0)) (\(reason($0)))" }.joined(separator: ", "))
    }
    arm(presenceEnd)
  }

  /// When the grace of a site that has just been lost, or has just connected, ends.
  private var returnEnd: ContinuousClock.Instant { .now + .seconds(plan.deadlines.returnSeconds) }

  /// Whether a site that is not ready is worth waiting for at this moment: it may be on its way back.
  func isAwaited(_ site: UInt16) -> Bool {
    let peer = peers[site]
    return peer.departure == nil && !peer.isReady && !peer.isLate && .now < peer.awaitedUntil
  }

  private func reason(_ site: UInt16) -> String {
    let peer = peers[site]
    if let departure = peer.departure { return departure }
    if peer.connection == nil { return "not connected" }
    return peer.absence ?? "connected, still reading its data"
  }

  /// Enough sites are there: agree keys where somebody new is among them, then ask.
  private func proceed(with ready: [UInt16]) async throws {
    let needsKeys =
      session.epoch == nil || !session.state.isKeyed
      || .now - keyed >= setup.longestEpoch
      || !ready.allSatisfy { session.active.contains($0) && !peers[$0].needsKeys }
    if needsKeys { return try await openEpoch(ready) }
    try await pose(to: ready)
  }

  private func openEpoch(_ members: [UInt16]) async throws {
    step = .keys
    do {
      let actions = try session.openEpoch(members: members)
      try await carryOut(actions)
    } catch let error as SecureAggregationError {
      try await again(describe(error))
    }
  }

  private func pose(to ready: [UInt16]) async throws {
    switch present {
    case .sum(let binding):
      step = .round
      roundStart = .now
      do {
        let members = session.active.filter { ready.contains($0) }
        let actions = try session.openRound(binding, members: members)
        try await carryOut(actions)
      } catch let error as SecureAggregationError {
        if error.code == .roundLimit { return try await openEpoch(ready) }
        try await again(describe(error))
      }
    case .perSite(_, let digest):
      step = .answers
      answersEnd = .now + .seconds(plan.deadlines.answerSeconds)
      for (site, answer) in early where answer.query == digest {
        early[site] = nil
        await accept(answer, from: site)
      }
      try await advanceAnswers()
    case nil:
      step = .idle
    }
  }

  /// The attempt failed: ask again with those who are left, unless it is no use. One that ended
  /// because a site lost its connection does not count before the presence deadline.
  func again(_ fault: String) async throws {
    faults.append(fault)
    if everyone.contains(where: isAwaited), .now < queryEnd {
      interruptions += 1
      log("the present query was interrupted: \(fault)")
    } else {
      attempts += 1
      log("attempt \(attempts) at the present query failed: \(fault)")
    }
    guard attempts < 6 else {
      throw StudyError(
        .tooFew,
        "the present query failed \(attempts) times and was given up: "
          + faults.suffix(12).joined(separator: "; "))
    }
    try await gather()
  }

  // MARK: - Deadlines

  /// Sets the deadline of the present step; an earlier one no longer counts.
  func arm(_ instant: ContinuousClock.Instant) {
    deadline = instant
    armedState = nil
    alarm.set(instant)
  }

  /// Nothing is waited for.
  func disarm() {
    deadline = nil
    armedState = nil
    alarm.clear()
  }

  private func deadlinePassed() async throws {
    switch step {
    case .idle: break
    case .presence: try await advancePresence()
    case .keys, .round:
      log("deadline at \(session.state.rawValue)")
      try await carryOut(session.deadline())
    case .answers: try await advanceAnswers()
    }
  }

  /// A site is gone, or said that it does not go on. Its keys are of no use any more.
  func lost(_ site: UInt16, _ why: String) async throws {
    peers[site].absence = why
    if step == .round, mayAwaitReturn(of: site) {
      // Nothing has been opened: burn the round, and ask again when the site is back, so that a
      // short interruption costs nobody's patients a step.
      await warn("\(name(site)) is gone (\(why)): the round is asked again when it is back")
      return try await carryOut(session.stop())
    }
    try await carryOut(session.drop(site, for: SecureAggregationError(.stopped, naming: [site])))
    switch step {
    case .answers: try await advanceAnswers()
    case .presence: try await advancePresence()
    case .idle, .keys, .round: break
    }
  }

  /// Whether a site that lost its connection is worth waiting for: it may come back, its vector is
  /// not in, and the present query has not waited for somebody twice. Under differential privacy a vector
  /// is paid for when it is handed in, so a round is not asked again once the others may have done that.
  private func mayAwaitReturn(of site: UInt16) -> Bool {
    isAwaited(site) && attempts + interruptions < 2
      && (session.state == .shares || session.state == .masked && plan.privacy.goal == nil)
      && session.awaitedSites.contains(site)
  }

  // MARK: - Frames

  private func take(_ frame: Frame, from site: UInt16) async throws {
    guard let kind = Study.MessageKind(rawValue: frame.kind) else {
      return log("\(name(site)) sent a frame of unknown kind \(frame.kind); ignored")
    }
    if kind == .secureSum { return try await takeSecureSum(frame, from: site) }
    let message: SiteMessage
    do {
      message = try SiteMessage(kind: kind, body: frame.body)
    } catch {
      return log("\(name(site)) sent a message that cannot be read (\(error)); ignored")
    }
    switch message {
    case .position(let position): try await take(position, from: site)
    case .siteAnswer(let answer):
      if step == .answers, case .perSite(_, let digest) = present, answer.query == digest {
        await accept(answer, from: site)
        try await advanceAnswers()
      } else {
        early[site] = answer
      }
    case .studyFault(let reason):
      peers[site].departure = "left the study: \(reason)"
      peers[site].isReady = false
      await warn("\(name(site)) left the study: \(reason)")
      try await lost(site, reason)
    case .finished(let digest):
      peers[site].result = digest
    case .decision, .manifestSignature, .ledgerHead: break
    }
  }

  private func takeSecureSum(_ frame: Frame, from site: UInt16) async throws {
    let actions: [AggregatorAction]
    do {
      if let payload = frame.payload {
        actions = try payload.withUnsafeBytes {
          try session.receive(from: site, frame.body, payload: $0)
        }
      } else {
        actions = try session.receive(from: site, frame.body)
      }
    } catch let error as SecureAggregationError {
      log("a message of \(name(site)) was refused: \(describe(error))")
      await keepEvidence(ofRefusal: error, frame.body)
      guard error.code.isGarbage, step == .round || step == .keys else { return }
      peers[site].absence = describe(error)
      return try await carryOut(session.drop(site, for: error))
    } catch {
      log("the vector of \(name(site)) cannot be read: \(error)")
      return try await carryOut(
        session.drop(site, for: SecureAggregationError(.vectorLength, naming: [site])))
    }
    await keepEvidence(of: actions, last: frame.body)
    try await carryOut(actions)
  }

  /// A site says where it stands: send it what it lacks; from then on it is ready.
  private func take(_ position: SiteMessage.Position, from site: UInt16) async throws {
    let count = Int(position.entryCount)
    guard count <= entries.count, heads[count] == position.head else {
      peers[site].departure =
        count > entries.count
        ? "holds more results than the aggregator: was the aggregator restored from a backup?"
        : "holds other results than the aggregator"
      await warn("\(name(site)) \(peers[site].departure ?? "")")
      return try await lost(site, "holds other results")
    }
    peers[site].isBehind = false
    for entry in entries[count...] {
      switch entry.content {
      case .answers: enqueue(.publishedAnswers(entry), to: site)
      case .total: peers[site].isBehind = true
      }
    }
    // An agent that comes back has what it needs to go on, whatever made it leave.
    peers[site].departure = nil
    peers[site].isReady = true
    peers[site].isLate = false
    peers[site].absence = nil
    if step == .presence { try await advancePresence() }
  }
}

extension AggregatorState {
  /// Whether the keys of an epoch are there.
  var isKeyed: Bool {
    switch self {
    case .unkeyed, .offers, .confirms: false
    default: true
    }
  }
}

extension FaultCode {
  /// Whether the message could not have come from an agent that follows the protocol.
  var isGarbage: Bool {
    switch self {
    case .truncated, .tooLong, .trailingBytes, .notCanonical, .wrongSuite, .unknownKind,
      .wrongManifest, .signatureInvalid:
      true
    default: false
    }
  }
}

extension Array {
  /// Sites are numbered from 1 in the protocol.
  subscript(site: UInt16) -> Element {
    get { self[Int(site) - 1] }
    set { self[Int(site) - 1] = newValue }
  }
}
