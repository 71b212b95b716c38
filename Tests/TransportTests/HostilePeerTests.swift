import Foundation
import GRPCCore
import Identity
import SwiftProtobuf
import Synchronization
import Testing

@testable import Transport

/// What a member with a good certificate but a broken or hostile program can do: end its own stream,
/// with a named error, and nothing else.
@Suite(.serialized) struct HostilePeerTests {
  /// Opens a stream as a member of the network, sends messages, and says how the server ended it.
  private func send(
    _ messages: [Wardround_V1_WireMessage], greeting: Bool = true, as name: String,
    in network: CertifiedNetwork, port: Int
  ) async throws -> TransportError {
    let link = try ClientLink(
      to: ServiceAddress(host: "127.0.0.1", port: port),
      credentials: try await network.credentials(.site, name), check: network.aggregatorCheck,
      settings: .fast)
    defer { link.shutDown() }
    let hello = LinkMessage.hello(version: LinkMessage.version, software: "test").protobuf
    let goodbye = Mutex<TransportError?>(nil)
    let welcomes = Eventually<LinkMessage>()
    do {
      try await Wardround_V1_SiteService.Client(wrapping: link.client).connect(
        options: ClientLink.options(.seconds(10))
      ) { writer in
        if greeting {
          try await writer.write(hello)
          _ = try? await welcomes.first(within: .seconds(5))
        }
        for message in messages { try await writer.write(message) }
      } onResponse: { response in
        for try await message in LinkMessages(base: response.messages) {
          if case .welcome = message { welcomes.add(message) }
          if case .goodbye(let code, let reason) = message {
            goodbye.withLock { $0 = TransportError(wireCode: code, reason: reason) }
          }
        }
      }
    } catch {
      return goodbye.withLock { $0 } ?? link.explain(error)
    }
    return goodbye.withLock { $0 } ?? TransportError(.closed)
  }

  private func envelope(
    body: Int = 0, _ payload: LinkEnvelope.Payload = .none, kind: UInt32 = 1
  ) -> Wardround_V1_WireMessage {
    LinkMessage.envelope(
      LinkEnvelope(
        kind: kind, study: "s", body: [UInt8](repeating: 0, count: body), payload: payload)
    ).protobuf
  }

  private func chunk(_ offset: UInt64, _ count: Int) -> Wardround_V1_WireMessage {
    LinkMessage.chunk(offset: offset, data: [UInt8](repeating: 0, count: count)).protobuf
  }

  @Test func badSequencesEndTheirOwnStreamWithANamedError() async throws {
    let network = try CertifiedNetwork()
    let settings = ConnectionSettings.fast.with { $0.maximumPayloadBytes = 8 << 20 }
    let cases: [(String, TransportError.Code, Bool, [Wardround_V1_WireMessage])] = [
      ("nothing", .messageMalformed, true, [Wardround_V1_WireMessage()]),
      (
        "second-hello", .messageMalformed, true,
        [LinkMessage.hello(version: 1, software: "").protobuf]
      ),
      (
        "welcome", .messageMalformed, false,
        [LinkMessage.welcome(version: 1, software: "").protobuf]
      ),
      ("version", .protocolVersion, false, [LinkMessage.hello(version: 9, software: "").protobuf]),
      ("early", .messageMalformed, false, [envelope()]),
      ("grant", .messageMalformed, true, [LinkMessage.grant.protobuf]),
      ("kind", .messageMalformed, true, [envelope(kind: 70_000)]),
      ("body", .bodyTooLarge, true, [envelope(body: 600_000)]),
      (
        "inline", .payloadTooLarge, true, [envelope(.inline([UInt8](repeating: 0, count: 600_000)))]
      ),
      ("announced", .payloadTooLarge, true, [envelope(.chunked(9 << 20))]),
      ("huge", .payloadTooLarge, true, [envelope(.chunked(.max))]),
      ("empty", .messageMalformed, true, [envelope(.chunked(0))]),
      ("stray", .chunkUnexpected, true, [chunk(0, 5)]),
      ("gap", .chunkUnexpected, true, [envelope(.chunked(4 << 20)), chunk(1 << 20, 1 << 20)]),
      ("beyond", .chunkUnexpected, true, [envelope(.chunked(1000)), chunk(0, 1001)]),
      ("void", .chunkUnexpected, true, [envelope(.chunked(1000)), chunk(0, 0)]),
      ("long", .chunkUnexpected, true, [envelope(.chunked(4 << 20)), chunk(0, (1 << 20) + 1)]),
      ("inside", .messageMalformed, true, [envelope(.chunked(4 << 20)), envelope()]),
      // gRPC itself ends the stream, without words.
      ("oversized", .connectionLost, true, [envelope(body: 3 << 20)]),
    ]
    try await withServer(network, settings: settings) { _, port, _ in
      try await withSite(try await network.siteClient("good", port: port)) { probe in
        let good = try await probe.connections.first()
        for (name, code, greeting, messages) in cases {
          let error = try await send(
            messages, greeting: greeting, as: name, in: network, port: port)
          #expect(error.code == code, "\(name): \(error)")
          try await good.send(Frame(kind: 4))
          #expect(try await good.frames.next()?.kind == 4, "after \(name)")
        }
      }
    }
  }

