import Foundation

extension LinkMessage {
  /// The generated message.
  var protobuf: Wardround_V1_WireMessage {
    var message = Wardround_V1_WireMessage()
    switch self {
    case .hello(let version, let software):
      var hello = Wardround_V1_Hello()
      hello.protocolVersion = version
      hello.software = software
      message.content = .hello(hello)
    case .welcome(let version, let software):
      var welcome = Wardround_V1_Welcome()
      welcome.protocolVersion = version
      welcome.software = software
      message.content = .welcome(welcome)
    case .envelope(let envelope):
      message.content = .envelope(envelope.protobuf)
    case .chunk(let offset, let data):
      var chunk = Wardround_V1_Chunk()
      chunk.offset = offset
      chunk.data = Data(data)
      message.content = .chunk(chunk)
    case .grant:
      message.content = .grant(Wardround_V1_Grant())
    case .heartbeat:
      message.content = .heartbeat(Wardround_V1_Heartbeat())
    case .goodbye(let code, let reason):
      var goodbye = Wardround_V1_Goodbye()
      goodbye.code = code
      goodbye.reason = reason
      message.content = .goodbye(goodbye)
    }
    return message
  }

  /// A message from a peer.
  ///
  /// - Throws: `messageMalformed` when it has no content that this version knows.
  init(_ message: Wardround_V1_WireMessage) throws(TransportError) {
    switch message.content {
    case .hello(let hello):
      self = .hello(version: hello.protocolVersion, software: String(hello.software.prefix(128)))
    case .welcome(let welcome):
      self = .welcome(
        version: welcome.protocolVersion, software: String(welcome.software.prefix(128)))
    case .envelope(let envelope): self = .envelope(LinkEnvelope(envelope))
    case .chunk(let chunk): self = .chunk(offset: chunk.offset, data: [UInt8](chunk.data))
    case .grant: self = .grant
    case .heartbeat: self = .heartbeat
    case .goodbye(let goodbye): self = .goodbye(code: goodbye.code, reason: goodbye.reason)
    case nil: throw TransportError(.messageMalformed, detail: "no known content")
    }
  }
}

extension LinkEnvelope {
  var protobuf: Wardround_V1_Envelope {
    var envelope = Wardround_V1_Envelope()
    envelope.kind = kind
    envelope.study = study
    envelope.body = Data(body)
    switch payload {
    case .none: break
    case .inline(let bytes): envelope.payload = .inlinePayload(Data(bytes))
    case .chunked(let length): envelope.payload = .chunkedPayload(length)
    }
    return envelope
  }

  init(_ envelope: Wardround_V1_Envelope) {
    kind = envelope.kind
    study = envelope.study
    body = [UInt8](envelope.body)
    switch envelope.payload {
    case .inlinePayload(let bytes): payload = .inline([UInt8](bytes))
    case .chunkedPayload(let length): payload = .chunked(length)
    case nil: payload = .none
    }
  }
}
