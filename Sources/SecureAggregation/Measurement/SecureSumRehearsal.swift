import Cryptography
import FixedPoint

/// A study in memory for measuring: real sessions, no network, no disk. It has no clock; the caller
/// times the steps that `run` hands to it.
///
/// All keys come from a seed: never for a deployment.
public struct SecureSumRehearsal {
  /// A step whose cost is of interest.
  public enum Step: Sendable, Hashable {
    /// The aggregator opens the round.
    case begin
    /// One site tags and masks its answer and hashes the result.
    case mask(site: UInt16)
    /// The aggregator hashes one vector, as a transport does while it arrives.
    case hash(site: UInt16)
    /// The aggregator takes one hashed vector and adds it.
    case add(site: UInt16)
    /// The aggregator takes the masks off, with the last message that it waited for, and publishes.
    case open
    /// One site checks the published sum.
    case verify(site: UInt16)
  }

  /// What a round cost in bytes, and its outcome.
  public struct Report: Sendable {
    public let outcome: RoundOutcome
    /// Bytes of all messages and the vector that each site sent, by site.
    public let uploadByteCounts: [UInt16: Int]
  }

  private var aggregator: AggregatorSession
  private var sites: [UInt16: SiteSession] = [:]
  private var entropy: SeededEntropy

  /// Makes a roster of `siteCount` sites (3…200) and agrees on the keys of an epoch.
  ///
  /// - Parameter layerNoise: the sampler, for rounds with layers of noise.
  public init(
    siteCount: Int, seed: UInt64 = 1, layerNoise: LayerNoise? = nil
  ) throws(SecureAggregationError) {
    entropy = SeededEntropy(seed: seed)
    let refused = SecureAggregationError(.refused)
    do {
      let aggregatorKey = try SigningKey(from: &entropy)
      var keys: [SigningKey] = []
      for _ in 0..<siteCount { keys.append(try SigningKey(from: &entropy)) }
      let manifest = try Manifest(
        studyIdentifier: "rehearsal", purpose: "measuring", aggregatorName: "aggregator",
        aggregatorKey: aggregatorKey.verifyingKey,
        roster: keys.enumerated().map { position, key in
          Manifest.Member(
            siteName: "site-\(position + 1)", legalEntity: "site-\(position + 1)",
            key: key.verifyingKey)
        }, programDigest: .zero)
      let signed = try SignedManifest(
        manifest,
        signatures: keys.map { SignedManifest.signature(on: manifest, by: $0) })
      aggregator = try AggregatorSession(
        manifest: signed, signingKey: aggregatorKey, layerNoise: layerNoise)
      for (position, key) in keys.enumerated() {
        let index = UInt16(position + 1)
        sites[index] = try SiteSession(
          manifest: signed, index: index, signingKey: key, layerNoise: layerNoise)
      }
    } catch let fault as SecureAggregationError {
      throw fault
    } catch {
      throw refused
    }
    var packets = Packets(try aggregator.openEpoch(members: signedEveryone))
    try relay(&packets) { _, body in try body() }
  }

  private var signedEveryone: [UInt16] { aggregator.manifest.manifest.everyone }

  /// Runs one round. The last `silentCount` sites send their shares but no vector.
  ///
  /// - Parameters:
  ///   - noisy: a site's answer with the noise that stays in, and the seeds of its layers; part of
  ///     the step `mask`. Nil: every site gives `answer`.
  ///   - measure: called for every step with a body that it must run exactly once.
  public mutating func run(
    _ binding: RoundBinding, answer: RingVector, silentCount: Int = 0,
    noisy: ((UInt16) throws -> (RingVector, layerSeeds: SecretBytes))? = nil,
    measure: (Step, () throws -> Void) throws -> Void
  ) throws -> Report {
    for index in signedEveryone { sites[index]?.expect(binding) }
    silent = Set(signedEveryone.suffix(silentCount))
    var opening: [AggregatorAction] = []
    try measure(.begin) {
      opening = try aggregator.openRound(binding, mode: .normal, prefetch: false)
    }
    var packets = Packets(opening)
    uploads = [:]
    outcome = nil
    self.answer = answer
    self.noisy = noisy
    defer { self.noisy = nil }
    try relay(&packets, measure)
    packets = Packets(aggregator.deadline())
    try relay(&packets, measure)
    guard let outcome else { throw SecureAggregationError(.timeout, naming: [0]) }
    return Report(outcome: outcome, uploadByteCounts: uploads)
  }

