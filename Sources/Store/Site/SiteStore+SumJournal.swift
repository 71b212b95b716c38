extension SiteStore {
  /// A masked vector and its digest.
  public struct KeptVector: Sendable, Equatable {
    public var digest: [UInt8]
    public var bytes: [UInt8]

    public init(digest: [UInt8], bytes: [UInt8]) {
      self.digest = digest
      self.bytes = bytes
    }
  }

  /// All records of a study in their order, and the vectors kept.
  public func sumRecords(
    study: String
  ) async throws(StoreError) -> (records: [[UInt8]], vectors: [KeptVector]) {
    let journal = try await journal(study: study)
    return (
      journal.records, journal.vectors.map { KeptVector(digest: $0.digest, bytes: $0.bytes) }
    )
  }
}
