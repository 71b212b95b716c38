import CanonicalBytes
import Cryptography
import TestSupport
import Testing

@testable import Study

/// Messages about a study between a site and the aggregator: one encoding, strict decoding.
@Suite struct MessageTests {
  private static func digest(_ byte: UInt8) throws -> Digest {
    try Digest([UInt8](repeating: byte, count: 32))
  }

  private static func siteMessages() throws -> [SiteMessage] {
    [
      .decision(
        .init(
          plan: try digest(1), approved: true, reason: "", disclosures: [], minimumSites: 3)),
      .decision(
        .init(
          plan: try digest(1), approved: false, reason: "Kohorte zu klein – später",
          disclosures: Disclosure.allCases.sorted { $0.rawValue < $1.rawValue },
          minimumSites: 65_535)),
      .manifestSignature([UInt8](repeating: 5, count: 64)),
      .position(.init(entryCount: .max, head: try digest(2))),
      .siteAnswer(.init(query: try digest(3), answer: [1, 2], signature: [3], reason: "")),
      .siteAnswer(.init(query: try digest(3), answer: [], signature: [], reason: "")),
      .siteAnswer(.init(query: try digest(3), answer: nil, signature: [], reason: "policy")),
      .studyFault("training diverged"), .finished(try digest(4)),
      .ledgerHead(
        .init(sequence: .max, digest: try digest(5), signature: [UInt8](repeating: 6, count: 64))),
    ]
  }

  private static func aggregatorMessages() async throws -> [AggregatorMessage] {
    let entries = try await Recorded.shared.value.transcript.entries
    return [
      .proposal(.init(studyText: "study: x\n", researcher: "ada", sites: ["a", "b"])),
      .proposal(.init(studyText: "", researcher: "", sites: [])),
      .manifest(.init(manifest: [1, 2, 3], disclosures: [.leaveOneSiteOut])),
      .signedManifest([9, 8]), .resynchronise, .ended(.init(succeeded: true, message: "done")),
      .ended(.init(succeeded: false, message: "too few sites: b, c")),
      .ledgerKnown(
        .init(sequence: 1, digest: try digest(5), signature: [UInt8](repeating: 6, count: 64))),
    ] + entries.map { .publishedAnswers($0) }
  }

  @Test func siteMessagesRoundTrip() throws {
    for message in try Self.siteMessages() {
      #expect(try SiteMessage(kind: message.kind, body: message.body) == message)
    }
  }

  @Test func aggregatorMessagesRoundTrip() async throws {
    for message in try await Self.aggregatorMessages() {
      #expect(try AggregatorMessage(kind: message.kind, body: message.body) == message)
    }
  }

  @Test func kindsOfTheOtherSideAreRefused() async throws {
    let fromSites = Set(try Self.siteMessages().map(\.kind))
    let fromAggregator = Set(try await Self.aggregatorMessages().map(\.kind))
    #expect(fromSites.isDisjoint(with: fromAggregator))
    #expect(fromSites.union(fromAggregator).union([.secureSum]) == Set(MessageKind.allCases))
    for kind in MessageKind.allCases where !fromSites.contains(kind) {
      #expect(throws: DecodingFault(.notCanonical, at: 0)) { try SiteMessage(kind: kind, body: []) }
    }
    for kind in MessageKind.allCases where !fromAggregator.contains(kind) {
      #expect(throws: DecodingFault(.notCanonical, at: 0)) {
        try AggregatorMessage(kind: kind, body: [])
      }
    }
  }

  /// The numbers are on the wire and never change.
  @Test func theNumbersAreFixed() {
    let numbers = MessageKind.allCases.map { "\($0) \($0.rawValue)" }
    #expect(
      numbers == [
        "decision 16", "manifestSignature 17", "position 18", "siteAnswer 19", "studyFault 20",
        "finished 21", "ledgerHead 22", "proposal 32", "manifest 33", "signedManifest 34",
        "publishedAnswers 35", "resynchronise 36", "ended 37", "ledgerKnown 38", "secureSum 48",
      ])
  }

  @Test func truncatedAndLongerBodiesAreRefused() async throws {
    for message in try Self.siteMessages() {
      for count in 0..<message.body.count {
        #expect(throws: DecodingFault.self) {
          try SiteMessage(kind: message.kind, body: Array(message.body.prefix(count)))
        }
      }
      #expect(throws: DecodingFault.self) {
        try SiteMessage(kind: message.kind, body: message.body + [0])
      }
    }
    for message in try await Self.aggregatorMessages() {
      for count in stride(from: 0, to: message.body.count, by: 1 + message.body.count / 60) {
        #expect(throws: DecodingFault.self) {
          try AggregatorMessage(kind: message.kind, body: Array(message.body.prefix(count)))
        }
      }
      #expect(throws: DecodingFault.self) {
        try AggregatorMessage(kind: message.kind, body: message.body + [0])
      }
    }
  }

  /// A list of disclosures has one encoding: by name, each once.
  @Test func disclosuresOutOfOrderAreRefused() throws {
    let names = Disclosure.allCases.map(\.rawValue).sorted()
    for wrong in [Array(names.reversed()), [names[0], names[0]], ["model-by-site"]] {
      var writer = ByteWriter()
      writer.blob([1])
      writer.array(wrong) { $0.string($1) }
      #expect(throws: DecodingFault(.notCanonical, at: 0)) {
        try AggregatorMessage(kind: .manifest, body: writer.bytes)
      }
    }
  }

  /// Damaged and random bodies throw, or read as a message with exactly these bytes.
  @Test func damagedBodiesNeverTrap() async throws {
    var generator = SeededBytes(seed: 17)
    for message in try Self.siteMessages() {
      for _ in 0..<fuzzCount(400) {
        let damaged = generator.damaged(message.body)
        guard let read = try? SiteMessage(kind: message.kind, body: damaged) else { continue }
        #expect(read.body == damaged, "seed 17, \(message.kind)")
      }
    }
    for message in try await Self.aggregatorMessages() {
      for _ in 0..<100 {
        let damaged = generator.damaged(message.body)
        guard let read = try? AggregatorMessage(kind: message.kind, body: damaged) else { continue }
        #expect(read.body == damaged, "seed 17, \(message.kind)")
      }
    }
    for kind in MessageKind.allCases {
      for length in 0..<120 {
        let random = generator.bytes(length)
        _ = try? SiteMessage(kind: kind, body: random)
        _ = try? AggregatorMessage(kind: kind, body: random)
      }
    }
  }
}
