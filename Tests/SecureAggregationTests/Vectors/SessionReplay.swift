import Cryptography
import DifferentialPrivacy
import FixedPoint
import Testing

@testable import SecureAggregation

/// Replays a session vector: every event at every machine, with the recorded randomness, and compares
/// what each machine does with what the reference did, byte for byte.
final class SessionReplay {
  struct Sent: Equatable {
    let to: UInt16
    let message: [UInt8]
    let payload: [UInt8]?
  }

  /// What one event did.
  struct Outcome {
    var fault: SecureAggregationError?
    var state = ""
    var sends: [Sent] = []
    var journal: [[UInt8]] = []
    var dropped: [String] = []
    var blamed: [String] = []
    var sum: [Int64]?
    var values: [String: [UInt8]] = [:]
  }

  let file: VectorFile
  let manifest: SignedManifest
  private var keys: [UInt16: SigningKey] = [:]
  private var sites: [UInt16: SiteSession] = [:]
  private var journals: [UInt16: SiteJournal] = [:]
  private var entropy: [UInt16: RecordedEntropy] = [:]
  private var aggregator: AggregatorSession
  private var aggregatorJournal = AggregatorJournal()
  private var sums: [UInt64: RingVector] = [:]

  init(_ file: VectorFile) throws {
    self.file = file
    let inputs = file.content["inputs"]
    manifest = try SignedManifest(inputs["signedManifest"].bytes)
    for (name, seed) in inputs["identitySeeds"].object {
      keys[UInt16(name) ?? .max] = try SigningKey(seed: secret(seed.bytes))
    }
    let aggregatorKey = try #require(keys[0])
    aggregator = try AggregatorSession(
      manifest: manifest, signingKey: aggregatorKey, layerNoise: discreteGaussianNoise)
    var draws: [UInt16: [UInt8]] = [:]
    for draw in file.content["randomness"]["draws"].array {
      draws[UInt16(clamping: draw["party"].integer), default: []] += draw["hex"].bytes
    }
    for index in manifest.manifest.everyone {
      let key = try #require(keys[index])
      sites[index] = try SiteSession(
        manifest: manifest, index: index, signingKey: key, layerNoise: discreteGaussianNoise)
      journals[index] = SiteJournal()
      entropy[index] = RecordedEntropy(draws[index] ?? [])
    }
  }

  func run() throws {
    for (number, step) in file.steps.enumerated() {
      let party = UInt16(
        clamping: step["op"].text == "deliver" ? step["to"].integer : step["party"].integer)
      let outcome = party == 0 ? try aggregatorStep(step) : try siteStep(step, at: party)
      let name = step["op"].text + " " + step["command"].text + step["message"].text
      compare(
        outcome, with: step["expect"],
        Comment(rawValue: "\(file.name) step \(number) at \(party): \(name) \(step["note"].text)"))
    }
    for (party, source) in entropy {
      #expect(source.remaining == 0, "\(file.name): unused draws of \(party)")
    }
  }

  private func message(_ step: JSON) -> [UInt8] {
    var bytes = file.content["messages"][step["message"].text]["hex"].bytes
    if !step["padTo"].isNull {
      bytes += [UInt8](repeating: 0, count: max(0, step["padTo"].integer - bytes.count))
    }
    return bytes
  }

  private func payload(_ name: JSON) -> [UInt8]? {
    name.isNull ? nil : file.content["payloads"][name.text].bytes
  }

  private func binding(_ step: JSON) throws -> RoundBinding {
    RoundBinding(
      purpose: step["purposeTag"].text, queryDigest: try Digest(step["queryDigest"].bytes),
      ringWidth: RingWidth(rawValue: UInt8(clamping: step["ringWidth"].integer)) ?? .bits32,
      vectorLength: UInt32(clamping: step["vectorLength"].integer),
      layers: step["layers"].array.map {
        NoiseLayer(
          largestSurvivorCount: UInt16(clamping: $0["limit"].integer),
          variance: $0["variance"].unsigned)
      })
  }

  // MARK: Sites

