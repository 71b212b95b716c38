import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// A whole study in memory: one aggregator, n sites and the messages between them. A value, so that
/// many futures can start from one set-up study.
struct Federation {
  struct Packet {
    let from: UInt16
    let to: UInt16
    let message: [UInt8]
    let payload: [UInt8]

    var kind: MessageKind? { Envelope.unchecked(message)?.kind }
  }

  let manifest: SignedManifest
  let keys: [UInt16: SigningKey]
  let layerNoise: LayerNoise
  var aggregator: AggregatorSession
  var aggregatorJournal = AggregatorJournal()
  var sites: [UInt16: SiteSession] = [:]
  var journals: [UInt16: SiteJournal] = [:]
  var entropy: [UInt16: SeededEntropy] = [:]
  var sums: [UInt64: RingVector] = [:]

  /// Messages under way, in order.
  var network: [Packet] = []
  /// Every packet that was sent, for tests that forge or repeat.
  var sent: [Packet] = []
  /// Whether a packet is lost.
  var isLost: (Packet) -> Bool = { _ in false }
  /// Changes a packet under way; nil passes it on.
  var tamper: (Packet) -> Packet? = { _ in nil }

  // What came out.
  var siteOutcomes: [UInt16: [RoundOutcome]] = [:]
  var aborts: [UInt16: [SecureAggregationError]] = [:]
  var halts: [UInt16: SecureAggregationError] = [:]
  var refusals: [SecureAggregationError] = []
  var outcomes: [RoundOutcome] = []
  var failures: [SecureAggregationError] = []
  var failedStages: [AggregatorState] = []
  var dropped: [UInt16: FaultCode] = [:]
  var blamed: [UInt16: FaultCode] = [:]
  /// What each party keeps, and what it made evidence of.
  var keepers: [UInt16: EvidenceKeeper] = [:]
  var evidence: [UInt16: [Evidence]] = [:]

  init(
    siteCount: Int, seed: UInt64 = 1, minimumSites: Int = 3, maximumColluders: Int = 1,
    differencingFloor: Int = 3, layerNoise: @escaping LayerNoise = discreteGaussianNoise
  ) throws {
    var source = SeededEntropy(seed: seed)
    let aggregatorKey = try SigningKey(from: &source)
    var keys: [UInt16: SigningKey] = [0: aggregatorKey]
    var roster: [Manifest.Member] = []
    for index in 1...UInt16(siteCount) {
      let key = try SigningKey(from: &source)
      keys[index] = key
      roster.append(
        Manifest.Member(
          siteName: "site-\(index)", legalEntity: "Hospital \(index)", key: key.verifyingKey))
    }
    let body = try Manifest(
      studyIdentifier: "test", purpose: "tests", aggregatorName: "aggregator",
      aggregatorKey: aggregatorKey.verifyingKey, roster: roster, minimumSites: minimumSites,
      maximumColluders: maximumColluders, differencingFloor: differencingFloor,
      programDigest: .zero)
    let signatures = body.everyone.compactMap { index in
      keys[index].map { SignedManifest.signature(on: body, by: $0) }
    }
    manifest = try SignedManifest(body, signatures: signatures)
    self.keys = keys
    self.layerNoise = layerNoise
    aggregator = try AggregatorSession(
      manifest: manifest, signingKey: aggregatorKey, layerNoise: layerNoise)
    for index in body.everyone {
      let key = try #require(keys[index])
      sites[index] = try SiteSession(
        manifest: manifest, index: index, signingKey: key, layerNoise: layerNoise)
      journals[index] = SiteJournal()
      entropy[index] = SeededEntropy(seed: seed &* 1_000 &+ UInt64(index))
    }
    for index in [0] + body.everyone {
      keepers[index] = EvidenceKeeper(manifest: manifest, index: index)
    }
  }

  /// A study whose keys are agreed.
  static func keyed(
    _ siteCount: Int, seed: UInt64 = 1, differencingFloor: Int = 3,
    layerNoise: @escaping LayerNoise = discreteGaussianNoise
  ) throws -> Federation {
    var federation = try Federation(
      siteCount: siteCount, seed: seed, differencingFloor: differencingFloor,
      layerNoise: layerNoise)
    try federation.openEpoch()
    return federation
  }

  var everyone: [UInt16] { manifest.manifest.everyone }

  // MARK: Events

  mutating func openEpoch(members: [UInt16]? = nil) throws {
    apply(try aggregator.openEpoch(members: members ?? everyone))
    settle()
  }

