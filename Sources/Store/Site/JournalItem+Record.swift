import CanonicalBytes

extension JournalItem {
  /// Reads what the store has to know from the head of a record in the protocol's canonical bytes
  /// (protocol/README.md §12): kind and round, the number of an epoch, the digest of a result. The rest
  /// stays opaque. What stays of a release when its round is over, query and sites for the protocol's
  /// own rule about sets, is the same record with an empty message.
  ///
  /// - Throws: `invalidValue` when the bytes are not such a record.
  public init(record: [UInt8]) throws(StoreError) {
    do {
      var reader = ByteReader(record)
      let type = try reader.integer(UInt8.self)
      let round = try reader.integer(UInt64.self)
      guard let kind = JournalKind(rawValue: Int64(type)) else {
        throw DecodingFault(.notCanonical, at: 0)
      }
      self.init(kind, round: round, record: record)
      switch kind {
      case .epoch: epoch = try reader.integer()
      case .done: resultDigest = try reader.raw(32)
      case .released:
        _ = try reader.raw(32)
        _ = try reader.raw(32)
        _ = try reader.array(minimumBytes: 2) { reader throws(DecodingFault) in
          try reader.integer(UInt16.self)
        }
        _ = try reader.raw(32)
        recordAfterwards = Array(record.prefix(reader.offset)) + [0, 0, 0, 0]
      default: break
      }
    } catch {
      throw StoreError(.invalidValue, "the bytes are not a record of the protocol's journal")
    }
  }
}
