import NIOPosix

/// Where a connection keeps the long payloads it receives.
enum PayloadStore: Sendable {
  /// In memory: at a site, which has one connection.
  case memory
  /// In unlinked files of a folder, a few at once: at the aggregator.
  case spool(SpoolFolder, PayloadTraffic)

  /// Who decides how many payloads are under way; nil when any number may be.
  var traffic: PayloadTraffic? {
    if case .spool(_, let traffic) = self { traffic } else { nil }
  }

  func open() throws(TransportError) -> PayloadSink {
    switch self {
    case .memory: .memory([])
    case .spool(let folder, _): .file(try folder.makeFile())
    }
  }
}

/// Admission in each direction, shared by all connections of a server.
struct PayloadTraffic: Sendable {
  let incoming: PayloadAdmission
  let outgoing: PayloadAdmission

  /// - Parameter places: how many fast payloads at once in each direction.
  init(places: Int) {
    incoming = PayloadAdmission(places: places)
    outgoing = PayloadAdmission(places: places)
  }

  func tick(_ now: ContinuousClock.Instant) {
    incoming.tick(now)
    outgoing.tick(now)
  }

  func finish(_ connection: UInt64) {
    incoming.finish(connection)
    outgoing.finish(connection)
  }
}

/// A payload that is being received.
enum PayloadSink: Sendable {
  case memory([UInt8])
  case file(SpoolFile)

  mutating func store(_ data: [UInt8], at offset: Int) async throws {
    switch self {
    case .memory(var bytes):
      self = .memory([])
      bytes.append(contentsOf: data)
      self = .memory(bytes)
    case .file(let file):
      try await NIOThreadPool.singleton.runIfActive { try file.write(data, at: offset) }
    }
  }

  func finish(length: Int) -> Payload {
    switch self {
    case .memory(let bytes): Payload(bytes)
    case .file(let file): Payload(file, count: length)
    }
  }
}