  static func binding(
    _ query: String = "query", length: Int = 5, width: RingWidth = .bits32,
    layers: [NoiseLayer] = []
  ) throws -> RoundBinding {
    try #require(
      RoundBinding(
        purpose: "test", queryDigest: Blake2b.hash("test.query", Array(query.utf8)),
        ringWidth: width, answerLength: length, layers: layers))
  }

  /// Tells every site what to expect and what to answer, and opens the round.
  mutating func open(
    _ binding: RoundBinding, answers: [UInt16: [Int64]], layerSeeds: [UInt16: SecretBytes] = [:],
    mode: RoundMode? = nil, prefetch: Bool = false, members: [UInt16]? = nil
  ) throws {
    for index in everyone {
      sites[index]?.expect(binding)
      let actions =
        sites[index]?.answer(answers[index] ?? [], layerSeeds: layerSeeds[index]) ?? []
      apply(actions, of: index)
    }
    apply(
      try aggregator.openRound(binding, members: members, mode: mode, prefetch: prefetch))
  }

  /// Runs a whole round; deadlines pass whenever nothing moves.
  mutating func run(
    _ binding: RoundBinding, answers: [UInt16: [Int64]], layerSeeds: [UInt16: SecretBytes] = [:],
    mode: RoundMode? = nil, prefetch: Bool = false, members: [UInt16]? = nil
  ) throws {
    try open(
      binding, answers: answers, layerSeeds: layerSeeds, mode: mode, prefetch: prefetch,
      members: members)
    settle()
  }

  /// Delivers everything; when nothing is under way and somebody is waited for, the aggregator's
  /// deadline passes.
  mutating func settle() {
    while true {
      while !network.isEmpty { deliverNext() }
      let actions = aggregator.deadline()
      guard !actions.isEmpty else { return }
      apply(actions)
    }
  }

  mutating func deliverNext() {
    let packet = network.removeFirst()
    deliver(tamper(packet) ?? packet)
  }

  mutating func deliver(_ packet: Packet) {
    do {
      if packet.to == 0 {
        let actions = try aggregator.receive(
          from: packet.from, packet.message, payload: packet.payload)
        note(packet)
        keep(actions, from: packet)
        apply(actions)
      } else if var source = entropy[packet.to], var session = sites[packet.to] {
        let actions = try session.receive(
          packet.message, payload: packet.payload, entropy: &source)
        entropy[packet.to] = source
        sites[packet.to] = session
        note(packet)
        keep(actions, of: packet.to, from: packet)
        apply(actions, of: packet.to)
      }
    } catch {
      // Refused: the state is what it was.
      refusals.append(error)
      note(packet, refusal: error.code)
      if let key = keys[packet.to],
        let piece = keepers[packet.to]?.evidence(ofRefusal: error, packet.message, key: key)
      {
        evidence[packet.to, default: []].append(piece)
      }
    }
  }

  /// The site's process dies and comes back with its journal.
  mutating func restart(_ index: UInt16) throws {
    let key = try #require(keys[index])
    let records = try (journals[index]?.records ?? []).map { try JournalRecord($0.bytes) }
    var session = try SiteSession(
      manifest: manifest, index: index, signingKey: key,
      journal: SiteJournal(records: records, vectors: journals[index]?.vectors ?? [:]),
      layerNoise: layerNoise)
    let actions = session.resume()
    sites[index] = session
    apply(actions, of: index)
  }

  mutating func restartAggregator() throws {
    let key = try #require(keys[0])
    aggregator = try AggregatorSession(
      manifest: manifest, signingKey: key, journal: aggregatorJournal, layerNoise: layerNoise)
  }

  // MARK: Actions

  mutating func send(_ packet: Packet) {
    sent.append(packet)
    let round = lastRound(of: packet.from)
    keepers[packet.from]?.sent(packet.message, round: round)
    if !isLost(packet) { network.append(packet) }
  }

  mutating func apply(_ actions: [SiteAction], of index: UInt16) {
    for action in actions {
      switch action {
      case .journal(let record): journals[index]?.records.append(record)
      case .keep(let vector, let digest): journals[index]?.vectors[digest] = vector
      case .send(let message):
        send(Packet(from: index, to: 0, message: message, payload: []))
      case .sendMasked(let message, let vector):
        send(Packet(from: index, to: 0, message: message, payload: vector.bytes))
      case .completed(let outcome), .caughtUp(let outcome):
        siteOutcomes[index, default: []].append(outcome)
      case .aborted(_, let fault, _): aborts[index, default: []].append(fault)
      case .halted(let fault, _): halts[index] = fault
      case .needAnswer, .keyed: break
      }
    }
  }

  mutating func apply(_ actions: [AggregatorAction]) {
    for action in actions {
      switch action {
      case .journal(let record):
        aggregatorJournal.apply(record)
        if case .published(let entry, let sum) = record { sums[entry.round] = sum }
      case .send(let sites, let message):
        for site in sites { send(Packet(from: 0, to: site, message: message, payload: [])) }
      case .sendResult(let sites, let message, let sum):
        for site in sites {
          send(Packet(from: 0, to: site, message: message, payload: sum.bytes))
        }
      case .sendCatchUp(let site, let message, let rounds):
        let payload = rounds.flatMap { sums[$0]?.bytes ?? [] }
        send(Packet(from: 0, to: site, message: message, payload: payload))
      case .completed(let outcome): outcomes.append(outcome)
      case .failed(_, let stage, let fault):
        failures.append(fault)
        failedStages.append(stage)
      case .epochFailed(let fault): failures.append(fault)
      case .dropped(let site, let fault): dropped[site] = fault.code
      case .blamed(let site, let fault): blamed[site] = fault.code
      case .keyed, .accused: break
      }
    }
  }

  // MARK: Comparison

  /// Answers that differ in every coordinate and sign.
  func answers(length: Int, seed: Int64 = 1) -> [UInt16: [Int64]] {
    Dictionary(
      uniqueKeysWithValues: everyone.map { index in
        let values = (0..<length).map { coordinate in
          Int64(index) * (seed + 17) - Int64(coordinate) * 1_001 * (index % 2 == 0 ? 1 : -1)
        }
        return (index, values)
      })
  }

  /// The plain sum over some sites.
  static func sum(_ answers: [UInt16: [Int64]], over sites: [UInt16]) -> [Int64] {
    var total = [Int64](repeating: 0, count: answers.values.first?.count ?? 0)
    for site in sites {
      for (index, value) in (answers[site] ?? []).enumerated() { total[index] += value }
    }
    return total
  }
}