  private func siteStep(_ step: JSON, at index: UInt16) throws -> Outcome {
    var session = try #require(sites[index])
    var source = try #require(entropy[index])
    var outcome = Outcome()
    var actions: [SiteAction] = []
    var isAbort = false
    switch step["op"].text {
    case "deliver":
      let bytes = message(step)
      isAbort = bytes.count > 6 && bytes[6] == MessageKind.abort.rawValue
      do {
        actions = try session.receive(
          bytes, payload: payload(step["payload"]) ?? [], entropy: &source)
      } catch {
        outcome.fault = error
      }
    case "deadline":
      actions = session.deadline()
      isAbort = true
    case "restart":
      let key = try #require(keys[index])
      session = try SiteSession(
        manifest: manifest, index: index, signingKey: key,
        journal: journals[index] ?? SiteJournal(), layerNoise: discreteGaussianNoise)
      actions = session.resume()
    default:
      switch step["command"].text {
      case "expect": session.expect(try binding(step))
      case "answer":
        let seeds = step["layerSeeds"].array.flatMap(\.bytes)
        actions = session.answer(
          step["values"].array.map { Int64($0.integer) },
          layerSeeds: seeds.isEmpty ? nil : secret(seeds))
      default: Issue.record("unknown command \(step["command"].text)")
      }
    }
    sites[index] = session
    entropy[index] = source
    for action in actions { apply(action, at: index, isAbort: isAbort, to: &outcome) }
    outcome.state = session.state.rawValue
    collectValues(of: session, into: &outcome)
    return outcome
  }

  private func apply(
    _ action: SiteAction, at index: UInt16, isAbort: Bool, to outcome: inout Outcome
  ) {
    switch action {
    case .journal(let record):
      // What is stored is what a restart reads: the bytes.
      guard let read = try? JournalRecord(record.bytes) else {
        Issue.record("a journal record does not decode")
        return
      }
      journals[index]?.records.append(read)
      outcome.journal.append(record.bytes)
      switch record.content {
      case .opened(let transcript, _, _, _): outcome.values["T"] = transcript.bytes
      case .committed(_, _, let seed, _, _): outcome.values["alphaSeed"] = seed.revealed()
      case .acknowledged(let statement, _, _, _): outcome.values["statement"] = statement.bytes
      case .done(let digest): outcome.values["R"] = digest.bytes
      default: break
      }
    case .keep(let vector, let digest): journals[index]?.vectors[digest] = vector
    case .send(let message): outcome.sends.append(Sent(to: 0, message: message, payload: nil))
    case .sendMasked(let message, let vector):
      outcome.sends.append(Sent(to: 0, message: message, payload: vector.bytes))
    case .completed(let round): outcome.sum = round.total.signed
    case .aborted(_, let fault, _): if !isAbort { outcome.fault = fault }
    case .halted(let fault, _): outcome.fault = fault
    case .needAnswer, .keyed, .caughtUp: break
    }
  }

  /// Intermediate values that are visible after the event.
  private func collectValues(of session: SiteSession, into outcome: inout Outcome) {
    guard let round = session.round else {
      for peer in session.members {
        outcome.values["k.\(peer)"] = session.pairKeys?.revealedKey(with: peer)
      }
      return
    }
    for peer in round.open.members where peer != session.index {
      outcome.values["k.\(peer)"] = session.pairKeys?.revealedKey(with: peer)
      outcome.values["s.\(peer)"] = round.seed(with: peer) { Array($0) }
      outcome.values["check.\(peer)"] = round.check(peer: peer, from: session.index, to: peer)
      var maskKey = [UInt8](repeating: 0, count: 32)
      _ = maskKey.withUnsafeMutableBytes { session.pairKeys?.maskKey(with: peer, into: $0) }
      outcome.values["m.\(peer)"] = maskKey
    }
    outcome.values["b"] = round.secrets.selfSecret.revealed()
    outcome.values["K"] = round.secrets.maskSecret.revealed()
    outcome.values["gamma"] = round.secrets.tagNonce.revealed()
    for (position, peer) in round.secrets.recipients.enumerated() {
      outcome.values["share.b.\(peer)"] = round.secrets.selfShares.slot(position) { Array($0) }
      outcome.values["share.K.\(peer)"] = round.secrets.maskShares.slot(position) { Array($0) }
    }
  }

  // MARK: Aggregator