  private var silent: Set<UInt16> = []
  private var uploads: [UInt16: Int] = [:]
  private var outcome: RoundOutcome?
  private var answer = RingVector(zeros: 0, width: .bits32)
  private var noisy: ((UInt16) throws -> (RingVector, layerSeeds: SecretBytes))?

  /// Messages of the aggregator under way.
  private struct Packets {
    var list: [(to: UInt16, message: [UInt8], sum: RingVector?)] = []
    var outcome: RoundOutcome?

    init(_ actions: [AggregatorAction]) {
      for action in actions {
        switch action {
        case .send(let sites, let message): list += sites.map { ($0, message, nil) }
        case .sendResult(let sites, let message, let sum): list += sites.map { ($0, message, sum) }
        case .completed(let outcome): self.outcome = outcome
        default: break
        }
      }
    }
  }

  /// Delivers messages, and the answers to them, until nothing is under way.
  private mutating func relay(
    _ packets: inout Packets, _ measure: (Step, () throws -> Void) throws -> Void
  ) throws(SecureAggregationError) {
    do {
      while !packets.list.isEmpty {
        let batch = packets.list
        packets.list = []
        for packet in batch {
          for reply in try deliver(packet.message, packet.sum, to: packet.to, measure) {
            let next = try take(reply, from: packet.to, measure)
            packets.list += next.list
            outcome = next.outcome ?? outcome
          }
        }
      }
    } catch let fault as SecureAggregationError {
      throw fault
    } catch {
      throw SecureAggregationError(.refused)
    }
  }

  private mutating func deliver(
    _ message: [UInt8], _ sum: RingVector?, to index: UInt16,
    _ measure: (Step, () throws -> Void) throws -> Void
  ) throws -> [SiteAction] {
    guard var site = sites.removeValue(forKey: index) else { return [] }
    defer { sites[index] = site }
    var actions: [SiteAction] = []
    if let sum {
      let payload = sum.bytes
      try measure(.verify(site: index)) {
        actions = try site.receive(message, payload: payload, entropy: &entropy)
      }
    } else {
      actions = try site.receive(message, entropy: &entropy)
    }
    if site.state == .locked {
      try measure(.mask(site: index)) {
        if let (vector, seeds) = try noisy?(index) {
          actions += site.answer(vector, layerSeeds: seeds)
        } else {
          actions += site.answer(answer)
        }
      }
    }
    return actions
  }

  private mutating func take(
    _ reply: SiteAction, from index: UInt16,
    _ measure: (Step, () throws -> Void) throws -> Void
  ) throws -> Packets {
    var actions: [AggregatorAction] = []
    switch reply {
    case .send(let message):
      uploads[index, default: 0] += message.count
      if aggregator.state == .unmask, aggregator.awaitedSites == [index] {
        try measure(.open) {
          actions = try aggregator.receive(from: index, message)
        }
      } else {
        actions = try aggregator.receive(from: index, message)
      }
    case .sendMasked(let message, let vector):
      guard !silent.contains(index) else { return Packets([]) }
      uploads[index, default: 0] += message.count + vector.count * vector.width.byteCount
      actions = try vector.withUnsafeLittleEndianBytes { bytes in
        Result {
          var digest: PayloadDigest?
          try measure(.hash(site: index)) {
            var digester = PayloadDigester(byteCount: bytes.count)
            digester.update(bytes)
            digest = digester.finish()
          }
          var actions: [AggregatorAction] = []
          try measure(.add(site: index)) {
            actions = try aggregator.receive(
              from: index, message, payload: bytes, digest: digest)
          }
          return actions
        }
      }.get()
    default: break
    }
    return Packets(actions)
  }
}
