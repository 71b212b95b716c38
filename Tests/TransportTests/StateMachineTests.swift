import Foundation
import Identity
import Synchronization
import Testing

@testable import Transport

/// The parts without I/O: what is sent in which order, who gets room, how long to wait.
@Suite struct StateMachineTests {
  private func step(_ lane: inout OutboundLane) throws -> LinkMessage? {
    var completed: OutboundLane.Completion?
    guard case .write(let message) = try lane.next(completed: &completed) else { return nil }
    return message
  }

  @Test func controlGoesFirstAndPayloadsWaitForRoom() throws {
    var settings = ConnectionSettings()
    settings.chunkBytes = 1 << 20
    var lane = OutboundLane(settings: settings)
    let bytes = [UInt8](repeating: 5, count: (2 << 20) + 7)
    lane.append(.init(ticket: 1, frame: Frame(kind: 1, payload: Payload(bytes)), completion: nil))
    lane.append(.init(ticket: 2, frame: Frame(kind: 2), completion: nil))
    lane.append(control: .heartbeat)
    #expect(try step(&lane) == .heartbeat)
    let isEarly = lane.grant()
    #expect(!isEarly)
    let announced = LinkEnvelope(
      kind: 1, study: "", body: [], payload: .chunked(UInt64(bytes.count)))
    #expect(try step(&lane) == .envelope(announced))
    #expect(try step(&lane) == nil)
    lane.append(control: .grant)
    #expect(try step(&lane) == .grant)
    let isFirst = lane.grant()
    let isSecond = lane.grant()
    #expect(isFirst && !isSecond)
    #expect(try step(&lane) == nil)
    lane.start()
    #expect(try step(&lane) == .chunk(offset: 0, data: Array(bytes[..<(1 << 20)])))
    lane.append(control: .heartbeat)
    #expect(try step(&lane) == .heartbeat)
    #expect(try step(&lane) == .chunk(offset: 1 << 20, data: Array(bytes[..<(1 << 20)])))
    #expect(try step(&lane) == .chunk(offset: 2 << 20, data: [UInt8](repeating: 5, count: 7)))
    let isLate = lane.grant()
    #expect(!isLate)
    #expect(
      try step(&lane) == .envelope(LinkEnvelope(kind: 2, study: "", body: [], payload: .none)))
    #expect(try step(&lane) == nil)
  }

  @Test func aClosedLaneSaysGoodbyeAndNothingElse() throws {
    var lane = OutboundLane(settings: ConnectionSettings())
    lane.append(.init(ticket: 1, frame: Frame(kind: 1), completion: nil))
    let goodbye = LinkMessage.goodbye(code: "closed", reason: "")
    _ = lane.close(goodbye)
    lane.append(control: .heartbeat)
    #expect(try step(&lane) == goodbye)
    #expect(try step(&lane) == nil)
    var completed: OutboundLane.Completion?
    guard case .finished = try lane.next(completed: &completed) else {
      Issue.record("a closed lane is finished")
      return
    }
  }

  @Test func onlyAFewFastPayloadsAreUnderWayAtOnce() {
    let admission = PayloadAdmission(places: 2)
    let granted = Eventually<UInt64>()
    for connection: UInt64 in 1...5 { admission.request(connection) { granted.add(connection) } }
    #expect(granted.all == [1, 2])
    admission.finish(2)
    #expect(granted.all == [1, 2, 3])
    // One that waits and goes away leaves no place behind.
    admission.finish(4)
    admission.finish(1)
    #expect(granted.all == [1, 2, 3, 5])
  }

  @Test func aFrozenSenderGivesItsPlaceUpAndAFastOneKeepsIt() {
    let admission = PayloadAdmission(places: 2)
    let granted = Eventually<UInt64>()
    for connection: UInt64 in 1...4 { admission.request(connection) { granted.add(connection) } }
    let now = ContinuousClock.now
    admission.tick(now)
    admission.progress(2, bytes: 64 << 20)
    admission.tick(now + .seconds(1))
    #expect(granted.all == [1, 2, 3])
    admission.progress(2, bytes: 64 << 20)
    admission.progress(3, bytes: 64 << 20)
    admission.tick(now + .seconds(2))
    #expect(granted.all == [1, 2, 3])
  }

  @Test func delaysGrowToTheirLimit() {
    let backoff = Backoff()
    #expect(backoff.delay(afterFailures: 0, random: 1) == .milliseconds(200))
    #expect(backoff.delay(afterFailures: 0, random: 0) == .milliseconds(100))
    #expect(backoff.delay(afterFailures: 1_000_000, random: 1) == .seconds(30))
    #expect(backoff.delay(afterFailures: -1, random: 1) == .milliseconds(200))
    var last = Duration.zero
    for failures in 0..<20 {
      let delay = backoff.delay(afterFailures: failures, random: 0.5)
      #expect(delay >= last)
      last = delay
    }
  }

  @Test func wordsOfThePeerAreCleanedAndNotRepeated() {
    let error = TransportError(.refused, subject: "alpha", detail: "wrong length")
    let received = TransportError(wireCode: error.code.rawValue, reason: error.description)
    #expect(received.description == "refused: alpha: wrong length")
    let odd = TransportError(wireCode: "no-such-code", reason: "a\u{1B}[31m\nb")
    #expect(odd.code == .refused && odd.detail == "a[31mb")
    for code in TransportError.Code.allCases {
      #expect(TransportError(wireCode: code.rawValue, reason: "").code == code)
    }
  }

  @Test func aSpoolFolderThatIsNotThereEndsOneStreamOnly() async throws {
    let network = try CertifiedNetwork()
    var configuration = try await network.serverConfiguration()
    configuration.spool = SpoolFolder(path: network.folder + "/missing")
    let server = AggregatorServer(configuration, handler: TestHandler(desk: network.desk))
    let ports = Eventually<Int>()
    let running = Task { try await server.run { port, _ in ports.add(port) } }
    let port = try await ports.first()
    try await withSite(try await network.siteClient("alpha", port: port)) { probe in
      let connection = try await probe.connections.first()
      try await withSite(try await network.siteClient("beta", port: port)) { other in
        let beta = try await other.connections.first()
        await #expect(throws: TransportError(.spoolFailed)) {
          try await connection.send(
            Frame(kind: 1, payload: Payload([UInt8](repeating: 0, count: 1 << 20))))
        }
        try await beta.send(Frame(kind: 2))
        #expect(try await beta.frames.next()?.kind == 2)
      }
    }
    server.stop()
    try await running.value
  }

  @Test func aPortInUseIsSaidSo() async throws {
    let network = try CertifiedNetwork()
    try await withServer(network) { _, port, _ in
      let second = AggregatorServer(
        try await network.serverConfiguration(port: port),
        handler: TestHandler(desk: network.desk))
      let error = await #expect(throws: TransportError.self) { try await second.run() }
      #expect(error?.code == .settingsInvalid)
      #expect(error?.description.contains("127.0.0.1:\(port)") == true)
    }
  }
}