  private func aggregatorStep(_ step: JSON) throws -> Outcome {
    var outcome = Outcome()
    var actions: [AggregatorAction] = []
    do {
      switch step["op"].text {
      case "deliver":
        actions = try aggregator.receive(
          from: UInt16(clamping: step["from"].integer), message(step),
          payload: payload(step["payload"]) ?? [])
      case "deadline": actions = aggregator.deadline()
      case "restart":
        let key = try #require(keys[0])
        aggregator = try AggregatorSession(
          manifest: manifest, signingKey: key, journal: aggregatorJournal,
          layerNoise: discreteGaussianNoise)
      default:
        switch step["command"].text {
        case "openEpoch":
          // In the vectors sending the last Result again is a step of its own.
          actions = try aggregator.openEpoch(
            members: step["members"].sites, resendsResult: false)
        case "openRound":
          actions = try aggregator.openRound(
            binding(step), members: step["members"].isNull ? nil : step["members"].sites,
            mode: step["mode"].text == "fast" ? .fast : .normal, prefetch: step["prefetch"].flag)
        case "resendResult":
          let last = try #require(sums.keys.max().flatMap { sums[$0] })
          actions = try aggregator.resendResult(sum: last)
        default: Issue.record("unknown command \(step["command"].text)")
        }
      }
    } catch let fault as SecureAggregationError {
      outcome.fault = fault
    }
    for action in actions { apply(action, to: &outcome) }
    outcome.state = aggregator.state.rawValue
    return outcome
  }

  private func apply(_ action: AggregatorAction, to outcome: inout Outcome) {
    switch action {
    case .journal(let record):
      aggregatorJournal.apply(record)
      switch record {
      case .stated(_, _, let statement): outcome.values["statement"] = statement.bytes
      case .published(let entry, let sum):
        sums[entry.round] = sum
        outcome.values["S"] = sum.bytes
      default: break
      }
    case .send(let sites, let message):
      outcome.sends += sites.map { Sent(to: $0, message: message, payload: nil) }
    case .sendResult(let sites, let message, let sum):
      outcome.sends += sites.map { Sent(to: $0, message: message, payload: sum.bytes) }
    case .sendCatchUp(let site, let message, let rounds):
      let payload = rounds.flatMap { sums[$0]?.bytes ?? [] }
      outcome.sends.append(Sent(to: site, message: message, payload: payload))
    case .epochFailed(let fault), .failed(_, _, let fault): outcome.fault = fault
    case .dropped(let site, let fault):
      outcome.dropped.append("\(site) \(fault.code.name)")
    case .blamed(let site, let fault): outcome.blamed.append("\(site) \(fault.code.name)")
    case .completed(let round): outcome.values["R"] = round.digest.bytes
    case .keyed, .accused: break
    }
  }

  // MARK: Comparison

  private func compare(_ outcome: Outcome, with expected: JSON, _ place: Comment) {
    if expected["verdict"].text == "ok" {
      #expect(outcome.fault == nil, place)
    } else {
      #expect(outcome.fault?.code.name == expected["fault"].text, place)
      #expect(outcome.fault?.named == expected["named"].sites.sorted(), place)
    }
    #expect(outcome.state == expected["state"].text, place)
    let sends = expected["sends"].array.map { sent in
      Sent(
        to: UInt16(clamping: sent["to"].integer), message: message(sent),
        payload: payload(sent["payload"]))
    }
    // "In order of the receiver": the order among messages to one party is what matters.
    for party in Set(sends.map(\.to) + outcome.sends.map(\.to)) {
      let isEqual =
        outcome.sends.filter { $0.to == party } == sends.filter { $0.to == party }
      #expect(isEqual, "\(place) sends to \(party)")
    }
    if !expected["journal"].isNull {
      #expect(outcome.journal == expected["journal"].array.map(\.bytes), place)
    }
    let dropped = expected["dropped"].array.map { "\($0["site"].integer) \($0["fault"].text)" }
    #expect(outcome.dropped.sorted() == dropped.sorted(), place)
    let blamed = expected["blamed"].array.map { "\($0["site"].integer) \($0["fault"].text)" }
    #expect(outcome.blamed.sorted() == blamed.sorted(), place)
    if !expected["sum"].isNull {
      #expect(outcome.sum == expected["sum"].array.map { Int64($0.integer) }, place)
    }
    for (name, value) in expected["values"].object {
      if let seen = outcome.values[name] {
        #expect(seen == value.bytes, "\(place) value \(name)")
      }
    }
  }
}

/// The sampler that a study with differential privacy hands to the sessions.
let discreteGaussianNoise: LayerNoise = { seeds, variances, count in
  try DiscreteGaussian.sum(seeds: seeds, variances: variances, count: count)
}

@Suite struct SessionVectorTests {
  @Test(arguments: VectorFile.all(ofKind: "session"))
  func session(file: VectorFile) throws {
    try SessionReplay(file).run()
  }
}
