import NIOPosix

/// Where a connection keeps the long payloads it receives.
enum PayloadStore: Sendable {
  /// In memory: at a site, which has one connection.
  case memory
  /// In unlinked files of a folder, a few at once: at the aggregator.
  case spool(SpoolFolder, PayloadAdmission)

  var admission: PayloadAdmission? {
    if case .spool(_, let admission) = self { admission } else { nil }
  }

  func open() throws(TransportError) -> PayloadSink {
    switch self {
    case .memory: .memory([])
    case .spool(let folder, _): .file(try folder.makeFile())
    }
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