  @Test func aStreamThatEndsInsideAPayloadIsDropped() async throws {
    let network = try CertifiedNetwork()
    let frames = Eventually<Frame>()
    let ends = Eventually<TransportError?>()
    let handler = TestHandler(desk: network.desk) { connection in
      while let frame = try? await connection.frames.next() { frames.add(frame) }
      ends.add(connection.closeReason)
    }
    try await withServer(network, handler: handler) { _, port, _ in
      _ = try await send(
        [envelope(.chunked(2 << 20))], as: "short", in: network, port: port)
      _ = try await ends.first()
    }
    #expect(frames.all.isEmpty)
    #expect(ends.all.first??.code == .payloadTruncated)
  }

  @Test func randomMessagesNeverTrapTheDecoderOrTheMachine() throws {
    // Seed 20261121: reproduces every case.
    var generator = SplitMix(state: 20_261_121)
    var assembler = InboundAssembler(settings: .fast)
    var accepted = 0
    let valid = try [
      envelope(body: 20, .inline([1, 2, 3])), envelope(.chunked(3000)), chunk(0, 9),
      LinkMessage.grant.protobuf, LinkMessage.goodbye(code: "closed", reason: "words").protobuf,
      LinkMessage.hello(version: 1, software: "test").protobuf,
    ].map { try [UInt8]($0.serializedData()) }
    let count = ProcessInfo.processInfo.environment["WARDROUND_FUZZ_COUNT"].flatMap { Int($0) }
    for index in 0..<(count ?? 20_000) {
      var bytes = (0..<Int(generator.next() % 48)).map { _ in
        UInt8(truncatingIfNeeded: generator.next() >> 13)
      }
      if index % 4 != 0 {
        bytes = valid[Int(generator.next() % UInt64(valid.count))]
        for _ in 0..<(generator.next() % 4) where !bytes.isEmpty {
          bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(generator.next() & 255)
        }
        if generator.next() % 8 == 0 {
          bytes.removeLast(Int(generator.next() % UInt64(bytes.count + 1)))
        }
      }
      guard let message = try? Wardround_V1_WireMessage(serializedBytes: bytes),
        let link = try? LinkMessage(message)
      else { continue }
      accepted += 1
      switch link {
      case .envelope(let envelope): _ = try? assembler.receive(envelope)
      case .chunk(let offset, let data): _ = try? assembler.receive(chunk: data, at: offset)
      case .grant: assembler.grant()
      default: break
      }
    }
    #expect(accepted > 2000)
  }
}

/// SplitMix64 (Steele, Lea and Flood 2014): a seeded source for tests.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
