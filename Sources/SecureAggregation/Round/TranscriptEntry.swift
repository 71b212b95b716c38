import CanonicalBytes
import Cryptography
import FixedPoint

/// One accepted round, as it stands in the transcript: what was opened and what came out. The sum
/// itself is kept beside it under `sumDigest`.
public struct TranscriptEntry: Sendable, Hashable {
  public let epoch: UInt32
  public let round: UInt64
  /// The bodies of RoundOpen and Result.
  public let roundOpenBody: [UInt8]
  public let resultBody: [UInt8]

  public init(epoch: UInt32, round: UInt64, roundOpenBody: [UInt8], resultBody: [UInt8]) {
    self.epoch = epoch
    self.round = round
    self.roundOpenBody = roundOpenBody
    self.resultBody = resultBody
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    epoch = try reader.integer()
    round = try reader.integer()
    roundOpenBody = try reader.blob()
    resultBody = try reader.blob()
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(epoch)
    writer.integer(round)
    writer.blob(roundOpenBody)
    writer.blob(resultBody)
  }

  /// What an entry says, once everything that it says of itself has been checked.
  public struct Verified: Sendable, Hashable {
    public let round: UInt64
    public let binding: RoundBinding
    /// U2.
    public let participants: [UInt16]
    public let sumDigest: Digest
    /// R_r.
    public let digest: Digest
    /// See `RoundOutcome.removedLayers`.
    public let removedLayers: [UInt16: [Int]]
  }

  /// Checks the entry against the manifest and the digest of the result before it: the chain, at
  /// least t acknowledgements, the sum, and R_r (§13). Anyone holding a transcript can do this.
  ///
  /// Throws `chainMismatch`, `resultMismatch`, `ackInvalid`, `quorumMissing` or a decoding fault,
  /// naming the aggregator.
  public func verified(
    manifest: SignedManifest, after previous: Digest, sum: [UInt8]
  ) throws(SecureAggregationError) -> Verified {
    let opened = try RoundOpen(roundOpenBody, from: 0)
    let result = try ResultMessage(resultBody, from: 0)
    guard opened.previousDigest == previous else {
      throw SecureAggregationError(
        .chainMismatch, naming: [0], sides: .init(own: previous, received: opened.previousDigest))
    }
    let binding = RoundOpen.binding(
      manifest: manifest.digest, epoch: epoch, round: round, body: roundOpenBody)
    guard let records = result.records(of: opened.layers) else {
      throw SecureAggregationError(.resultMismatch, naming: [0])
    }
    try Quorum.check(
      result.acknowledgements, of: result.members, statement: result.statement(round: binding),
      manifest: manifest)
    guard result.sumDigest == sum.withUnsafeBytes({ RoundDigests.vector($0) }) else {
      throw SecureAggregationError(.resultMismatch, naming: [0])
    }
    guard result.digest(round: binding) == result.resultDigest else {
      throw SecureAggregationError(.resultMismatch, naming: [0])
    }
    return Verified(
      round: round, binding: opened.binding, participants: result.members,
      sumDigest: result.sumDigest, digest: result.resultDigest, removedLayers: records.removed)
  }

  /// How many bytes of payload the entry's sum has; nil when the bodies do not decode.
  var sumByteCount: Int? {
    guard let opened = try? RoundOpen(roundOpenBody) else { return nil }
    return Int(opened.vectorLength) * opened.ringWidth.byteCount
  }
}

extension ResultMessage {
  /// What came off the sum; nil unless there is one record per member and layer, and only what may
  /// come off did: layers above their limit, of sites whose acknowledgement is here.
  func records(of layers: [NoiseLayer]) -> LayerRecords? {
    guard
      let records = LayerRecords(self.layers, members: members, layerCount: layers.count),
      records.isPermitted(layers: layers, acknowledged: Set(acknowledgements.map(\.index)))
    else { return nil }
    return records
  }

  /// The statement that the acknowledgements are on, from Result itself: a revealed seed stands for
  /// the commitment that it must fit.
  func statement(round: Digest) -> Digest {
    var layersDigest: Digest?
    if !layers.isEmpty, !members.isEmpty,
      let records = LayerRecords(
        layers, members: members, layerCount: layers.count / members.count)
    {
      layersDigest = NoiseLayer.digest(of: records.commitments(round: round))
    }
    return RoundDigests.statement(
      round: round, shareSet: RoundDigests.set(shareMembers), set: RoundDigests.set(members),
      list: listDigest, layers: layersDigest)
  }

  func digest(round: Digest) -> Digest {
    RoundDigests.result(
      round: round, shareSet: RoundDigests.set(shareMembers), set: RoundDigests.set(members),
      list: listDigest, sum: sumDigest, tag: tag, layers: layers,
      layerTag: layerTag)
  }
}
