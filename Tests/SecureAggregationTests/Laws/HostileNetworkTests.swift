import CanonicalBytes
import Cryptography
import FixedPoint
import Foundation
import Testing

@testable import SecureAggregation

/// Bytes from a peer never trap, whatever they are.
@Suite struct HostileNetworkTests {
  /// Inputs per decoder run: 20,000, or WARDROUND_FUZZ_COUNT.
  static let inputCount =
    ProcessInfo.processInfo.environment["WARDROUND_FUZZ_COUNT"].flatMap { Int($0) } ?? 20_000

  /// One well-formed message of every kind, and manifests.
  private static func corpus() throws -> (messages: [[UInt8]], federation: Federation) {
    var federation = try Federation.keyed(4, seed: 3)
    federation.isLost = { $0.from == 4 || $0.to == 4 }
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding("a"), answers: answers, prefetch: true)
    try federation.run(
      Federation.binding("b"), answers: answers, prefetch: true,
      members: federation.aggregator.active)
    federation.isLost = { _ in false }
    try federation.restart(4)
    try federation.openEpoch()
    var byKind: [MessageKind: [UInt8]] = [:]
    for packet in federation.sent {
      if let kind = packet.kind { byKind[kind] = packet.message }
    }
    return (Array(byKind.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)), federation)
  }

  /// Changes bytes, cuts, extends, or writes extreme numbers.
  private static func mutate(_ bytes: [UInt8], using generator: inout SplitMix) -> [UInt8] {
    var result = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      guard !result.isEmpty else { return result }
      let position = Int.random(in: 0..<result.count, using: &generator)
      switch generator.next() % 6 {
      case 0: result[position] ^= 1 << UInt8(generator.next() % 8)
      case 1: result[position] = UInt8(truncatingIfNeeded: generator.next())
      case 2: result.removeSubrange(position...)
      case 3: result += (0..<(generator.next() % 20)).map { UInt8(truncatingIfNeeded: $0 * 37) }
      case 4:
        for index in position..<min(position + 4, result.count) { result[index] = 0xff }
      default: result.remove(at: position)
      }
    }
    return result
  }

  private static func decode(_ kind: MessageKind, _ body: [UInt8]) throws -> [UInt8] {
    switch kind {
    case .epochOpen: try EpochOpen(body).bytes
    case .keyOffer: try KeyOffer(body).bytes
    case .keySet: try KeySet(body).bytes
    case .keyConfirm: try KeyConfirm(body).bytes
    case .confirmSet: try ConfirmSet(body).bytes
    case .catchUp: try CatchUp(body).bytes
    case .roundOpen: try RoundOpen(body).bytes
    case .shares: try Shares(body).bytes
    case .lock1: try Lock1(body).bytes
    case .masked: try Masked(body).bytes
    case .lock2: try Lock2(body).bytes
    case .ack: try Ack(body).bytes
    case .ackSet: try AckSet(body).bytes
    case .unmask: try Unmask(body).bytes
    case .result: try ResultMessage(body).bytes
    case .abort: try AbortMessage(body).bytes
    }
  }

  @Test("Every kind of message comes back from its bytes")
  func roundTrip() throws {
    let (messages, federation) = try Self.corpus()
    let kinds = try messages.map { try Envelope(parsing: $0, naming: []).kind }
    #expect(Set(kinds) == Set(MessageKind.allCases.filter { $0 != .abort }))
    for message in messages {
      let envelope = try Envelope(parsing: message, naming: [])
      #expect(try Self.decode(envelope.kind, envelope.body) == envelope.body, "\(envelope.kind)")
      for count in 0..<envelope.body.count {
        #expect(throws: DecodingFault.self) {
          try Self.decode(envelope.kind, Array(envelope.body[..<count]))
        }
      }
    }
    for journal in federation.journals.values {
      for record in journal.records {
        #expect(try JournalRecord(record.bytes).bytes == record.bytes)
      }
    }
  }

  @Test("Decoders: mutated bytes are refused or have exactly one meaning")
  func decoders() throws {
    let (messages, federation) = try Self.corpus()
    let manifest = federation.manifest.bytes
    let records = federation.journals.values.flatMap { $0.records.map(\.bytes) }
    // Seed 2024. A value that decodes encodes to the same bytes: nothing has two encodings.
    var generator = SplitMix(state: 2_024)
    var accepted = 0
    for number in 0..<Self.inputCount {
      let message = messages[number % messages.count]
      switch number % 8 {
      case 0:
        let bytes = Self.mutate(manifest, using: &generator)
        if let value = try? SignedManifest(bytes) { #expect(value.bytes == bytes) }
      case 1:
        let bytes = Self.mutate(records[number % records.count], using: &generator)
        if let value = try? JournalRecord(bytes) { #expect(value.bytes == bytes) }
      case 2:
        let bytes = Self.mutate(message, using: &generator)
        _ = try? Envelope.opened(bytes, from: UInt16(number % 5), manifest: federation.manifest)
      default:
        let envelope = try Envelope(parsing: message, naming: [])
        let bytes = Self.mutate(envelope.body, using: &generator)
        if let again = try? Self.decode(envelope.kind, bytes) {
          accepted += 1
          if again != bytes { Issue.record("\(envelope.kind): two encodings, input \(number)") }
        }
      }
    }
    #expect(accepted > 0)
  }

  @Test("Rightly signed nonsense: faults only, and the machines still work", arguments: 1...4)
  func signedNonsense(seed: Int) throws {
    // Seed: the argument. The attacker is the aggregator, or a site, with its real key.
    var generator = SplitMix(state: UInt64(seed))
    var federation = try Federation.keyed(4, seed: UInt64(seed))
    let start = federation
    let (messages, _) = try Self.corpus()
    let bodies = try messages.map { try Envelope(parsing: $0, naming: []) }
    try federation.open(
      Federation.binding(), answers: federation.answers(length: 5), prefetch: true)
    for _ in 0..<400 {
      if !federation.network.isEmpty, generator.next() % 3 == 0 { federation.deliverNext() }
      let template = bodies[Int(generator.next() % UInt64(bodies.count))]
      let isFromSite = template.kind.direction == .fromSite
      let sender: UInt16 = isFromSite ? UInt16.random(in: 1...4, using: &generator) : 0
      let key = try #require(federation.keys[sender])
      let message = Envelope.sealed(
        template.kind, manifest: federation.manifest.digest, epoch: 1,
        round: template.kind.isSetup ? 0 : 1, sender: sender,
        body: Self.mutate(template.body, using: &generator), key: key)
      let target: UInt16 = isFromSite ? 0 : UInt16.random(in: 1...4, using: &generator)
      federation.deliver(
        .init(
          from: sender, to: target, message: message,
          payload: [UInt8](repeating: 7, count: Int(generator.next() % 40))))
    }
    federation.settle()
    // Whatever happened, no false sum was accepted, and a new study over the same code works.
    for outcome in federation.siteOutcomes.values.joined() {
      let expected = Federation.sum(federation.answers(length: 5), over: outcome.participants)
      #expect(outcome.total.signed == expected)
    }
    var fresh = start
    try fresh.run(Federation.binding(), answers: fresh.answers(length: 5))
    #expect(fresh.outcomes.count == 1)
  }

  @Test(
    "Lost, repeated, late and reordered messages: right sums or named failures", arguments: 1...12)
  func lossyNetwork(seed: Int) throws {
    // Seed: the argument.
    var generator = SplitMix(state: UInt64(seed) &* 7_919)
    var federation = try Federation.keyed(5, seed: UInt64(seed))
    var old: [Federation.Packet] = []
    for round in 0..<5 {
      let answers = federation.answers(length: 4, seed: Int64(round))
      if federation.aggregator.active.count < federation.manifest.manifest.quorum
        || federation.aggregator.state == .unkeyed
      {
        for index in federation.everyone { try federation.restart(index) }
        federation.network = []
        try federation.openEpoch()
      }
      guard
        (try? federation.open(
          Federation.binding("round \(round)", length: 4), answers: answers, prefetch: true))
          != nil
      else { continue }
      let before = federation.outcomes.count
      var steps = 0
      while steps < 400 {
        steps += 1
        if federation.network.isEmpty {
          let actions = federation.aggregator.deadline()
          if actions.isEmpty { break }
          federation.apply(actions)
          continue
        }
        let position = Int.random(in: 0..<federation.network.count, using: &generator)
        let packet = federation.network.remove(at: position)
        switch generator.next() % 20 {
        case 0: break  // lost
        case 1:
          federation.deliver(packet)
          federation.deliver(packet)
        case 2:
          if let late = old.randomElement(using: &generator) { federation.deliver(late) }
          federation.deliver(packet)
        case 3: federation.network.append(packet)  // later
        default: federation.deliver(packet)
        }
        old.append(packet)
      }
      #expect(steps < 400, "seed \(seed): a round hangs")
      #expect(federation.aggregator.awaitedSites.isEmpty)
      if federation.outcomes.count > before, let outcome = federation.outcomes.last {
        #expect(outcome.total.signed == Federation.sum(answers, over: outcome.participants))
      } else {
        #expect(federation.failures.last.map { !$0.named.isEmpty } ?? true)
      }
    }
    // Sites accepted only what the aggregator published.
    for outcome in federation.siteOutcomes.values.joined() {
      #expect(federation.outcomes.contains(outcome))
    }
    #expect(federation.halts.isEmpty)
  }
}
