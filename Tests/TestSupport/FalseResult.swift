import Cryptography
import FixedPoint

@testable import SecureAggregation

/// A lie that an aggregator can tell with its own keys.
public enum FalseResult {
  /// The Result of a round with one unit more in one coordinate of the sum, with everything recomputed
  /// that the aggregator can compute; nil when it is none.
  ///
  /// - Parameters:
  ///   - open: the round's RoundOpen message.
  ///   - onlyWithLayers: nil also for a round without noise that comes off.
  public static func changing(
    _ message: [UInt8], payload: [UInt8], open: [UInt8], key: SigningKey,
    onlyWithLayers: Bool = false
  ) throws -> (message: [UInt8], payload: [UInt8])? {
    let envelope = try Envelope(parsing: message, naming: [])
    let result = try ResultMessage(envelope.body)
    if onlyWithLayers, !result.layers.contains(where: \.isRemoved) { return nil }
    let opened = try Envelope(parsing: open, naming: [])
    guard let sum = RingVector(payload, width: result.ringWidth) else { return nil }
    var values = sum.signed
    values[1] += 1
    guard let changed = RingVector(signed: values, width: result.ringWidth) else { return nil }
    let transcript = RoundOpen.binding(
      manifest: opened.manifest, epoch: opened.epoch, round: opened.round, body: opened.body)
    let sumDigest = RoundDigests.vector(changed)
    let digest = RoundDigests.result(
      round: transcript, shareSet: RoundDigests.set(result.shareMembers),
      set: RoundDigests.set(result.members), list: result.listDigest, sum: sumDigest,
      tag: result.tag, layers: result.layers, layerTag: result.layerTag)
    let body = ResultMessage(
      sumDigest: sumDigest, vectorLength: result.vectorLength, ringWidth: result.ringWidth,
      tag: result.tag, shareMembers: result.shareMembers, members: result.members,
      listDigest: result.listDigest, acknowledgements: result.acknowledgements,
      resultDigest: digest, layers: result.layers, layerTag: result.layerTag)
    let lie = Envelope.sealed(
      envelope.kind, manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      sender: envelope.sender, body: body.bytes, key: key)
    return (lie, changed.bytes)
  }
}
