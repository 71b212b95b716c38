/// A message of the stream, without its protobuf dress.
enum LinkMessage: Sendable, Equatable {
  case hello(version: UInt32, software: String)
  case welcome(version: UInt32, software: String)
  case envelope(LinkEnvelope)
  case chunk(offset: UInt64, data: [UInt8])
  case grant
  case heartbeat
  case goodbye(code: String, reason: String)

  /// About how many bytes it takes.
  var byteCount: Int {
    switch self {
    case .envelope(let envelope):
      if case .inline(let bytes) = envelope.payload { return envelope.body.count + bytes.count }
      return envelope.body.count
    case .chunk(_, let data): return data.count
    default: return 0
    }
  }

  /// The version of the stream's protocol that this program speaks.
  static let version: UInt32 = 1
}

/// The start of a frame, which is the whole frame unless chunks follow.
struct LinkEnvelope: Sendable, Equatable {
  enum Payload: Sendable, Equatable {
    case none
    case inline([UInt8])
    /// Length in bytes of the chunks that follow.
    case chunked(UInt64)
  }

  var kind: UInt32
  var study: String
  var body: [UInt8]
  var payload: Payload
}
